"""The table of a sweep as CSV and Parquet: a row for each cell, with mean and deviation of each figure."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pyarrow
import pyarrow.parquet

from dualtrain.core.sweep import CellSummary
from dualtrain.core.sweep.table import FIGURES


def rows(table: Sequence[CellSummary]) -> list[dict[str, Any]]:
    """Return flat rows: name, the changes as JSON, n, and `<figure>_mean` and `<figure>_std` for each figure."""
    return [_row(cell) for cell in table]


def to_csv(table: Sequence[CellSummary]) -> bytes:
    """Return the rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns())
    writer.writeheader()
    writer.writerows(rows(table))
    return text.getvalue().encode()


def to_parquet(table: Sequence[CellSummary]) -> bytes:
    """Return the rows as a Parquet file."""
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows(table)), sink)
    return sink.getvalue()


def _columns() -> list[str]:
    return ["name", "set", "n", *(f"{figure}_{part}" for figure in FIGURES for part in ("mean", "std"))]


def _row(cell: CellSummary) -> dict[str, Any]:
    row: dict[str, Any] = {"name": cell.name, "set": json.dumps(cell.set), "n": cell.n}
    for figure in FIGURES:
        spread = getattr(cell, figure)
        row |= {f"{figure}_mean": spread.mean, f"{figure}_std": spread.std}
    return row
