"""Settings from the environment, and as the environment of other processes."""

import os
import platform
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from kombu import Connection

from dualtrain.core.settings import PORTABLE, Settings


def test_the_exchange_is_the_store_and_the_broker_the_exchange_unless_said() -> None:
    assert Settings(redis_url="redis://a").broker_url == "redis://a"
    assert Settings(redis_url="redis://a", exchange_url="redis://b").broker_url == "redis://b"


@pytest.mark.parametrize(
    ("url", "celery"),
    [
        ("redis://:secret@host:6379/2", "redis://:secret@host:6379/2"),
        ("amqp://rabbit", "amqp://rabbit"),
        ("rediss://host:6379/2", "rediss://host:6379/2?ssl_cert_reqs=required"),
        ("rediss://host?ssl_ca_certs=/a", "rediss://host?ssl_ca_certs=/a&ssl_cert_reqs=required"),
        ("rediss://host?ssl_cert_reqs=none", "rediss://host?ssl_cert_reqs=none"),
        ("unix:///run/x.sock", "redis+socket:///run/x.sock"),
        ("unix:///run/x.sock?db=3", "redis+socket:///run/x.sock?virtual_host=3"),
    ],
)
def test_celery_gets_its_own_spelling(url: str, celery: str) -> None:
    assert Settings(broker_url=url).celery_broker_url == celery


def test_another_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = Settings(
        data_dir=tmp_path, hub_datasets=("a/b", "c/d"), webhook_secret="s3", port=0, numerics="portable", workers=3
    )
    for name, value in given.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == given


def test_names_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALTRAIN_HUB_DATASETS", " a/b, c/d ,")
    assert Settings().hub_datasets == ("a/b", "c/d")


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEBHOOK_SECRET", "API_KEYS_FILE", "WORKERS"):
        monkeypatch.setenv(f"DUALTRAIN_{name}", "")
    assert Settings() == Settings(webhook_secret=None, api_keys_file=None, workers=None)


def test_the_broker_s_certificate_is_checked() -> None:
    with Connection(Settings(broker_url="rediss://host:6379/0").celery_broker_url) as connection:
        assert connection.ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALTRAIN_PORT", "70000")
    with pytest.raises(ValueError, match=r"^DUALTRAIN_PORT is '70000': .*\nDUALTRAIN_WORKERS is 0: .*1$"):
        Settings(workers=0)


@pytest.mark.skipif(platform.machine() not in PORTABLE, reason="no portable numerics are known for this machine")
def test_portable_numerics_pin_the_kernel() -> None:
    look = (
        "import numpy, threadpoolctl as t; print([(i['num_threads'], i['architecture']) for i in t.threadpool_info()])"
    )
    variables = Settings(numerics="portable").arithmetic()
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", look], env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert told.stdout.strip() == f"[(1, '{variables['OPENBLAS_CORETYPE'].capitalize()}')]", told.stderr


def test_keys_that_are_not_there_keep_nobody_out(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    with pytest.raises(
        ValueError, match=r"KEYS_FILE is '.*keys\.json', where there is no file: `python -m dualtrain\.api\.security"
    ):
        Settings(api_keys_file=file).refuse_strangers()
    file.write_text("[]")
    Settings(api_keys_file=file, host="0.0.0.0").refuse_strangers()
