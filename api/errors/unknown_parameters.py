"""Query parameters that an address does not have are faults, as unknown fields of a body are."""

import re
from collections.abc import Iterable
from typing import Any

from fastapi import Request

from dualtrain.core.validation import MAX_FAULTS, Fault, Invalid, nearest

_DEEP = re.compile(r"([^\[\]]+)\[.*\]", re.DOTALL)
_SHOWN = 64


async def refuse_unknown_parameters(request: Request) -> None:
    """Raise Invalid for query parameters that the OpenAPI document does not have for this operation."""
    if not request.url.query:
        return
    known = {parameter["name"]: parameter.get("style") for parameter in _documented(request)}
    unknown = [name for name in request.query_params if not _is_known(name, known)]
    if unknown:
        raise Invalid((_fault(name, known) for name in unknown[:MAX_FAULTS]), len(unknown))


def _documented(request: Request) -> list[dict[str, Any]]:
    operations = request.app.openapi()["paths"].get(request.scope["route"].path_format, {})
    parameters = operations.get(request.method.lower(), {}).get("parameters", [])
    return [parameter for parameter in parameters if parameter["in"] == "query"]


def _is_known(name: str, known: dict[str, str | None]) -> bool:
    """Return whether a parameter is documented; `name[key]` is one of the parameter `name` in the style deepObject."""
    deep = _DEEP.fullmatch(name)
    return known.get(deep[1]) == "deepObject" if deep else name in known and known[name] != "deepObject"


def _fault(name: str, known: Iterable[str]) -> Fault:
    shortened = name[:_SHOWN]
    suggestion = nearest(shortened, known)
    advice = "" if suggestion else f"; there are: {', '.join(sorted(known)) or 'none'}"
    return Fault(
        f"#/query/{shortened}",
        "unknown_parameter",
        f"there is no query parameter {shortened!r} here{advice}",
        suggestion,
    )
