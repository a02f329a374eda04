"""Validation of documents, each fault by its place; the service and `dualtrain.core.train` read JSON alike."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from dualtrain.core.schema_fields import SchemaField, schema_fields

M = TypeVar("M", bound=BaseModel)
MAX_FAULTS = 20
"""Faults that are explained: each costs a search for the nearest name, and a document may have one every few bytes."""
UNKNOWN_FIELD = ("extra_forbidden", "unexpected_keyword_argument")
"""A field that is not known: of a model, and of a dataclass."""
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class Fault:
    """A fault at one place of a document. `pointer` is a JSON pointer (RFC 6901), `suggestion` a known name."""

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
    body, fields = from_json(raw), schema_fields(model.model_json_schema())
    innermost = _innermost(errors)
    raise Invalid((explained(error, body, fields) for error in innermost[:MAX_FAULTS]), len(innermost))


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return the known name that looks most like `name`, None when none does."""
    matches = get_close_matches(name[:200], list(known), 1) if isinstance(name, str) else []
    return matches[0] if matches else None


def explained(error: Mapping[str, Any], body: Any, fields: Iterable[SchemaField]) -> Fault:
    """Return one of pydantic's errors as a fault of `body`; `fields` are those that the document may have."""
    kind, context = error["type"], error.get("ctx", {})
    keys = _keys(error["loc"], body)
    known, written = _QUOTED.findall(context.get("expected_tags", context.get("expected", ""))), error.get("input")
    if kind == "union_tag_invalid":
        tag = context["discriminator"].strip("'")
        keys, written = [*keys, tag], context.get("tag")
    elif kind in UNKNOWN_FIELD:
        return _unknown_field(keys, kind, fields)
    near = nearest(written, known)
    return Fault(_pointer(keys), kind, _message(error, known, near), near)


def _unknown_field(keys: list[int | str], kind: str, fields: Iterable[SchemaField]) -> Fault:
    """Return the fault of an unknown field, with the kinds that have it, or the field that was probably meant."""
    *parents, name = map(str, keys)
    prefix = ".".join([*parents, ""])
    listed = list(fields)
    message = f"there is no field {name!r} here"
    for field in listed:
        if field.path == prefix + name and field.kinds:
            return Fault(_pointer(keys), kind, f"{message}; it needs {field.needs}")
    suggestion = _probable(name, prefix, listed)
    return Fault(_pointer(keys), kind, message if suggestion else f"{message}; leave it out", suggestion)


def _probable(name: str, prefix: str, fields: list[SchemaField]) -> str | None:
    """Return a field beside the unknown one that is spelled like it, else the path of one elsewhere."""
    beside = [field.path.removeprefix(prefix) for field in fields if field.path.startswith(prefix) and not field.kinds]
    beside += [parent.partition(".")[0] for parent in beside if "." in parent]
    if near := nearest(name, [own for own in beside if "." not in own]):
        return near
    paths = {field.path.rpartition(".")[2]: field.path for field in reversed(fields)}
    initials = {"".join(word[0] for word in own.split("_")): path for own, path in paths.items()}
    if name in paths or name in initials:
        return paths.get(name) or initials[name]
    near = nearest(name, paths)
    return paths[near] if near else None


def _innermost(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out a list that is too short only because its items are wrong: errors with other errors inside."""
    outer = {error["loc"][:length] for error in errors for length in range(len(error["loc"]))}
    return [error for error in errors if error["loc"] not in outer]


def _message(error: Mapping[str, Any], known: list[str], near: str | None) -> str:
    kind, tag = error["type"], error.get("ctx", {}).get("tag")
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
