"""One process's part in a round: reads the vector, computes its units, sends the rows."""

import json
import os
import socket
import threading
import time
from collections import OrderedDict
from typing import Any

import structlog

from core.data import load
from core.job import now
from core.numerics import code_version, fingerprint, platform_digest
from core.settings import Settings
from core.spec import JobSpec
from core.store import Exchange, Round, Rows, pack
from core.store.broker import ShardTask
from core.training import Training

KEPT_TRAININGS = 4
"""Jobs whose network and data a process keeps at hand."""
REFUSED_SECONDS = 0.2
"""How long a process that had to refuse a shard stays away from the queue, so that another one can take it."""

log = structlog.get_logger()


class Refusal(Exception):
    """This process may not compute the job; the text says why."""


class Computer:
    """Computes shards. Keeps the newest rounds and trainings, so that a round's vector is read once per process."""

    def __init__(self, exchange: Exchange, settings: Settings, worker: str) -> None:
        self._exchange = exchange
        self._settings = settings
        self._worker = worker
        self._since = now()
        self._trainings: OrderedDict[tuple[str, int], Training] = OrderedDict()
        self._rounds: OrderedDict[str, Round] = OrderedDict()
        self._task: ShardTask | None = None

    def compute(self, task: ShardTask) -> None:
        """Compute a shard and send its rows; what goes wrong is sent in their place. A stale task is dropped."""
        self._task, started = task, time.perf_counter()
        try:
            rows = self._rows(task)
            outcome, body = (Rows.DONE, pack(rows)) if rows is not None else (None, b"")
        except Refusal as refusal:
            outcome, body = Rows.REFUSED, _problem(refusal)
        except Exception as error:
            log.warning("shard failed", job=task.job, step=task.step, shard=task.shard, exc_info=True)
            outcome, body = Rows.FAILED, _problem(error)
        finally:
            self._task = None
        if outcome is not None:
            seconds = time.perf_counter() - started
            sent = Rows(task.step, task.shard, task.shards, outcome, seconds, self._worker, body)
            self._exchange.send(task.job, task.token, sent)
        if outcome == Rows.REFUSED:
            time.sleep(REFUSED_SECONDS)

    def beat_forever(self, seconds: float) -> None:
        """Tell every `seconds` that this process lives; a lost connection is only a beat left out."""
        while True:
            try:
                self._exchange.beat(self._alive())
            except Exception as error:
                log.warning("no heartbeat", error=str(error))
            threading.Event().wait(seconds)

    def _alive(self) -> dict[str, Any]:
        task = self._task
        doing = task.named() if task else None
        return {
            "id": self._worker,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "since": self._since,
            "seen": now(),
            "numerics": platform_digest(),
            "code": code_version(),
            "doing": doing,
        }

    def _rows(self, task: ShardTask) -> list[Any] | None:
        training = self._training(task)
        round_ = self._round(task, training) if training else None
        if training is None or round_ is None:
            return None
        return training.rounds.measure(round_.vector, task.step, range(task.first, task.last))

    def _round(self, task: ShardTask, training: Training) -> Round | None:
        known = self._rounds.get(task.job)
        if known is None or (known.token, known.step) != (task.token, task.step):
            known = self._exchange.read(task.job, task.token, training.dtype)
            if known is None or (known.token, known.step) != (task.token, task.step):
                return None
            _keep(self._rounds, task.job, known)
        return known

    def _training(self, task: ShardTask) -> Training | None:
        key = (task.job, task.token)
        if key not in self._trainings:
            brief = self._exchange.read_brief(task.job)
            if brief is None:
                return None
            _keep(self._trainings, key, self._prepare(brief))
        return self._trainings[key]

    def _prepare(self, brief: dict[str, Any]) -> Training:
        if brief["code"] != code_version():
            raise Refusal(f"the job was planned by code {brief['code']}, worker {self._worker} runs {code_version()}")
        spec = JobSpec.model_validate(brief["spec"])
        data = load(spec.dataset.name, spec.dataset.image_size, self._settings.data_dir, self._settings.hub_datasets)
        if brief["numerics"] != fingerprint(data.sha256):
            raise Refusal(
                f"worker {self._worker} has numerics {fingerprint(data.sha256)}, "
                f"the job was planned with {brief['numerics']}; "
                "set DUALTRAIN_NUMERICS=portable on every host of a mixed fleet"
            )
        return Training(spec, data)


def _keep(cache: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    cache[key] = value
    while len(cache) > KEPT_TRAININGS:
        cache.popitem(last=False)


def _problem(error: BaseException) -> bytes:
    return json.dumps({"type": type(error).__name__, "text": str(error)}).encode()
