"""`dualtrain keys`: a key's life from its creation to its end."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dualtrain.api.security import Keys
from dualtrain.api.security import keys as module
from dualtrain.api.security.manage import main


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def run(capsys: pytest.CaptureFixture[str], path: Path, *arguments: str) -> str:
    main([str(path), *arguments])
    return capsys.readouterr().out.strip()


def test_a_rotation_keeps_limits_and_scopes_and_overlaps(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = run(capsys, path, "add", "ann", "read", "--max-waiting-jobs", "5")
    new = run(capsys, path, "rotate", "ann")
    keys = Keys(path)
    for secret in (old, new):
        key = keys.of_token(secret)
        assert key is not None
        assert (key.name, sorted(key.scopes), key.max_waiting_jobs) == ("ann", ["read"], 5)
    stored = json.loads(path.read_text())
    stored[0]["previous_until"] = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    path.write_text(json.dumps(stored))
    assert keys.of_token(old) is None
    assert keys.of_token(new) is not None
    last = run(capsys, path, "rotate", "ann", "--overlap-hours", "0")
    assert (keys.of_token(new), keys.of_token(last) is None) == (None, False)


def test_an_expired_key_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = run(capsys, path, "add", "ann", "--expires-days", "1")
    assert Keys(path).of_token(secret) is not None
    run(capsys, path, "limit", "ann", "--expires-days", "0")
    assert Keys(path).of_token(secret) is None
    run(capsys, path, "limit", "ann", "--expires-days", "none")
    assert Keys(path).of_token(secret) is not None


def test_limits_are_set_taken_away_and_listed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, path, "add", "ann")
    run(capsys, path, "add", "bob", "admin")
    run(capsys, path, "limit", "ann", "--max-running-jobs", "2", "--requests-per-minute", "60")
    run(capsys, path, "limit", "ann", "--requests-per-minute", "none")
    assert run(capsys, path, "list").splitlines() == ["bob  admin", "ann  read,submit  max_running_jobs=2"]


def test_a_revoked_key_is_gone(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = run(capsys, path, "add", "ann")
    run(capsys, path, "revoke", "ann")
    assert Keys(path).of_token(secret) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("revoke", "carl"), "there is no key 'carl'"),
        (("rotate", "carl"), "it has: ann"),
        (("add", "ann"), "there is a key 'ann' already"),
        (("add", "a b"), "should match pattern"),
        (("limit", "ann", "--max-running-jobs", "-1"), "greater than or equal to 0"),
        (("limit", "ann", "--max-running-jobs", "many"), "many"),
    ],
)
def test_mistakes_are_said(
    path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    run(capsys, path, "add", "ann")
    with pytest.raises(SystemExit) as end:
        main([str(path), *arguments])
    assert end.value.code == 2
    assert message in capsys.readouterr().err
