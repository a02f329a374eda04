"""The fields of a JSON schema by their dotted paths, as `--set` takes them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

_SHOWN_CHARACTERS = 40


class SchemaField(NamedTuple):
    """A field: its path, its default as JSON, and the kinds that have it ("gradient.method=spsa"), none for all."""

    path: str
    default: str
    kinds: tuple[str, ...]
    description: str

    @property
    def needs(self) -> str:
        """The choice that the field depends on, "" for none: `gradient.method=forward-gradient or spsa`."""
        if not self.kinds:
            return ""
        tag = self.kinds[0].partition("=")[0]
        return f"{tag}={' or '.join(kind.partition('=')[2] for kind in self.kinds)}"


def schema_fields(schema: Mapping[str, Any]) -> tuple[SchemaField, ...]:
    """Return the fields of a model's JSON schema, each path once, in the order of the schema."""
    by_path: dict[str, list[SchemaField]] = {}
    for field in _fields(schema, schema.get("$defs", {}), "", ()):
        by_path.setdefault(field.path, []).append(field)
    return tuple(map(_merged, by_path.values()))


def _merged(fields: list[SchemaField]) -> SchemaField:
    kinds = tuple(dict.fromkeys(kind for field in fields for kind in field.kinds))
    defaults = dict.fromkeys(field.default for field in fields)
    return fields[0]._replace(kinds=kinds, default=" or ".join(defaults))


def _fields(
    part: Mapping[str, Any], definitions: Mapping[str, Any], prefix: str, kinds: tuple[str, ...]
) -> Iterator[SchemaField]:
    for name, field in part.get("properties", {}).items():
        path = prefix + name
        resolved = _resolved(field, definitions)
        if "discriminator" in resolved:
            yield from _choice(resolved, definitions, path, field.get("default"))
        elif "properties" in resolved:
            yield from _fields(resolved, definitions, f"{path}.", kinds)
        elif "const" not in resolved:
            default = json.dumps(field.get("default"), ensure_ascii=False)
            text = default if len(default) <= _SHOWN_CHARACTERS else "…"
            yield SchemaField(path, text, kinds, field.get("description", ""))


def _choice(
    union: Mapping[str, Any], definitions: Mapping[str, Any], path: str, default: Mapping[str, Any] | None
) -> Iterator[SchemaField]:
    """Yield the field that chooses a kind, then the fields of each kind."""
    name = union["discriminator"]["propertyName"]
    mapping = union["discriminator"]["mapping"]
    tag = f"{path}.{name}"
    yield SchemaField(tag, json.dumps((default or {}).get(name)), (), f"one of {', '.join(mapping)}")
    parts = {kind: _resolved({"$ref": reference}, definitions) for kind, reference in mapping.items()}
    for kind, part in parts.items():
        for field in _fields(part, definitions, f"{path}.", (f"{tag}={kind}",)):
            yield field._replace(kinds=()) if _in_all(field.path, path, parts.values()) else field


def _in_all(field: str, path: str, parts: Iterable[Mapping[str, Any]]) -> bool:
    name = field.removeprefix(f"{path}.")
    return "." not in name and all(name in part.get("properties", {}) for part in parts)


def _resolved(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = field.get("$ref")
    return definitions[reference.rsplit("/", 1)[1]] if reference else field
