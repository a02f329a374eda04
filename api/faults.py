"""From pydantic's errors to faults: a JSON pointer into what was sent, a message, and the nearest known name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from api.problems import Problem
from core.spec import Fault

M = TypeVar("M", bound=BaseModel)
UNKNOWN_FIELD = ("extra_forbidden", "unexpected_keyword_argument")
"""A field that is not known: of a model, and of a dataclass."""
_QUOTED = re.compile(r"'([^']*)'")


def parse(model: type[M], raw: bytes) -> M:
    """Return the model that a JSON body describes, without coercion. Raises Problem `malformed_json` or `invalid`."""
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    if errors[0]["type"] == "json_invalid":
        raise Problem("malformed_json", errors[0]["msg"])
    body, names = from_json(raw), _names(model.model_json_schema())
    raise invalid(explained(one, body, names) for one in _innermost(errors))


def invalid(faults: Iterable[Fault | tuple[Fault, str | None]]) -> Problem:
    """Return the problem that lists these faults, each with the nearest known name if there is one."""
    pairs = [fault if isinstance(fault, tuple) else (fault, None) for fault in faults]
    documents = [asdict(fault) | ({"suggestion": near} if near else {}) for fault, near in pairs]
    first = pairs[0][0]
    more = f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else ""
    return Problem("invalid", f"{first.pointer or 'the body'}: {first.message}{more}", errors=documents)


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return the known name that looks most like `name`, None when none does."""
    found = get_close_matches(name[:200], list(known), 1) if isinstance(name, str) else []
    return found[0] if found else None


def explained(error: Mapping[str, Any], body: Any, names: set[str]) -> tuple[Fault, str | None]:
    """Return one of pydantic's errors as a fault of `body`, and the nearest of the `names` that fields may have."""
    kind, context = error["type"], error.get("ctx", {})
    keys = _keys(error["loc"], body)
    known, written = _QUOTED.findall(context.get("expected_tags", context.get("expected", ""))), error.get("input")
    if kind.startswith("union_tag"):
        tag = context["discriminator"].strip("'")
        keys, written = [*keys, tag], context.get("tag")
    elif kind in UNKNOWN_FIELD:
        written = str(keys[-1])
        known = sorted(names - {written})
    return Fault(_pointer(keys), kind, _message(error, known)), nearest(written, known)


def _innermost(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out a list that is too short only because its items are wrong."""
    places = [error["loc"] for error in errors]
    return [e for e in errors if not any(len(p) > len(e["loc"]) and p[: len(e["loc"])] == e["loc"] for p in places)]


def _message(error: Mapping[str, Any], known: list[str]) -> str:
    kind, tag = error["type"], error.get("ctx", {}).get("tag")
    if kind in UNKNOWN_FIELD:
        return f"there is no field {error['loc'][-1]!r} here; leave it out"
    if kind == "union_tag_invalid":
        return f"{tag!r} is not known; there are: {', '.join(known)}"
    if kind == "union_tag_not_found":
        return f"say which one with the field {error['ctx']['discriminator']}"
    return str(error["msg"])


def _keys(loc: tuple[int | str, ...], body: Any) -> list[int | str]:
    """Return the part of `loc` that lies in `body`: pydantic also names the members of unions that it tried."""
    keys: list[int | str] = []
    for at, part in enumerate(loc):
        inside = (part in body) if isinstance(body, dict) else isinstance(body, list) and isinstance(part, int)
        last = at == len(loc) - 1
        if inside and not last and not isinstance(body[part], dict | list):
            continue  # a member's name that is the name of a field too: nothing lies within that field
        if inside or (last and isinstance(body, dict)):
            keys.append(part)
            body = body.get(part) if isinstance(body, dict) else body[part] if part < len(body) else None  # type: ignore[operator]
    return keys


def _pointer(keys: Iterable[int | str]) -> str:
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def _names(schema: Mapping[str, Any]) -> set[str]:
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}
