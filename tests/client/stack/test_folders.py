"""Folders of a stack."""

import tempfile
from pathlib import Path

import pytest

from dualtrain.client.stack.folders import locked_folders


@pytest.fixture(autouse=True)
def own_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))


def test_a_data_folder_has_one_stack(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with locked_folders(data), pytest.raises(RuntimeError, match="another `dualtrain up`"), locked_folders(data):
        pass
    with locked_folders(tmp_path / "data") as folders:
        assert folders.logs.is_dir()
        assert folders.store.is_dir()


def test_sockets_lie_in_a_private_folder_that_goes_in_the_end(tmp_path: Path) -> None:
    with locked_folders(tmp_path / ("d" * 200)) as folders:
        assert folders.sockets.stat().st_mode & 0o777 == 0o700
        assert len(str(folders.sockets).removeprefix(tempfile.gettempdir())) < 40
    assert not folders.sockets.exists()


def test_what_a_killed_stack_left_is_cleared(tmp_path: Path) -> None:
    with locked_folders(tmp_path / "data") as folders:
        pass
    folders.sockets.mkdir()
    (folders.sockets / "store").touch()
    with locked_folders(tmp_path / "data") as again:
        assert list(again.sockets.iterdir()) == []


def test_logs_and_jobs_are_for_this_user_only_in_older_folders_too(tmp_path: Path) -> None:
    for name in ("store", "logs"):
        (tmp_path / name).mkdir(mode=0o755)
    with locked_folders(tmp_path) as folders:
        assert {path.stat().st_mode & 0o777 for path in (folders.store, folders.logs)} == {0o700}


def test_a_folder_that_leads_elsewhere_is_not_used(tmp_path: Path) -> None:
    with locked_folders(tmp_path / "data") as folders:
        pass
    (tmp_path / "elsewhere").mkdir()
    folders.sockets.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="TMPDIR"), locked_folders(tmp_path / "data"):
        pass
