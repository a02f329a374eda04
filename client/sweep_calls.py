"""Calls of the client about sweeps."""

import sys
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Generic, TypeVar, cast
from uuid import uuid4

from dualtrain.client.records import SweepSize
from dualtrain.client.retry import Transport, parsed
from dualtrain.client.sweep import AsyncSweepHandle, SweepHandle
from dualtrain.client.sync_async import stream, verb

PAGE = 100

S = TypeVar("S", SweepHandle, AsyncSweepHandle)


class SweepCalls(Generic[S]):
    """Sweeps: post, find and list."""

    _transport: Transport
    _sweep_handle: type[S]

    @verb
    async def sweep(self, spec: Mapping[str, Any], *, key: str | None = None) -> S:
        """Queue a sweep; calling again with the same `key`, or losing the response, makes no second one.

        Raises ApiError with the cell and place of each invalid field.
        """
        headers = {"Idempotency-Key": key or uuid4().hex}
        answer = await self._transport.request("POST", "/v1/sweeps", json=dict(spec), headers=headers)
        return self._sweep(parsed(answer, dict))

    @verb
    async def sweep_size(self, spec: Mapping[str, Any]) -> SweepSize:
        """Return the cells, jobs, passes and estimated time of a sweep. Nothing is queued."""
        answer = await self._transport.request("POST", "/v1/sweeps", json=dict(spec), params={"dry_run": "true"})
        return cast(SweepSize, parsed(answer, dict))

    @verb
    async def get_sweep(self, sweep_id: str) -> S:
        """Return a sweep. Raises ApiError `sweep_not_found`."""
        return self._sweep(parsed(await self._transport.request("GET", f"/v1/sweeps/{sweep_id}"), dict))

    @stream
    async def sweeps(self, *, limit: int | None = None) -> AsyncGenerator[S, None]:
        """Yield sweeps, newest first, loading page by page; their cells come with `refresh`."""
        left = sys.maxsize if limit is None else limit
        after: str | None = ""
        while left > 0 and after is not None:
            parameters = {"limit": min(left, PAGE)} | ({"after": after} if after else {})
            page = parsed(await self._transport.request("GET", "/v1/sweeps", params=parameters), dict)
            for record in page["data"]:
                yield self._sweep(record)
            left -= len(page["data"])
            after = page["next"]

    def _sweep(self, record: Any) -> S:
        return self._sweep_handle(self._transport, record)
