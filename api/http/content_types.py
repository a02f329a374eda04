"""Content negotiation: the media type that a client accepts first."""

from collections.abc import Iterable, Sequence

from dualtrain.api.errors.problems import Problem


def negotiate(accept: str, offered: Sequence[str]) -> str:
    """Return the offered media type that the header `Accept` wants most; for equal weights its order decides.

    `*/*` means the first one offered, `text/*` the first of that kind. Raises Problem `not_acceptable`.
    """
    ranges = [part.split(";") for part in accept.split(",")]
    for name, *parameters in sorted(ranges, key=lambda part: -_weight(part[1:])):
        matching = _matching(name.strip().lower(), offered)
        if matching is not None and _weight(parameters) > 0:
            return matching
    raise Problem("not_acceptable", f"available forms: {', '.join(offered)}")


def _matching(pattern: str, offered: Iterable[str]) -> str | None:
    kind, _, _ = pattern.partition("/")
    for media_type in offered:
        if pattern in ("*/*", media_type) or (pattern.endswith("/*") and media_type.startswith(f"{kind}/")):
            return media_type
    return None


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
