"""Curves as MLflow runs; needs the package mlflow or mlflow-skinny."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from dualtrain.client.exporters import Curve
from dualtrain.client.exporters.targets import NewPoints

EXPERIMENT = "dualtrain"
_METRICS_AT_ONCE = 1000
_PARAMETERS_AT_ONCE = 100
"""Limits of MLflow's `log_batch`."""
_VALUE_CHARACTERS = 500


class MLflow:
    """A tracking server, or a folder or database of runs; None: what MLFLOW_TRACKING_URI says."""

    def __init__(self, uri: str | None) -> None:
        self._client = MlflowClient(tracking_uri=uri)
        known = self._client.get_experiment_by_name(EXPERIMENT)
        self._experiment = known.experiment_id if known else self._client.create_experiment(EXPERIMENT)

    @contextmanager
    def run(self, curve: Curve) -> Iterator["_Run"]:
        """Write the run of a job."""
        tags = {"dualtrain.job_id": curve.job_id, **({"dualtrain.cell": curve.cell} if curve.cell else {})}
        run_id = self._client.create_run(self._experiment, run_name=curve.run_name, tags=tags).info.run_id
        parameters = [Param(path, str(value)[:_VALUE_CHARACTERS]) for path, value in curve.parameters.items() if path]
        for batch in _batches(parameters, _PARAMETERS_AT_ONCE):
            self._client.log_batch(run_id, params=batch)
        try:
            yield _Run(self._client, run_id)
        except BaseException:
            self._client.set_terminated(run_id, "KILLED")
            raise
        self._client.set_terminated(run_id)


class _Run:
    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._new = NewPoints()

    def add(self, points: Iterable[Mapping[str, Any]]) -> None:
        """Write the points that were not written yet."""
        at = int(time.time() * 1000)
        metrics = [
            Metric(name, value, at, step) for step, figures in self._new.of(points) for name, value in figures.items()
        ]
        for batch in _batches(metrics, _METRICS_AT_ONCE):
            self._client.log_batch(self._run_id, metrics=batch)


def _batches(items: Iterable[Any], count: int) -> Iterator[list[Any]]:
    left = iter(items)
    while batch := list(islice(left, count)):
        yield batch
