"""Errors of prediction requests. Faults of single values are `core.validation.Invalid`."""

from dualtrain.core.validation import Fault, Invalid


class MalformedBody(ValueError):
    """A body that cannot be taken apart into its fields."""


class MalformedJSON(ValueError):
    """A body that is not JSON."""


class ProtocolError(ValueError):
    """A request that breaks the Open Inference Protocol."""


class UnknownModel(LookupError):
    """There is no such job or alias, or it is somebody else's."""


class NoCheckpoint(LookupError):
    """The job has no checkpoint, or not the one that was asked for."""


def fault(pointer: str, code: str, message: str) -> Invalid:
    """Return the exception of one fault. `pointer` is empty for the whole body."""
    return Invalid([Fault(pointer, code, message)])
