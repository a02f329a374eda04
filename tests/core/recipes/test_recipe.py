"""Recipes: their sweeps are valid, their small versions run, and their results are compared."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dualtrain.client.cli import app
from dualtrain.core.data import load
from dualtrain.core.recipes import UnknownRecipe, load_recipe, recipe_names, run_recipe
from dualtrain.core.recipes.recipe import Expectation
from dualtrain.core.recipes.running import Result
from dualtrain.core.spec import JobSpec, faults
from dualtrain.core.sweep import cells, job_document


@pytest.mark.parametrize("name", recipe_names())
def test_every_cell_is_a_job_and_every_expectation_a_cell(name: str) -> None:
    recipe = load_recipe(name)
    for small in (False, True):
        sweep = recipe.sized(small)
        for cell in cells(sweep):
            spec = JobSpec.model_validate_json(json.dumps(job_document(sweep, cell, seed=0)), strict=True)
            assert faults(spec, 10, 60_000) == []
    assert recipe.expected.keys() <= {cell.name for cell in cells(recipe.sweep)}


@pytest.fixture
def with_mnist(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data folder of the tests for the processes of the jobs."""
    monkeypatch.setenv("DUALTRAIN_DATA_DIR", str(data_dir))
    for size in (12, 28):
        load("mnist", size, data_dir, ())


@pytest.mark.usefixtures("with_mnist")
@pytest.mark.parametrize("name", recipe_names())
def test_the_small_version_runs_and_has_the_same_bits_again(name: str) -> None:
    recipe = load_recipe(name)
    lines: list[str] = []
    results = run_recipe(recipe, small=True, tell=lines.append)
    assert [result.cell.name for result in results] == [cell.name for cell in cells(recipe.sweep)]
    assert len(lines) == len(results)
    assert all(0 < result.error < 100 and result.cell.passes.mean for result in results)
    if name == "blog":
        again = run_recipe(recipe, small=True, tell=lines.append)
        assert [result.sha256 for result in again] == [result.sha256 for result in results]


@pytest.mark.parametrize(("here", "verdict"), [(None, ""), (3.4, "as before"), (3.6, "differs"), (2.4, "differs")])
def test_a_result_is_compared_with_the_one_before(here: float | None, verdict: str) -> None:
    expected = Expectation(here=here, tolerance=0.5)
    assert Result(None, 3.0, None, expected, 1.0, []).verdict == verdict  # type: ignore[arg-type]


def test_a_name_that_is_no_recipe_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownRecipe, match="there are: baydin-2022, blog"):
        load_recipe("blogg")


def test_the_command_lists_recipes_and_prints_a_sweep() -> None:
    listed = CliRunner().invoke(app, ["recipe", "--list", "--json"])
    assert json.loads(listed.stdout) == recipe_names()
    sweep = CliRunner().invoke(app, ["recipe", "table", "--sweep"])
    assert len(json.loads(sweep.stdout)["variants"]) == len(load_recipe("table").sweep.variants)
