"""Clients of a server that takes what is sent and says nothing."""

import asyncio
import socket
from pathlib import Path

import pytest

from dualtrain.core.store import ServerError, connect_async, connection


def test_a_silent_server_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REPLY_SECONDS", 0.1)
    path = tmp_path / "silent.socket"

    async def ask() -> None:
        client = connect_async(f"unix://{path}")
        with pytest.raises(ServerError, match="Timeout"):
            await asyncio.wait_for(client.ping(), 5)
        await client.aclose()

    with socket.socket(socket.AF_UNIX) as server:  # who connects is never accepted
        server.bind(str(path))
        server.listen()
        asyncio.run(ask())
