"""The command that makes keys, as an operator calls it."""

import json
import subprocess
import sys
from pathlib import Path

from dualtrain.api.security import Key
from dualtrain.api.security.keys import Scope


def command(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "dualtrain.api.security", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def scopes(path: Path) -> dict[str, set[Scope]]:
    return {key.name: set(key.scopes) for key in map(Key.model_validate, json.loads(path.read_text()))}


def test_it_prints_the_secret_once_and_keeps_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = command(path, "alice")
    second = command(path, "operator", "admin")
    assert first.returncode == second.returncode == 0
    assert scopes(path) == {"alice": {Scope.READ, Scope.SUBMIT}, "operator": {Scope.ADMIN}}
    assert first.stdout.strip() not in path.read_text()
    assert len(first.stdout.strip()) > 30
    again = command(path, "alice", "read")
    assert again.stdout != first.stdout
    assert scopes(path) == {"alice": {Scope.READ}, "operator": {Scope.ADMIN}}


def test_without_a_name_it_says_how_it_is_called_and_with_a_wrong_scope_it_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    usage, wrong = command(path), command(path, "alice", "root")
    assert usage.returncode != 0
    assert "required: name" in usage.stderr
    assert wrong.returncode != 0
    assert "{read,submit,admin}: invalid Scope value: 'root'" in wrong.stderr
    assert not path.exists()


def test_a_name_or_a_file_that_cannot_be_is_said_in_a_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("no keys")
    for path, name, words in (
        (tmp_path / "keys.json", "a b", "the name 'a b' is wrong"),
        (broken, "alice", "broken.json is wrong"),
        (tmp_path / "nowhere" / "keys.json", "alice", "a folder that is there"),
    ):
        done = command(path, name)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
