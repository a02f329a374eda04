"""Leases of jobs, which expire, and fencing tokens that every later write must carry."""

from dataclasses import dataclass

from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient
from dualtrain.core.store.scripts import ALLOW_OOM


class Stale(Exception):
    """A write came with an old fencing token: another aggregator has taken the job over."""


@dataclass(frozen=True)
class Lease:
    """The right to work on `job_id`, for as long as it is renewed."""

    job_id: str
    token: int


_ACQUIRE = f"""{ALLOW_OOM}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return token
"""

_RENEW = f"""{ALLOW_OOM}
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

# What was taken of a job that is gone leaves nothing.
_RELEASE = """
if redis.call('GET', KEYS[2]) == ARGV[1] and redis.call('EXISTS', KEYS[3]) == 0 then redis.call('DEL', KEYS[2]) end
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Leases:
    """Leases in the store. A lease that ran out may be renewed as long as nobody else has taken it."""

    def __init__(self, store: RedisClient, milliseconds: int = 3000) -> None:
        self._milliseconds = milliseconds
        self._acquire = store.register_script(_ACQUIRE)
        self._renew = store.register_script(_RENEW)
        self._release = store.register_script(_RELEASE)

    def acquire(self, job_id: str) -> Lease | None:
        """Return a lease with a new token, or None when somebody holds the job."""
        token = self._acquire(keys=_keys(job_id), args=[self._milliseconds])
        return Lease(job_id, int(token)) if token else None

    def renew(self, lease: Lease) -> bool:
        """Prolong a lease; False when another aggregator has it."""
        return bool(self._renew(keys=_keys(lease.job_id), args=[lease.token, self._milliseconds]))

    def release(self, lease: Lease) -> None:
        """Give a lease back, so that the job can be taken at once."""
        self._release(keys=[*_keys(lease.job_id), keys.job(lease.job_id)], args=[lease.token])


def _keys(job_id: str) -> list[str]:
    return [keys.lease(job_id), keys.token(job_id)]
