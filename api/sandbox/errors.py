"""Errors of child processes, and how exceptions cross from a child to the API."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from dualtrain.api.predictions.errors import MalformedBody, MalformedJSON, ProtocolError
from dualtrain.core.data import DatasetError, UnknownDataset
from dualtrain.core.validation import Fault, Invalid


class Busy(Exception):
    """The caller has too many requests in work, or waited too long for its turn."""


class OverLimit(Exception):
    """The child ended, or was ended, because its request took more memory or time than is allowed."""


class Failed(Exception):
    """An unexpected exception in a child."""


class CannotStart(Exception):
    """No child process can be started: the machine has no memory or no processes left."""


class Abandoned(Exception):
    """The API does not answer the child's question; raised in the child."""


@dataclass(frozen=True)
class _Carried:
    """An exception that crosses from child to API, as JSON values."""

    kind: type[Exception]
    arguments: Callable[[Any], list[Any]]
    make: Callable[[list[Any]], Exception]


def _plain(kind: type[Exception]) -> _Carried:
    return _Carried(kind, lambda error: [str(error)], lambda arguments: kind(*map(str, arguments)))


_CARRIED = (
    _Carried(
        Invalid,
        lambda error: [error.count, *map(asdict, error.faults)],
        lambda arguments: Invalid((Fault(**fault) for fault in arguments[1:]), int(arguments[0])),
    ),
    _Carried(
        DatasetError,
        lambda error: [error.code, str(error)],
        lambda arguments: DatasetError(*map(str, arguments)),
    ),
    *map(_plain, (MalformedBody, MalformedJSON, ProtocolError, UnknownDataset, FileExistsError, OverLimit)),
)


def describe(error: Exception) -> dict[str, Any]:
    """Return an exception of a child as JSON. Raises the exception itself when it is not one that may cross."""
    for carried in _CARRIED:
        if isinstance(error, carried.kind):
            return {"error": carried.kind.__name__, "arguments": carried.arguments(error)}
    raise error


def restore(document: dict[str, Any]) -> Exception:
    """Return the exception that `describe` described."""
    for carried in _CARRIED:
        if carried.kind.__name__ == document["error"]:
            return carried.make(document["arguments"])
    return Failed(str(document.get("detail", "")))
