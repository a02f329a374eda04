"""Sweeps by the client, and calls that change or repeat jobs."""

import asyncio

import pytest

from dualtrain.client import ApiError, AsyncClient, Client, JobHandle
from tests.client.conftest import Relay

SWEEP = {
    "name": "rates",
    "base": {"max_steps": 20, "gradient": {"method": "per-neuron"}},
    "grid": {"optimizer.learning_rate": [0.3, 0.1]},
    "seeds": 2,
}


def test_a_sweep_from_its_size_to_its_table(client: Client) -> None:
    size = client.sweep_size(SWEEP)
    assert (size["cells"], size["jobs"]) == (2, 4)
    sweep = client.sweep(SWEEP)
    table = sweep.wait().table()
    assert sweep.record["status"] == "succeeded"
    assert [(cell["name"], cell["n"]) for cell in table] == [("learning_rate=0.3", 2), ("learning_rate=0.1", 2)]
    assert table[0]["test_accuracy"]["std"] is not None
    assert "learning_rate=0.3" in table._repr_html_()
    assert "succeeded" in sweep._repr_html_()
    curves = sweep.history()
    jobs = list(sweep.jobs())
    assert len(jobs) == 4
    first = [job for job in jobs if job.sweep and job.sweep.cell == curves[0]["cell"]]
    losses = [{p["step"]: p["loss"] for p in client.job(job.id).history()} for job in first]
    for point in curves[0]["points"]:
        assert point["loss"]["mean"] == pytest.approx(sum(loss[point["step"]] for loss in losses) / 2)
    assert next(client.sweeps(limit=1)).id == sweep.id
    sweep.delete()
    sweep.delete()
    assert list(sweep.jobs()) == []
    with pytest.raises(ApiError, match="sweep_not_found"):
        client.get_sweep(sweep.id)


def test_a_lost_answer_makes_no_second_sweep(relay: Relay) -> None:
    with Client(relay.url) as far:
        before = len(list(far.sweeps()))
        relay.cut_after = [0] * 3
        with Client(relay.url) as other:
            sweep = other.sweep(SWEEP)
        assert len(list(far.sweeps())) == before + 1
        sweep = far.get_sweep(sweep.id)
        assert sweep.wait().record["status"] == "succeeded"
        sweep.delete()


def test_a_sweep_can_be_awaited(url: str) -> None:
    async def use() -> str:
        async with AsyncClient(url) as client:
            sweep = await client.sweep(SWEEP | {"seeds": 1})
            await (await sweep.wait()).table()
            await sweep.delete()
            return str(sweep.record["status"])

    assert asyncio.run(use()) == "succeeded"


def test_jobs_are_cloned_edited_extended_and_found(client: Client, trained: JobHandle) -> None:
    clone = trained.clone({"max_steps": 10, "metadata": {"of": "clone-test"}})
    assert clone.wait().progress.step == 10
    assert clone.edit(name="copy by the client").name == "copy by the client"
    assert [job.id for job in client.jobs(name="copy by the client", status=["succeeded", "failed"])] == [clone.id]
    clone.extend(max_steps=15)
    assert clone.wait().progress.step == 15
    assert any(record["event"] == "status queued" for record in clone.log())
    assert client.act("delete", {"metadata": {"of": "clone-test"}}, dry_run=True)["changed"] == 1
    assert client.act("delete", {"metadata": {"of": "clone-test"}})["changed"] == 1
    assert client.usage()[0]["jobs"] >= 2


def test_a_cancelled_job_is_retried(trained: JobHandle) -> None:
    job = trained.clone({"epochs": 50, "max_steps": None})
    job.cancel()
    assert job.retry().status == "queued"
    job.cancel()
    job.delete()


def test_a_job_shows_its_curve_in_a_notebook(trained: JobHandle) -> None:
    shown = trained._repr_html_()
    assert "<polyline" in shown
    assert "succeeded" in shown
