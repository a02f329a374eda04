"""Log files of supervised programs."""

from pathlib import Path

import pytest

from dualtrain.core.runtime import log_file
from dualtrain.core.runtime.log_file import LogFile


def refuse(path: Path, error: OSError) -> None:
    raise AssertionError(f"{path}: {error}")


def test_a_log_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"old ")
    LogFile(path, refuse).write(b"new")
    assert path.read_bytes() == b"old new"


def test_old_files_are_kept_up_to_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "LOG_BYTES", 3)
    log = LogFile(tmp_path / "a.log", refuse)
    for text in (b"1111", b"2222", b"3333", b"4444", b"5"):
        log.write(text)
    contents = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert contents == {"a.log": b"5", "a.log.1": b"4444", "a.log.2": b"3333"}


def test_each_series_of_failures_is_reported_once_and_writing_goes_on(tmp_path: Path) -> None:
    errors: list[OSError] = []
    folder = tmp_path / "logs"
    log = LogFile(folder / "a.log", lambda _, error: errors.append(error))
    for _ in range(2):
        log.write(b"lost")
        log.write(b"lost")
        folder.mkdir(exist_ok=True)
        log.write(b"kept")
        (folder / "a.log").unlink()
        folder.rmdir()
    assert len(errors) == 2
