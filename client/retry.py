"""Requests that survive a server that is away for a while."""

import logging
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx2

from dualtrain.client.errors import ApiError, DualtrainError, Unreachable
from dualtrain.client.http import Wire

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0
ANSWER_SECONDS = 90.0
"""`Prefer: wait` holds an answer for up to 60 s."""
AWAY_STATUSES = (httpx2.codes.BAD_GATEWAY, httpx2.codes.SERVICE_UNAVAILABLE, httpx2.codes.GATEWAY_TIMEOUT)
PASSING_CODES = ("request_in_flight", "queue_full", "busy")
TOLD_FROM_SECONDS = 1.0
"""Waits shorter than this are a restart and nobody's concern."""

_LOG = logging.getLogger(__name__)

T = TypeVar("T")


class Patience:
    """Retry policy: waits that grow, until the time is over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Reset the waits and the time, after a success."""
        self._end = time.monotonic() + self._seconds
        self._wait = FIRST_WAIT_SECONDS

    def wait_seconds(self, error: DualtrainError, at_least_seconds: float = 0.0) -> float:
        """Return how long to wait before the next try. Raises `error` when there is no time left for one.

        Once the waits grow long, a warning is logged.
        """
        seconds = max(at_least_seconds, self._wait * random.uniform(0.5, 1.0))
        left = self._end - time.monotonic()
        if seconds > left:
            raise error
        longer = min(2 * self._wait, LONGEST_WAIT_SECONDS)
        if self._wait < TOLD_FROM_SECONDS <= longer:
            _LOG.warning("%s; asking again for %.0f s", error, left)
        self._wait = longer
        return seconds


class Transport:
    """Sends a request again until it is answered or the patience is over.

    So a request may reach the server twice. That is harmless for what reads; a job is submitted under an idempotency
    key, and a change of status that was made already counts as made.
    """

    def __init__(self, wire: type[Wire], url: str, api_key: str | None, patience_seconds: float) -> None:
        headers = {"User-Agent": "dualtrain-client"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})
        self.url = url
        self._patience_seconds = patience_seconds
        try:
            self.wire = wire(base_url=url, headers=headers, timeout=httpx2.Timeout(ANSWER_SECONDS, connect=5.0))
        except httpx2.InvalidURL as error:
            raise self._unaskable(error) from error

    def patience(self) -> Patience:
        """Return fresh patience."""
        return Patience(self._patience_seconds)

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Return the answer. Raises ApiError for a problem, Unreachable when there is no answer in time."""
        patience = self.patience()
        while True:
            try:
                response = await self.wire.request(method, path, **options)
            except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError) as error:
                raise self._unaskable(error) from error  # it would be the same again
            except httpx2.TransportError as error:
                await self.wait_for_server(error, patience)
                continue
            if response.is_success:
                return response
            await self.wire.sleep(seconds_or_raise(response, patience))

    def _unaskable(self, error: Exception) -> Unreachable:
        return Unreachable(f"{self.url} cannot be asked: {error}")

    async def wait_for_server(self, error: Exception, patience: Patience) -> None:
        """Wait after a lost connection, or one that could not be made. Raises Unreachable when the patience is over."""
        away = Unreachable(f"no answer from {self.url}: {error or type(error).__name__}")
        await self.wire.sleep(patience.wait_seconds(away))


def parsed(answer: httpx2.Response, parse: Callable[[Any], T]) -> T:
    """Return what `parse` makes of an answer's JSON. Raises Unreachable for the answer of another program."""
    try:
        return parse(answer.json())
    except (ValueError, LookupError, TypeError) as error:
        raise Unreachable(f"{answer.url} was answered, but not by dualtrain, or by another version of it") from error


def listed(answer: httpx2.Response) -> list[dict[str, Any]]:
    """Return the `data` of an answer. Raises Unreachable like `parsed`."""
    return parsed(answer, lambda body: list(body["data"]))


def seconds_or_raise(response: httpx2.Response, patience: Patience) -> float:
    """Return after how long the same request may succeed. Raises ApiError if it will not, or the patience is over."""
    error = ApiError.of(response)
    if response.status_code not in AWAY_STATUSES and error.code not in PASSING_CODES:
        raise error
    retry_after = response.headers.get("Retry-After", "")
    return patience.wait_seconds(error, float(retry_after) if retry_after.isdigit() else 0.0)
