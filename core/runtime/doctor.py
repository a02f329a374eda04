"""Checks of this machine's settings, servers and data, with advice: `python -m dualtrain.core.runtime.doctor`."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits

from dualtrain.core.data import describe
from dualtrain.core.runtime.fingerprint import platform_digest
from dualtrain.core.runtime.hosts import is_loopback
from dualtrain.core.settings import OLDEST_SERVER, STORE_OPTIONS, Settings
from dualtrain.core.store import ServerError, ServerRefusal, connect
from dualtrain.core.store.broker import is_redis
from dualtrain.core.store.keys import CONTROL

FREE_BYTES = 1_000_000_000
"""The need of data sets as arrays and of the store's file, about."""
AGGREGATORS = "aggregators"
SKEW_SECONDS = 2.0
"""Times of events are the hosts' own: more than this and they read strangely."""


@dataclass(frozen=True)
class Finding:
    """The result of one check; `advice` says what to do when it is not well."""

    subject: str
    well: bool
    text: str
    advice: str = ""

    def __str__(self) -> str:
        line = f"{'ok  ' if self.well else 'FAIL'} {self.subject}: {self.text}"
        return line if self.well else f"{line}\n     {self.advice}"


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield the findings of all checks."""
    yield from _data(settings)
    yield _exposure(settings)
    yield from servers(settings)
    with threadpool_limits(1):  # as in workers
        digest = platform_digest()
    yield Finding("numerics", True, f"{settings.numerics}, {digest}; hosts that share a job show the same")


def servers(settings: Settings) -> Iterator[Finding]:
    """Yield the findings about the Redis servers that the settings name."""
    given = settings.model_fields_set
    if "redis_url" in given:
        yield from _server("store", settings.redis_url, _store)
    else:
        yield Finding("servers", True, "DUALTRAIN_REDIS_URL is not set; `dualtrain up` starts servers of its own")
    if given & {"redis_url", "exchange_url"}:
        yield from _server("exchange", settings.exchange_url, lambda server: iter(()))
    if "broker_url" in given and is_redis(settings.broker_url):
        yield from _server("broker", settings.broker_url, lambda server: iter(()))


def _data(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir.resolve()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    yield Finding("data folder", writable, str(folder), "set DUALTRAIN_DATA_DIR to a folder that you may write to")
    free = shutil.disk_usage(existing).free
    advice = f"make room: {FREE_BYTES / 1e9:.0f} GB or more"
    yield Finding("disk", free >= FREE_BYTES, f"{free / 1e9:.1f} GB free", advice)
    try:
        data = describe("mnist", settings.data_dir)
        yield Finding("MNIST", True, f"{data.train_samples} + {data.test_samples} samples")
    except (OSError, ValueError, LookupError) as error:
        yield Finding("MNIST", False, str(error), "install dualtrain again: its own files are damaged")


def _exposure(settings: Settings) -> Finding:
    file = settings.api_keys_file
    advice = "set DUALTRAIN_API_KEYS_FILE; `python -m dualtrain.api.security FILE NAME` makes one"
    if file is None:
        return Finding("address", is_loopback(settings.host), f"{settings.host}, no keys", advice)
    try:
        json.loads(file.read_text())
    except (OSError, ValueError) as error:
        return Finding("address", False, f"the keys in {file} cannot be read: {error}", advice)
    return Finding("address", True, f"{settings.host}, keys in {file}")


def _server(role: str, url: str, details: Callable[[Any], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        with connect(url) as server:
            version = server.info("server")["redis_version"]
            new_enough = tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_SERVER
            oldest = ".".join(map(str, OLDEST_SERVER))
            yield Finding(role, new_enough, f"version {version}", f"install Redis or Valkey {oldest} or newer")
            skew = abs(_seconds(server.time()) - time.time())
            advice = "let both hosts keep time by NTP"
            yield Finding(f"{role}'s clock", skew < SKEW_SECONDS, f"{skew:.1f} s apart from here", advice)
            yield from details(server)
    except (ServerError, ValueError) as error:  # the latter for a malformed URL
        yield Finding(role, False, str(error), f"start it, or correct its URL (DUALTRAIN_{_variable(role)})")


def _store(server: Any) -> Iterator[Finding]:
    if aggregators := server.pubsub_numsub(CONTROL)[0][1]:
        yield Finding(
            AGGREGATORS, True, f"{aggregators} at work on this store; whatever is started now shares its jobs"
        )
    yield from _store_settings(server)


def _store_settings(server: Any) -> Iterator[Finding]:
    try:
        values = {name: server.config_get(name).get(name, "unknown") for name in STORE_OPTIONS}
    except ServerRefusal as error:  # as hosted servers do
        yield Finding("store's settings", True, f"cannot be seen ({error}); they should be {STORE_OPTIONS}")
        return
    for name, required in STORE_OPTIONS.items():
        value = values[name]
        advice = f"CONFIG SET {name} {required}, and in its file too"
        yield Finding(f"store's {name}", value == required, value, advice)


def _variable(role: str) -> str:
    return "REDIS_URL" if role == "store" else f"{role.upper()}_URL"


def _seconds(time_: tuple[int, int]) -> float:
    return time_[0] + time_[1] / 1e6


def main(arguments: Sequence[str]) -> int:
    """Print the findings, with `--servers` only those about servers; return 1 if something is not well."""
    examine = servers if "--servers" in arguments else findings
    try:
        settings = Settings()
    except ValueError as error:
        results = [Finding("settings", False, line, "correct the environment") for line in str(error).splitlines()]
    else:
        results = list(examine(settings))
    sys.stdout.write("".join(f"{finding}\n" for finding in results))
    return 0 if all(finding.well for finding in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
