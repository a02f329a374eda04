"""API keys: the file, its changes, the scopes."""

import json
import stat
from pathlib import Path

import pytest

from dualtrain.api.security import ANYONE, Key, Keys, Scope
from dualtrain.api.security import keys as module
from dualtrain.api.security.keys import PREFIX, create, put

READ = frozenset({Scope.READ})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)


def test_a_new_key_is_found_and_only_its_hash_is_kept(path: Path) -> None:
    token = create(path, "ann", READ)
    key = Keys(path).of_token(token)
    assert key is not None
    assert (key.name, key.scopes) == ("ann", READ)
    assert token.startswith(PREFIX)
    assert token not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("wrong", ["", "x", PREFIX + "0" * 64, "\udcff", "ü" * 300])
def test_other_secrets_are_not(path: Path, wrong: str) -> None:
    create(path, "ann", READ)
    assert Keys(path).of_token(wrong) is None


def test_keys_are_rotated_without_a_restart(path: Path) -> None:
    old = create(path, "ann", READ)
    keys = Keys(path)
    new = create(path, "ann", READ)
    assert keys.of_token(old) is None
    assert keys.of_token(new) is not None


def test_a_file_that_cannot_be_read_leaves_the_keys_from_before(path: Path) -> None:
    token = create(path, "ann", READ)
    keys = Keys(path)
    path.write_text("[{")
    assert keys.of_token(token) is not None
    path.unlink()
    assert keys.of_token(token) is not None


def test_a_wrong_file_is_an_error_at_the_start(path: Path) -> None:
    path.write_text(json.dumps([{"name": "ann", "sha256": "short", "scopes": ["read"]}]))
    with pytest.raises(ValueError, match="sha256"):
        Keys(path)


def test_admin_may_everything_and_others_what_they_have() -> None:
    admin = Key(name="root", sha256="0" * 64, scopes=frozenset({Scope.ADMIN}))
    reader = Key(name="ann", sha256="1" * 64, scopes=READ)
    assert all(admin.may(scope) for scope in Scope)
    assert [reader.may(scope) for scope in Scope] == [True, False, False]
    assert (admin.owns("ann"), reader.owns("ann"), reader.owns("bob"), reader.owns(None)) == (True, True, False, False)
    assert (ANYONE.owns("ann"), ANYONE.owns(None), ANYONE.owner, reader.owner) == (True, True, None, "ann")


def test_a_new_secret_leaves_limits_and_scopes(path: Path) -> None:
    old = create(path, "ann", READ)
    put(path, Keys(path).of_token(old).model_copy(update={"max_waiting_jobs": 3, "requests_per_minute": 60}))  # type: ignore[union-attr]
    key = Keys(path).of_token(create(path, "ann"))
    assert key is not None
    assert (key.scopes, key.max_waiting_jobs, key.requests_per_minute) == (READ, 3, 60)
    assert Keys(path).of_token(old) is None


def test_what_lies_beside_the_file_is_neither_followed_nor_trusted(path: Path) -> None:
    victim = path.parent / "victim"
    victim.write_text("untouched")
    for trap in (path.with_suffix(".new"), path.with_name("keys.json.new")):
        trap.symlink_to(victim)
    create(path, "ann", READ)
    assert victim.read_text() == "untouched"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.is_symlink()
