"""The check of a sweep before anything is queued: every cell's spec, each fault with the cell that it is in."""

import json
from collections.abc import Iterator
from dataclasses import replace

from dualtrain.api.errors.validation import invalid
from dualtrain.api.jobs import admission
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.core.spec import JobSpec
from dualtrain.core.sweep import Cell, SweepSpec, cells, job_document
from dualtrain.core.validation import MAX_FAULTS, Fault, Invalid, parse


def check(sweep: SweepSpec, services: Services, key: Key) -> tuple[JobSpec, ...]:
    """Return the spec of each cell for its first seed.

    Raises Problem `invalid` with the faults of the cells, up to `MAX_FAULTS`: cells after them are not looked at.
    """
    specs: list[JobSpec] = []
    faults: list[Fault] = []
    for cell in cells(sweep):
        try:
            specs.append(_spec(sweep, cell, services, key))
        except Invalid as error:
            faults += _located(sweep, cell, error)
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise invalid(faults)
    return tuple(specs)


def _spec(sweep: SweepSpec, cell: Cell, services: Services, key: Key) -> JobSpec:
    """Return the checked spec of a cell. Raises Invalid."""
    try:
        document = job_document(sweep, cell, sweep.seed_list[0])
    except ValueError as error:
        raise Invalid([Fault("", "unknown_field", str(error))]) from error
    spec = parse(JobSpec, json.dumps(document).encode())
    if faults := admission.faults_of(spec, services, key):
        raise Invalid(faults)
    return spec


def _located(sweep: SweepSpec, cell: Cell, error: Invalid) -> Iterator[Fault]:
    """Yield the faults of a cell's spec at their places in the sweep, with the cell's name in the message."""
    for fault in error.faults:
        pointer = _source(sweep, cell, fault.pointer)
        yield replace(fault, pointer=pointer, message=f"cell {cell.name!r}: {fault.message}")


def _source(sweep: SweepSpec, cell: Cell, pointer: str) -> str:
    """Return the JSON pointer into the sweep of the value that a pointer into the cell's spec leads to."""
    path = pointer.strip("/").replace("/", ".")
    setters = [name for name in cell.changes if path == name or path.startswith(f"{name}.")]
    if not setters:
        return f"/base{pointer}"
    name = setters[0]
    if name in sweep.grid:
        return f"/grid/{name}"
    if sweep.sample is not None and name in sweep.sample.space:
        return f"/sample/space/{name}"
    return f"/variants/{cell.variant}/set/{name}"
