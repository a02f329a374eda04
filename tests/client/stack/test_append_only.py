"""Repair of the store's append-only file."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import ConnectionError as NoConnection
from redis import Redis

from dualtrain.client.stack import append_only, servers
from dualtrain.core.store import connect
from tests.waiting import until

KEYS = [b"kept", b"large", b"one", b"two"]
UNFINISHED = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\nkept\r\n$4\r\nlost\r\n"
GARBAGE = bytes(range(1, 256)) * 20
DAMAGES = {
    "zeros": bytes(5000),
    "garbage": GARBAGE,
    "half a command": b"*3\r\n$3\r\nSET\r\n$4\r\nke",
    "half a command and zeros": b"*3\r\n$3\r\nSET\r\n$4\r\nke" + bytes(5000),
    "a transaction that ends in zeros": UNFINISHED + bytes(100),
}


@contextmanager
def serving(store: Path, socket: Path) -> Iterator[Redis]:
    """Run a store on a folder."""
    command = servers.command(servers.find(), "store", socket, store)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process, connect(servers.url(socket)) as client:

        def answers() -> bool:
            assert process.poll() is None, "the server does not start"
            try:
                return bool(client.ping())
            except NoConnection:
                return False

        until(answers)
        yield client
        process.terminate()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that was stopped in order."""
    store = tmp_path_factory.mktemp("sound")
    with serving(store, tmp_path_factory.mktemp("s") / "s") as client:
        client.set("kept", "value")
        client.set("large", bytes(100_000))
        with client.pipeline(transaction=True) as pipeline:
            pipeline.set("one", 1).set("two", 2).execute()
    return store


@pytest.fixture
def store(sound: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(sound, tmp_path / "store"))


def commands(store: Path) -> Path:
    return next((store / "appendonlydir").glob("*.incr.aof"))


def test_a_sound_file_is_left_alone(store: Path) -> None:
    before = commands(store).read_bytes()
    assert append_only.repair(store) is None
    assert commands(store).read_bytes() == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_end_is_moved_away_and_every_complete_write_kept(store: Path, tmp_path: Path, damage: str) -> None:
    file = commands(store)
    whole = file.read_bytes()
    file.write_bytes(whole + DAMAGES[damage])
    repaired = append_only.repair(store)
    assert repaired is not None
    assert repaired.moved_to is not None
    assert repaired.moved_to.read_bytes() == DAMAGES[damage]
    assert str(repaired.moved_to) in str(repaired)
    assert file.read_bytes() == whole
    with serving(store, tmp_path / "s") as client:
        assert sorted(client.keys()) == KEYS
        assert client.get("kept") == b"value"


def test_damage_before_complete_writes_is_left_to_a_person(store: Path) -> None:
    file = commands(store)
    whole = file.read_bytes()
    damaged = whole + GARBAGE + b"*1\r\n$4\r\nPING\r\n"
    file.write_bytes(damaged)
    damage = append_only.repair(store)
    assert damage is not None
    assert damage.moved_to is None
    assert f"truncate -s {len(whole)} {file}" in str(damage)
    assert file.read_bytes() == damaged


def test_a_folder_without_a_store_is_left_alone(tmp_path: Path) -> None:
    assert append_only.repair(tmp_path) is None
