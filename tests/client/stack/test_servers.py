"""Which server program is taken."""

from pathlib import Path

import pytest

from dualtrain.client.stack import servers
from dualtrain.core.settings import OLDEST_SERVER


def program(folder: Path, name: str, version: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0'\n")
    path.chmod(0o755)
    return path


def test_the_embedded_server_is_new_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert servers.version(servers.find()) >= OLDEST_SERVER


@pytest.mark.parametrize(("version", "taken"), [("6.2.14", False), ("7.0.0", True), ("10.1.2", True)])
def test_a_server_on_the_path_is_taken_if_it_is_new_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, taken: bool
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    path = program(tmp_path, "redis-server", version)
    assert (servers.find() == path) is taken


def test_without_any_server_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(servers, "embedded", list)
    with pytest.raises(FileNotFoundError, match="--redis-url"):
        servers.find()


def test_the_store_keeps_and_the_exchange_does_not() -> None:
    place = Path("/place")
    commands = {role: servers.command(Path("server"), role, place / role, place) for role in servers.ROLES}
    assert commands["store"][-6:] == [
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--maxmemory-policy",
        "noeviction",
    ]
    assert "no" in commands["exchange"]
    assert all(command[command.index("--port") + 1] == "0" for command in commands.values())
