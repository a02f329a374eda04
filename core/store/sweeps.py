"""Sweeps in the store. A sweep is written whole by one script; its jobs follow from it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from dualtrain.core.runtime.times import now
from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient
from dualtrain.core.sweep.steps import SWEEP_ENDED, SWEEP_SOURCES, Rung, SweepStatus
from dualtrain.core.sweep.table import Outcome

_CREATE = """
local sweep, all, live, sequence = unpack(KEYS)
if redis.call('EXISTS', sweep) == 1 then return end
local number = redis.call('INCR', sequence)
redis.call('HSET', sweep, 'number', number, unpack(ARGV, 2))
redis.call('ZADD', all, number, ARGV[1])
redis.call('SADD', live, ARGV[1])
"""

_MOVE = """
local status = redis.call('HGET', KEYS[1], 'status')
if not status then return 'unknown' end
local from = string.sub(status, 2, -2)
if from == ARGV[1] then return '' end
if not string.find(ARGV[2], '|' .. from .. '|', 1, true) then return from end
redis.call('HSET', KEYS[1], 'status', '"' .. ARGV[1] .. '"')
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'finished_at', ARGV[3]) end
return ''
"""

_DECIDE = """
local rungs = cjson.decode(redis.call('HGET', KEYS[1], 'rungs') or '[]')
if #rungs ~= tonumber(ARGV[1]) then return end
redis.call('HSET', KEYS[1], 'rungs', ARGV[2])
"""


class UnknownSweep(LookupError):
    """No sweep has this id."""


class SweepConflict(Exception):
    """The sweep's `status` does not allow the change."""

    def __init__(self, sweep_id: str, status: str, target: str) -> None:
        super().__init__(f"sweep {sweep_id} is {status}; it cannot become {target} from there")
        self.status = status


class SweepRecord(BaseModel):
    """A sweep as the store keeps it. `spec` is the JSON of a `SweepSpec`; times are ISO 8601 in UTC."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str = ""
    owner: str | None = None
    status: SweepStatus = SweepStatus.RUNNING
    created_at: str
    finished_at: str | None = None
    spec: dict[str, Any]
    rungs: tuple[Rung, ...] = ()


class Sweeps:
    """The sweeps that the store keeps."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store
        self._create = store.register_script(_CREATE)
        self._move = store.register_script(_MOVE)
        self._decide = store.register_script(_DECIDE)

    def create(self, sweep: SweepRecord) -> None:
        """Accept a sweep; a second call with the same id does nothing."""
        fields = sweep.model_dump(mode="json")
        pairs = [part for name, value in fields.items() for part in (name, json.dumps(value))]
        indexes = [keys.SWEEPS, keys.LIVE_SWEEPS, keys.SWEEP_SEQUENCE]
        self._create(keys=[keys.sweep(sweep.id), *indexes], args=[sweep.id, *pairs])

    def get(self, sweep_id: str) -> SweepRecord:
        """Return a sweep. Raises UnknownSweep."""
        fields = self._store.hgetall(keys.sweep(sweep_id))
        if not fields:
            raise UnknownSweep(sweep_id)
        return SweepRecord.model_validate({name.decode(): json.loads(value) for name, value in fields.items()})

    def newest(self, below: int | None = None) -> Iterator[tuple[int, SweepRecord]]:
        """Yield sweeps with their numbers, those under `below`, newest first."""
        top = "+inf" if below is None else f"({below}"
        for sweep_id, number in self._store.zrevrangebyscore(keys.SWEEPS, top, "-inf", withscores=True):
            try:
                yield int(number), self.get(sweep_id.decode())
            except UnknownSweep:  # deleted meanwhile
                continue

    def live(self) -> list[str]:
        """Return the ids of the sweeps that still need attention, in no order."""
        return sorted(sweep_id.decode() for sweep_id in self._store.smembers(keys.LIVE_SWEEPS))

    def settle(self, sweep_id: str) -> None:
        """Take a sweep that has ended with all its jobs out of the live ones."""
        self._store.srem(keys.LIVE_SWEEPS, sweep_id)

    def move(self, sweep_id: str, to: SweepStatus) -> None:
        """Change a sweep's status; one that has it already stays. Raises UnknownSweep, SweepConflict."""
        sources = "|" + "|".join(sorted(SWEEP_SOURCES[to])) + "|"
        finished = json.dumps(now()) if to in SWEEP_ENDED else ""
        refused = self._move(keys=[keys.sweep(sweep_id)], args=[to.value, sources, finished]).decode()
        if refused == "unknown":
            raise UnknownSweep(sweep_id)
        if refused:
            raise SweepConflict(sweep_id, refused, to.value)

    def decide(self, sweep: SweepRecord, rung: Rung) -> None:
        """Append a comparison of cells, unless another process did meanwhile: both decide the same."""
        rungs = [{"step": rung.step, "kept": list(rung.kept)} for rung in (*sweep.rungs, rung)]
        self._decide(keys=[keys.sweep(sweep.id)], args=[len(sweep.rungs), json.dumps(rungs)])

    def created(self, sweep_id: str) -> frozenset[str]:
        """Return the ids of the sweep's jobs that were queued, the deleted ones included."""
        return frozenset(job_id.decode() for job_id in self._store.smembers(keys.sweep_jobs(sweep_id)))

    def record(self, sweep_id: str, outcomes: Iterable[Outcome]) -> None:
        """Keep the outcomes of jobs that have ended; the newest one of a job counts."""
        packed = {outcome.job_id: outcome.model_dump_json() for outcome in outcomes}
        if packed:
            self._store.hset(keys.sweep_outcomes(sweep_id), mapping=packed)

    def outcomes(self, sweep_id: str) -> dict[str, Outcome]:
        """Return the kept outcomes by job id."""
        records = self._store.hgetall(keys.sweep_outcomes(sweep_id))
        return {job_id.decode(): Outcome.model_validate_json(value) for job_id, value in records.items()}

    def delete(self, sweep_id: str) -> None:
        """Remove a sweep that has ended; its jobs are deleted before. Raises UnknownSweep, SweepConflict."""
        sweep = self.get(sweep_id)
        if sweep.status not in SWEEP_ENDED:
            raise SweepConflict(sweep_id, sweep.status, "deleted")
        with self._store.pipeline(transaction=True) as pipe:
            pipe.delete(keys.sweep(sweep_id), keys.sweep_jobs(sweep_id), keys.sweep_outcomes(sweep_id))
            pipe.zrem(keys.SWEEPS, sweep_id)
            pipe.srem(keys.LIVE_SWEEPS, sweep_id)
            pipe.execute()
