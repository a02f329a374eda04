"""Idempotency keys: the same request sent twice makes one job, also when the first answer was lost on its way.

A claim has a token; taking over a request that was not answered in time makes a new one. All that is written
later, the job included, is written only while the token is still the newest and the request is not answered, so that
a request which stalled and comes back changes nothing.
"""

import json
import time
from dataclasses import dataclass
from secrets import token_hex

from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient

KEPT_SECONDS = 24 * 3600
UNANSWERED_SECONDS = 5
"""A first request that is not answered by then was lost with its process: the next one takes its place.

It is shorter than clients keep trying. If the first request is slow and not lost, its claim is void from then on.
"""

_CLAIM = """
local fingerprint, job, token, now, patience, kept = unpack(ARGV)
local record = redis.call('GET', KEYS[1])
local claim = record and cjson.decode(record) or {fingerprint = fingerprint, job_id = job}
if claim.fingerprint ~= fingerprint then return {'mismatch', '', ''} end
if claim.answer then return {'answered', claim.job_id, claim.answer} end
if claim.token ~= token then
  local age = tonumber(now) - (claim.at or 0)
  if 0 <= age and age < tonumber(patience) then return {'in flight', '', ''} end
  claim.token, claim.at = token, tonumber(now)
  redis.call('SET', KEYS[1], cjson.encode(claim), 'EX', kept)
end
return {'own', claim.job_id, ''}
"""

# Redis numbers in Lua lose no digit of a time in seconds. The answer that counts is the first one.
_ANSWER = """
local record = redis.call('GET', KEYS[1])
if not record then return ARGV[2] end
local claim = cjson.decode(record)
if not claim.answer and claim.token == ARGV[1] then
  claim.answer = ARGV[2]
  redis.call('SET', KEYS[1], cjson.encode(claim), 'KEEPTTL')
end
return claim.answer or ARGV[2]
"""

_GIVE_UP = """
local record = redis.call('GET', KEYS[1])
if not record then return end
local claim = cjson.decode(record)
if claim.answer or claim.token ~= ARGV[1] then return end
if ARGV[2] == 'forget' then redis.call('DEL', KEYS[1]) return end
claim.at = 0
redis.call('SET', KEYS[1], cjson.encode(claim), 'KEEPTTL')
"""


class Mismatch(Exception):
    """The key came before, with another request."""


class InFlight(Exception):
    """The first request with the key is not answered yet."""


@dataclass(frozen=True)
class Claim:
    """The right to answer a request: the id that its job gets, a token, and the first answer if there is one."""

    record: str
    """Name of the key in the store."""
    token: str
    job_id: str
    answer: str | None = None


class Idempotency:
    """The idempotency keys of one owner; None is the owner of all requests where no API keys are used."""

    def __init__(self, store: RedisClient, owner: str | None) -> None:
        self._store = store
        self._owner = owner or ""
        self._claim = store.register_script(_CLAIM)
        self._answer = store.register_script(_ANSWER)
        self._give_up = store.register_script(_GIVE_UP)

    def claim(self, key: str, fingerprint: str, job_id: str) -> Claim:
        """Return a claim with `job_id`, or with the id and answer of an earlier one. Raises Mismatch, InFlight."""
        record, token = keys.idempotency(self._owner, key), token_hex(8)
        arguments = [fingerprint, job_id, token, time.time(), UNANSWERED_SECONDS, KEPT_SECONDS]
        state, claimed_id, answer = (part.decode() for part in self._claim(keys=[record], args=arguments))
        if state == "mismatch":
            raise Mismatch(key)
        if state == "in flight":
            raise InFlight(key)
        return Claim(record, token, claimed_id, answer if state == "answered" else None)

    def id_of(self, key: str, fingerprint: str, new_id: str) -> str:
        """Return the id that belongs to a key: `new_id` the first time. Raises Mismatch.

        For what is written once by its id, so that a request may be answered again at any time.
        """
        record = keys.idempotency(self._owner, key)
        self._store.set(record, json.dumps([fingerprint, new_id]), nx=True, ex=KEPT_SECONDS)
        known, known_id = json.loads(self._store.get(record))
        if known != fingerprint:
            raise Mismatch(key)
        return str(known_id)

    def answer(self, claim: Claim, answer: str) -> str:
        """Save the answer of a request, unless there is one already; return the saved one."""
        first: str = self._answer(keys=[claim.record], args=[claim.token, answer]).decode()
        return first

    def release(self, claim: Claim) -> None:
        """Let the request, which may have made its job or not, be claimed again at once, with the same job."""
        self._give_up(keys=[claim.record], args=[claim.token, "release"])

    def forget(self, claim: Claim) -> None:
        """Free the key of a request that made no job."""
        self._give_up(keys=[claim.record], args=[claim.token, "forget"])
