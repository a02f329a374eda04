"""Sweeps: their cells, jobs, ids and limits, and the table of results."""

import numpy as np
import pytest
from pydantic import ValidationError

from dualtrain.core.spec import JobSpec
from dualtrain.core.sweep.spec import Cell, SweepSpec, cells, is_sweep_id, job_document, jobs, new_sweep_id

EXAMPLE = {
    "name": "estimators",
    "base": {"epochs": 3},
    "variants": [
        {"name": "exact", "set": {"gradient.method": "per-neuron"}},
        {"name": "activations", "set": {"gradient.method": "forward-gradient", "gradient.perturb": "activations"}},
    ],
    "grid": {"optimizer.learning_rate": [0.3, 0.1]},
    "seeds": 3,
}


def make(**changes: object) -> SweepSpec:
    return SweepSpec.model_validate({**EXAMPLE, **changes})


def test_cells_are_variants_times_grid() -> None:
    assert [cell.name for cell in cells(make())] == [
        "exact, learning_rate=0.3",
        "exact, learning_rate=0.1",
        "activations, learning_rate=0.3",
        "activations, learning_rate=0.1",
    ]


def test_a_sweep_of_nothing_is_the_base_alone() -> None:
    assert cells(SweepSpec()) == (Cell(0, "base", {}),)


def test_each_cell_runs_once_for_every_seed() -> None:
    spec = make()
    planned = list(jobs("sweep-0123456789ab", spec))
    assert len(planned) == spec.job_count == 12
    assert {(job.cell.index, job.seed) for job in planned} == {(cell, seed) for cell in range(4) for seed in range(3)}


def test_ids_follow_from_the_sweep_alone() -> None:
    ids = [job.id for job in jobs("sweep-0123456789ab", make())]
    assert ids == [job.id for job in jobs("sweep-0123456789ab", make())]
    assert len(set(ids) | {job.id for job in jobs("sweep-ba9876543210", make())}) == 24
    assert is_sweep_id(new_sweep_id())


def test_every_job_has_a_valid_spec_with_its_changes() -> None:
    spec = make()
    for job in jobs("sweep-0123456789ab", spec):
        parsed = JobSpec.model_validate(job_document(spec, job.cell, job.seed))
        assert (parsed.epochs, parsed.seed) == (3, job.seed)
        assert parsed.optimizer.learning_rate == job.cell.changes["optimizer.learning_rate"]


def test_the_base_is_not_changed_by_a_cell() -> None:
    spec = make(base={"network": {"layers": [{"units": 5}, {"units": 10}]}}, grid={"network.layers.0.units": [7]})
    assert job_document(spec, cells(spec)[0], 0)["network"]["layers"][0]["units"] == 7
    assert spec.base["network"]["layers"][0]["units"] == 5


def test_random_draws_are_the_same_for_the_same_seed_and_within_bounds() -> None:
    space = {"optimizer.learning_rate": {"log_uniform": [0.001, 1]}, "batch_size": {"integer": [16, 18]}}
    spec = make(variants=[], grid={}, sample={"count": 50, "seed": 4, "space": space})
    drawn = [cell.changes for cell in cells(spec)]
    rates = [changes["optimizer.learning_rate"] for changes in drawn]
    assert drawn == [cell.changes for cell in cells(spec)]
    assert all(0.001 <= rate <= 1 for rate in rates)
    assert np.median(rates) < 0.1  # a uniform draw's median would be about 0.5
    assert {changes["batch_size"] for changes in drawn} == {16, 17, 18}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": 1000}, "at most 2,000"),
        ({"seeds": [1, 1]}, "different numbers"),
        ({"seeds": []}, "different numbers"),
        ({"sample": {"count": 2, "space": {"seed": {"choice": [1]}}}}, "either a grid or a sample"),
        ({"variants": [{"name": "a"}, {"name": "a"}]}, "different names"),
        ({"halving": {"at_steps": [200, 100]}}, "must rise"),
        ({"grid": {"optimizer.learning_rate": []}}, "at least 1 item"),
        ({"grid": {"Not a path": [1]}}, "match pattern"),
        ({"max_parallel": 0}, "greater than or equal to 1"),
    ],
)
def test_faults_name_the_limit(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make(**changes)


def test_a_huge_grid_is_refused_without_being_made() -> None:
    with pytest.raises(ValidationError, match="at most 2,000"):
        make(grid={f"metadata.k{i}": list(range(100)) for i in range(20)})
