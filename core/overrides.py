"""Spec documents as a command line writes them: a file, and single fields set as `KEY=VALUE`."""

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from dualtrain.core.spec import JobSpec

KINDS = ("gradient.method", "optimizer.name", "outer.name", "optimizer.schedule.name")
"""What decides which other fields an object has; outer ones first."""


def document(path: Path | None, assignments: Sequence[str]) -> dict[str, Any]:
    """Return the spec in the file `path`, defaults filled in, with fields set: `dataset.image_size=28`, `epochs=2`.

    A value is JSON, or else text; a number in a key is an index of a list: `network.layers.0.units=100`. An object that
    becomes one of another kind, as by `optimizer.name=adam`, has the defaults of that kind, but for what is set beside
    it in any order. Nothing is checked here. Raises ValueError for a key that leads nowhere or a file that holds no
    JSON object, OSError for a file that cannot be read.
    """
    base = _read(path) if path is not None else {}
    return overridden(base, assigned(assignments))


def assigned(assignments: Sequence[str]) -> dict[str, Any]:
    """Return the paths and values of `KEY=VALUE` assignments. Raises ValueError for a text without `=`."""
    return dict(map(_pair, assignments))


def overridden(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec `base`, defaults filled in, with the fields at the paths of `changes` set to JSON values.

    Neither argument is changed. Raises ValueError for a path that leads nowhere.
    """
    spec = JobSpec().model_dump(mode="json") | deepcopy(dict(base))
    for path in sorted(changes, key=lambda path: KINDS.index(path) if path in KINDS else len(KINDS)):
        _assign(spec, path, deepcopy(changes[path]))
    return spec


def _pair(assignment: str) -> tuple[str, Any]:
    key, equals, text = assignment.partition("=")
    if not equals:
        raise ValueError(f"{assignment!r} is no assignment; write KEY=VALUE, as in epochs=2")
    return key, _value(text)


def _read(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} holds no JSON: {error}") from error
    if not isinstance(read, dict):
        raise ValueError(f"{path} holds no JSON object; a spec is one, and {{}} is the default job")
    return read


def _assign(spec: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    place: Any = spec
    for name in path:
        at = _within(place, name, key)
        place = place.setdefault(at, {}) if isinstance(place, dict) else place[at]
    at = _within(place, last, key)
    if key in KINDS and place.get(last) != value:
        place.clear()
    place[at] = value


def _within(place: Any, name: str, key: str) -> Any:
    """Return what leads from a part of the spec to the next: a field's name, or an index of a list."""
    if isinstance(place, dict):
        return name
    if isinstance(place, list) and re.fullmatch(r"-?[0-9]{1,6}", name) and -len(place) <= int(name) < len(place):
        return int(name)
    where = f"a list of {len(place)}" if isinstance(place, list) else json.dumps(place)
    raise ValueError(f"{key!r} leads to no field of a spec: there is no {name!r} in {where}")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
