"""Checks of this machine's settings, servers and data, with advice: `python -m dualtrain.core.runtime.doctor`."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from dualtrain.core.data import describe
from dualtrain.core.runtime.fingerprint import platform_digest
from dualtrain.core.runtime.hosts import is_loopback
from dualtrain.core.settings import OLDEST_SERVER, STORE_OPTIONS, Settings
from dualtrain.core.store import ServerError, ServerRefusal, connect
from dualtrain.core.store.broker import is_redis

FREE_BYTES = 1_000_000_000
"""Data sets as arrays and the store's file need about this much."""
SKEW_SECONDS = 2.0
"""Times of events are the hosts' own: more than this and they read strangely."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `advice` says what to do when it is not well."""

    what: str
    well: bool
    text: str
    advice: str = ""

    def __str__(self) -> str:
        line = f"{'ok  ' if self.well else 'FAIL'} {self.what}: {self.text}"
        return line if self.well else f"{line}\n     {self.advice}"


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what was found, part after part."""
    yield from _data(settings)
    yield _exposure(settings)
    given = settings.model_fields_set
    if "redis_url" in given:
        yield from _server("store", settings.redis_url, _store)
    else:
        yield Finding("servers", True, "DUALTRAIN_REDIS_URL is not set; `dualtrain up` starts servers of its own")
    if given & {"redis_url", "exchange_url"}:
        yield from _server("exchange", settings.exchange_url, lambda server: iter(()))
    if "broker_url" in given and is_redis(settings.broker_url):
        yield from _server("broker", settings.broker_url, lambda server: iter(()))
    with threadpool_limits(1):  # as workers have it
        told = platform_digest()
    yield Finding("numerics", True, f"{settings.numerics}, {told}; hosts that share a job show the same")


def _data(settings: Settings) -> Iterator[Finding]:
    place = settings.data_dir.resolve()
    near = next(folder for folder in (place, *place.parents) if folder.exists())
    advice = "set DUALTRAIN_DATA_DIR to a folder that you may write to"
    yield Finding("data folder", near.is_dir() and os.access(near, os.W_OK), str(place), advice)
    free = shutil.disk_usage(near).free
    yield Finding(
        "disk", free >= FREE_BYTES, f"{free / 1e9:.1f} GB free", f"make room: {FREE_BYTES / 1e9:.0f} GB or more"
    )
    try:
        data = describe("mnist", settings.data_dir)
        yield Finding("MNIST", True, f"{data.train_samples} + {data.test_samples} samples")
    except (OSError, ValueError, LookupError) as error:
        yield Finding("MNIST", False, str(error), "install dualtrain again: its own files are damaged")


def _exposure(settings: Settings) -> Finding:
    file, advice = (
        settings.api_keys_file,
        "set DUALTRAIN_API_KEYS_FILE; `python -m dualtrain.api.security FILE NAME` makes one",
    )
    if file is None:
        return Finding("address", is_loopback(settings.host), f"{settings.host}, no keys", advice)
    try:
        json.loads(file.read_text())
    except (OSError, ValueError) as error:
        return Finding("address", False, f"the keys in {file} cannot be read: {error}", advice)
    return Finding("address", True, f"{settings.host}, keys in {file}")


def _server(role: str, url: str, more: Callable[[Any], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        with connect(url) as server:
            version = server.info("server")["redis_version"]
            new_enough = tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_SERVER
            oldest = ".".join(map(str, OLDEST_SERVER))
            yield Finding(role, new_enough, f"version {version}", f"install Redis or Valkey {oldest} or newer")
            skew = abs(_seconds(server.time()) - time.time())
            advice = "let both hosts keep time by NTP"
            yield Finding(f"{role}'s clock", skew < SKEW_SECONDS, f"{skew:.1f} s apart from here", advice)
            yield from more(server)
    except (ServerError, ValueError) as error:  # the latter for what is no URL
        yield Finding(role, False, str(error), f"start it, or correct its URL (DUALTRAIN_{_variable(role)})")


def _store(server: Any) -> Iterator[Finding]:
    try:
        told = {name: server.config_get(name).get(name, "unknown") for name in STORE_OPTIONS}
    except ServerRefusal as error:  # as hosted servers do
        yield Finding("store's settings", True, f"cannot be seen ({error}); they should be {STORE_OPTIONS}")
        return
    for name, wanted in STORE_OPTIONS.items():
        found = told[name]
        yield Finding(f"store's {name}", found == wanted, found, f"CONFIG SET {name} {wanted}, and in its file too")


def _variable(role: str) -> str:
    return "REDIS_URL" if role == "store" else f"{role.upper()}_URL"


def _seconds(told: tuple[int, int]) -> float:
    return told[0] + told[1] / 1e6


def main() -> int:
    """Print the findings; return 1 if something is not well."""
    try:
        settings = Settings()
    except ValueError as error:
        found = [Finding("settings", False, line, "correct the environment") for line in str(error).splitlines()]
    else:
        found = list(findings(settings))
    sys.stdout.write("".join(f"{finding}\n" for finding in found))
    return 0 if all(finding.well for finding in found) else 1


if __name__ == "__main__":
    sys.exit(main())
