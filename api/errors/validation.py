"""Faults of a request as problems."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TypeVar

from pydantic import BaseModel

from dualtrain.api.errors.problems import Problem
from dualtrain.core import validation
from dualtrain.core.validation import MAX_FAULTS, Fault, Invalid

M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], raw: bytes) -> M:
    """Return the model that a JSON body describes, without coercion. Raises Problem `malformed_json` or `invalid`."""
    try:
        return validation.parse(model, raw)
    except Invalid as error:
        raise invalid(error.faults, error.count) from error
    except ValueError as error:
        raise Problem("malformed_json", str(error)) from error


def fault(pointer: str, code: str, message: str) -> Problem:
    """Return the problem of one fault. `pointer` is empty for the whole body."""
    return invalid([Fault(pointer, code, message)])


def invalid(faults: Iterable[Fault], count: int | None = None) -> Problem:
    """Return the problem that lists the first `MAX_FAULTS` of these faults, of `count` in all."""
    listed = list(faults)
    documents = [_document(fault) for fault in listed[:MAX_FAULTS]]
    first, others = listed[0], (len(listed) if count is None else count) - 1
    more = f" (and {others:,} more)" if others else ""
    return Problem("invalid", f"{first.pointer or 'the body'}: {first.message}{more}", errors=documents)


def _document(fault: Fault) -> dict[str, str]:
    return {name: value for name, value in asdict(fault).items() if value is not None}
