"""What the doctor finds, on real servers."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dualtrain.core.runtime import doctor
from dualtrain.core.runtime.doctor import findings
from dualtrain.core.settings import Settings

LATE = SimpleNamespace(time=lambda: time.time() - 60)
"""A clock that is a minute late."""


def ill(settings: Settings) -> dict[str, str]:
    return {finding.subject: finding.advice for finding in findings(settings) if not finding.well}


def test_all_is_well(settings: Settings) -> None:
    assert ill(settings) == {}
    assert {"store", "store's appendonly", "exchange", "store's clock"} <= {
        finding.subject for finding in findings(settings)
    }


def test_without_redis_nothing_is_asked_of_it(data_dir: Path) -> None:
    assert ill(Settings(data_dir=data_dir)) == {}


def test_a_store_that_forgets_is_found(start_server: Callable[..., str], data_dir: Path) -> None:
    url = start_server("--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
    found = ill(Settings(redis_url=url, data_dir=data_dir))
    assert set(found) == {"store's appendonly", "store's maxmemory-policy", "store's appendfsync"}
    assert "CONFIG SET maxmemory-policy noeviction" in found["store's maxmemory-policy"]


@pytest.mark.parametrize(
    ("where", "name", "value", "what", "advice"),
    [
        (os, "access", lambda *_: False, {"data folder"}, "DUALTRAIN_DATA_DIR"),
        (doctor, "FREE_BYTES", 1 << 60, {"disk"}, "make room: 1152921505 GB"),
        (doctor, "OLDEST_SERVER", (99, 1), {"store", "exchange"}, "Valkey 99.1 or newer"),
        (doctor, "time", LATE, {"store's clock", "exchange's clock"}, "NTP"),
    ],
    ids=["folder", "disk", "servers", "clocks"],
)
def test_a_machine_that_is_not_fit_is_found(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, value: Any, what: set[str], advice: str
) -> None:
    monkeypatch.setattr(where, name, value)
    found = ill(settings)
    assert set(found) == what
    assert all(advice in one for one in found.values())


def test_servers_that_are_away_and_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(redis_url="redis://127.0.0.1:9", data_dir=tmp_path / "file" / "data", host="0.0.0.0")
    found = ill(settings)
    assert {"store", "exchange", "address", "data folder"} <= set(found)
    assert "DUALTRAIN_EXCHANGE_URL" in found["exchange"]


def test_it_ends_with_1_when_something_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DUALTRAIN_DATA_DIR", str(tmp_path))
    assert doctor.main([]) == 0
    monkeypatch.setenv("DUALTRAIN_HOST", "0.0.0.0")
    assert doctor.main([]) == 1
    monkeypatch.setenv("DUALTRAIN_PORT", "many")
    assert doctor.main([]) == 1
    assert "FAIL settings: DUALTRAIN_PORT is 'many': " in capsys.readouterr().out


def test_what_is_no_url_is_said_and_not_raised(data_dir: Path) -> None:
    found = ill(Settings(redis_url="localhost:6379", data_dir=data_dir))
    assert {"store", "exchange"} <= set(found)


def test_each_server_that_is_named_is_asked(settings: Settings) -> None:
    away = "redis://127.0.0.1:9"
    assert "DUALTRAIN_BROKER_URL" in ill(settings.model_copy(update={"broker_url": away}))["broker"]
    assert set(ill(Settings(exchange_url=away, data_dir=settings.data_dir))) == {"exchange"}


@pytest.mark.parametrize("content", [None, "{"])
def test_a_file_of_keys_that_cannot_be_read_is_found(settings: Settings, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_text(content)
    assert set(ill(settings.model_copy(update={"api_keys_file": file}))) == {"address"}


def test_a_store_that_hides_its_settings_is_no_fault(start_server: Callable[..., str], data_dir: Path) -> None:
    url = start_server("--rename-command", "CONFIG", "")
    assert ill(Settings(redis_url=url, data_dir=data_dir)) == {}
