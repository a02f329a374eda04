"""Cursors of pages: where the next one goes on, as a text that means nothing to clients."""

import base64
import binascii
import json
from typing import Any

from dualtrain.api.errors.validation import fault


def encode(position: Any) -> str:
    """Return the cursor of a position that JSON can hold."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode(cursor: str) -> Any:
    """Return the position of a cursor. Raises Problem `invalid`."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return json.loads(text)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise unknown(cursor) from error


def number(cursor: str | None) -> int | None:
    """Return the number that a page goes on below, None for the first page. Raises Problem `invalid`."""
    if not cursor:
        return None
    position = decode(cursor)
    if type(position) is not int or position < 0:
        raise unknown(cursor)
    return position


def unknown(cursor: str) -> Exception:
    """Return the problem of a text that is no cursor of this list."""
    message = f"{cursor[:64]!r} is no cursor of this list; take `next` of the page before, with the same `sort`"
    return fault("#/query/after", "unknown_cursor", message)
