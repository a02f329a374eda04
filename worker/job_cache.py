"""Cache of jobs in a worker process: networks and data, prepared once; and the jobs that it must refuse."""

import socket
from collections import OrderedDict
from typing import Any

from dualtrain.core.data import Dataset, load
from dualtrain.core.loop import Training
from dualtrain.core.runtime.fingerprint import code_version, fingerprint
from dualtrain.core.settings import Settings
from dualtrain.core.spec import DatasetSpec, JobSpec
from dualtrain.core.store import Brief, Exchange
from dualtrain.core.store.broker import Task

KEPT_JOBS = 4
"""Number of jobs that a process caches."""


class Refusal(Exception):
    """This process cannot compute the job; `code` and text are the reason for which the job waits for another one."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Trainings:
    """The trainings of the newest jobs, by job and aggregator's token."""

    def __init__(self, exchange: Exchange, settings: Settings, worker: str) -> None:
        self._exchange = exchange
        self._settings = settings
        self._worker = worker
        self._kept: OrderedDict[tuple[str, int], Training] = OrderedDict()

    def of(self, task: Task) -> Training | None:
        """Return the training of a task's job, None when the job has left the exchange. Raises Refusal."""
        key = (task.job, task.token)
        if key not in self._kept:
            brief = self._exchange.read_brief(task.job)
            if brief is None:
                return None
            keep(self._kept, key, self._prepare(brief))
        return self._kept[key]

    def _prepare(self, brief: Brief) -> Training:
        if brief.code != code_version():
            text = f"the job was planned by code {brief.code}, worker {self._worker} runs {code_version()}"
            raise Refusal("numerics_mismatch", text)
        spec = JobSpec.model_validate(brief.spec)
        data = self._load(spec.dataset)
        if brief.numerics != fingerprint(data.sha256):
            raise Refusal(
                "numerics_mismatch",
                f"worker {self._worker} has numerics {fingerprint(data.sha256)}, "
                f"the job was planned with {brief.numerics}; "
                "set DUALTRAIN_NUMERICS=portable on every host of a mixed fleet",
            )
        return Training(spec, data)

    def _load(self, spec: DatasetSpec) -> Dataset:
        try:
            return load(spec.name, spec.image_size, self._settings.data_dir, self._settings.hub_datasets)
        except (ValueError, LookupError, OSError) as error:
            text = f"worker {self._worker} on host {socket.gethostname()} cannot read data set {spec.name!r}: {error}"
            raise Refusal("data_unavailable", text) from error


def keep(cache: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    """Put something of a job into a cache of the newest `KEPT_JOBS`."""
    cache[key] = value
    while len(cache) > KEPT_JOBS:
        cache.popitem(last=False)
