"""Parsers of request headers."""

from typing import Annotated

from fastapi import Header, Request

OCTETS = "application/octet-stream"
IfNoneMatch = Annotated[str | None, Header(max_length=1000)]


def matches(if_none_match: str | None, etag: str) -> bool:
    """Return whether the caller has what this tag names, by the weak comparison of RFC 9110; `*` names everything."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def media_type(request: Request, absent: str = "") -> str:
    """Return what the body is said to be, in small letters and without parameters; `absent` when nothing is said."""
    return request.headers.get("content-type", absent).split(";")[0].strip().lower()
