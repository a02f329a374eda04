"""Histories as files and in trackers, read back with their own readers."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from dualtrain.client import Client, JobHandle, SweepHandle
from dualtrain.core.history import COLUMNS

SWEEP = {"name": "exported", "base": {"max_steps": 10, "gradient": {"method": "per-neuron"}}, "seeds": 2}


@pytest.fixture(scope="module")
def sweep(url: str) -> Iterator[SweepHandle]:
    with Client(url) as client:
        yield client.sweep(SWEEP).wait()


def curve(job: JobHandle, name: str = "loss") -> list[tuple[int, float]]:
    return [(point["step"], point[name]) for point in job.history() if point[name] is not None]  # type: ignore[literal-required]


def test_a_job_as_csv(dualtrain: Any, trained: JobHandle, tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    assert dualtrain("export", trained.id, str(path), "--to", "csv")[0] == 0
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [(int(row["step"]), float(row["loss"])) for row in rows] == curve(trained)
    assert {row["job_id"] for row in rows} == {trained.id}


def test_a_sweep_as_parquet(dualtrain: Any, client: Client, sweep: SweepHandle, tmp_path: Path) -> None:
    path = tmp_path / "curves.parquet"
    assert dualtrain("export", sweep.id, str(path), "--to", "parquet")[0] == 0
    table = pyarrow.parquet.read_table(path).to_pylist()
    assert set(COLUMNS) <= table[0].keys()
    for job in sweep.jobs():
        rows = [(row["step"], row["loss"]) for row in table if row["job_id"] == job.id]
        assert rows == curve(client.job(job.id))
        assert {row["seed"] for row in table if row["job_id"] == job.id} == {job.spec["seed"]}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", ["export", "follow"])
def test_tensorboard_shows_the_same_curves(dualtrain: Any, trained: JobHandle, tmp_path: Path, command: str) -> None:
    pytest.importorskip("tensorboard", reason="the extra dualtrain[tensorboard] is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert dualtrain(command, trained.id, str(tmp_path), "--to", "tensorboard")[0] == 0
    events = EventAccumulator(str(tmp_path / trained.id))
    events.Reload()
    for name in ("loss", "test_accuracy"):
        read = [(event.step, pytest.approx(event.value, rel=1e-6)) for event in events.Scalars(name)]
        assert read == curve(trained, name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", ["export", "follow"])
def test_mlflow_shows_the_same_curves(dualtrain: Any, trained: JobHandle, tmp_path: Path, command: str) -> None:
    pytest.importorskip("mlflow", reason="the extra dualtrain[mlflow] is not installed")
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert dualtrain(command, trained.id, uri, "--to", "mlflow")[0] == 0
    reader = MlflowClient(tracking_uri=uri)
    experiment = reader.get_experiment_by_name("dualtrain")
    (run,) = reader.search_runs([experiment.experiment_id])
    assert run.data.params["gradient.method"] == "per-neuron"
    assert run.data.tags["dualtrain.job_id"] == trained.id
    for name in ("loss", "test_accuracy"):
        history = reader.get_metric_history(run.info.run_id, name)
        assert [(metric.step, metric.value) for metric in history] == curve(trained, name)


def test_a_tracker_that_is_not_installed_is_named(
    dualtrain: Any, trained: JobHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("dualtrain.client.exporters.targets.import_module", missing)
    code, _, err = dualtrain("export", trained.id, "--to", "mlflow")
    assert code == 1
    assert "pip install 'dualtrain[mlflow]'" in err
