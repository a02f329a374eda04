"""What is wrong with a document, each fault by its place; the service and `dualtrain.core.train` read JSON alike."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

M = TypeVar("M", bound=BaseModel)
MAX_FAULTS = 20
"""Faults that are explained: each costs a search for the nearest name, and a document may have one every few bytes."""
UNKNOWN_FIELD = ("extra_forbidden", "unexpected_keyword_argument")
"""A field that is not known: of a model, and of a dataclass."""
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class Fault:
    """What is wrong with one place of a document. `pointer` is a JSON pointer (RFC 6901), `suggestion` a known name."""

    pointer: str
    code: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f" (did you mean {self.suggestion!r}?)" if self.suggestion else ""
        return f"{self.pointer or 'the body'}: {self.message}{hint}"


class Invalid(ValueError):
    """A document with faults: the first `MAX_FAULTS` of them, of `count` in all."""

    def __init__(self, faults: Iterable[Fault], count: int | None = None) -> None:
        self.faults = tuple(faults)
        self.count = len(self.faults) if count is None else count
        more = self.count - len(self.faults)
        super().__init__("\n".join([*map(str, self.faults), *([f"and {more:,} more faults"] if more else [])]))


def parse(model: type[M], raw: bytes) -> M:
    """Return the model that a JSON document describes, without coercion.

    Raises Invalid with the first faults, another ValueError for what is no JSON.
    """
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    if errors[0]["type"] == "json_invalid":
        raise ValueError(errors[0]["msg"])
    body, names = from_json(raw), _names(model.model_json_schema())
    innermost = _innermost(errors)
    raise Invalid((explained(error, body, names) for error in innermost[:MAX_FAULTS]), len(innermost))


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return the known name that looks most like `name`, None when none does."""
    found = get_close_matches(name[:200], list(known), 1) if isinstance(name, str) else []
    return found[0] if found else None


def explained(error: Mapping[str, Any], body: Any, names: set[str]) -> Fault:
    """Return one of pydantic's errors as a fault of `body`, with the nearest of the `names` that fields may have."""
    kind, context = error["type"], error.get("ctx", {})
    keys = _keys(error["loc"], body)
    known, written = _QUOTED.findall(context.get("expected_tags", context.get("expected", ""))), error.get("input")
    if kind == "union_tag_invalid":
        tag = context["discriminator"].strip("'")
        keys, written = [*keys, tag], context.get("tag")
    elif kind in UNKNOWN_FIELD:
        written = str(keys[-1])
        known = sorted(names - {written})
    near = nearest(written, known)
    return Fault(_pointer(keys), kind, _message(error, known, near), near)


def _innermost(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out a list that is too short only because its items are wrong: errors with other errors inside."""
    outer = {error["loc"][:length] for error in errors for length in range(len(error["loc"]))}
    return [error for error in errors if error["loc"] not in outer]


def _message(error: Mapping[str, Any], known: list[str], near: str | None) -> str:
    kind, tag = error["type"], error.get("ctx", {}).get("tag")
    if kind in UNKNOWN_FIELD:
        return f"there is no field {error['loc'][-1]!r} here{'' if near else '; leave it out'}"
    if kind == "union_tag_invalid":
        return f"{tag!r} is not known; there are: {', '.join(known)}"
    return str(error["msg"])


def _keys(loc: tuple[int | str, ...], body: Any) -> list[int | str]:
    """Return the part of `loc` that lies in `body`: pydantic also names the members of unions that it tried."""
    keys: list[int | str] = []
    for at, part in enumerate(loc):
        inside = (part in body) if isinstance(body, dict) else isinstance(body, list) and isinstance(part, int)
        last = at == len(loc) - 1
        if inside and not last and isinstance(body, dict) and not isinstance(body[part], dict | list):
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
