"""`python -m dualtrain.api.security.manage FILE COMMAND ...`: the API keys of a file, as `dualtrain keys` has them."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dualtrain.api.security.keys import DEFAULT_SCOPES, Key, Scope, digest, new_secret, put, read, write

LIMITS = ("max_waiting_jobs", "max_running_jobs", "max_stored_bytes", "requests_per_minute")
OVERLAP_HOURS = 24.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and carry it out; exit code 2 for what cannot be done."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        lines = _COMMANDS[options.command](options)
    except ValidationError as error:
        parser.error(f"{options.name!r}: {error.errors()[0]['msg']}")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _list(options: argparse.Namespace) -> list[str]:
    return [_line(key) for key in read(options.file)] or [f"no keys in {options.file}"]


def _add(options: argparse.Namespace) -> list[str]:
    """Add a key and return its secret, which is kept nowhere."""
    if any(key.name == options.name for key in read(options.file)):
        raise ValueError(f"there is a key {options.name!r} already; `rotate` replaces its secret")
    secret = new_secret()
    scopes = frozenset(options.scopes) or DEFAULT_SCOPES
    put(options.file, Key(name=options.name, sha256=digest(secret), scopes=scopes, **_given(options)))
    return [secret]


def _rotate(options: argparse.Namespace) -> list[str]:
    """Replace the secret of a key; scopes and limits stay, and for some hours the secret before it works too."""
    key = _known(options)
    secret = new_secret()
    overlap = {"previous_sha256": key.sha256, "previous_until": _later(hours=options.overlap_hours)}
    put(options.file, key.model_copy(update={"sha256": digest(secret), **overlap, **_given(options)}))
    return [secret]


def _revoke(options: argparse.Namespace) -> list[str]:
    key = _known(options)
    write(options.file, [other for other in read(options.file) if other.name != key.name])
    return [f"{key.name} revoked; its jobs stay"]


def _limit(options: argparse.Namespace) -> list[str]:
    changed = _known(options).model_dump() | _given(options)
    put(options.file, Key.model_validate(changed))
    return [_line(_known(options))]


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], list[str]]] = {
    "list": _list,
    "add": _add,
    "rotate": _rotate,
    "revoke": _revoke,
    "limit": _limit,
}


def _known(options: argparse.Namespace) -> Key:
    keys = {key.name: key for key in read(options.file)}
    if options.name not in keys:
        raise ValueError(f"there is no key {options.name!r} in {options.file}; it has: {', '.join(keys) or 'none'}")
    return keys[options.name]


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the limits and the expiry that were given; `none` takes one away."""
    limits = {name: getattr(options, name) for name in LIMITS if getattr(options, name) is not None}
    changes: dict[str, Any] = {name: None if value == "none" else int(value) for name, value in limits.items()}
    if options.expires_days is not None:
        never = options.expires_days == "none"
        changes["expires_at"] = None if never else _later(hours=24 * float(options.expires_days))
    return changes


def _later(hours: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)


def _line(key: Key) -> str:
    limits = [f"{name}={value}" for name in LIMITS if (value := getattr(key, name)) is not None]
    expiry = [f"expires {key.expires_at.isoformat()}"] if key.expires_at else []
    return "  ".join([key.name, ",".join(sorted(key.scopes)), *limits, *expiry])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dualtrain keys", description="API keys of a file.")
    parser.add_argument("file", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in _COMMANDS:
        sub = commands.add_parser(command)
        if command == "list":
            continue
        sub.add_argument("name")
        if command == "add":
            sub.add_argument("scopes", type=Scope, nargs="*", metavar="SCOPE", help=", ".join(Scope))
        if command == "rotate":
            sub.add_argument("--overlap-hours", type=float, default=OVERLAP_HOURS)
        for name in ("expires_days", *LIMITS):
            sub.add_argument(f"--{name.replace('_', '-')}", metavar="N", help="a number, or `none`")
    return parser


if __name__ == "__main__":
    main()
