"""The table of a sweep: a row for each cell, with mean and deviation of each figure."""

import json
from collections.abc import Sequence
from typing import Any

from dualtrain.core.sweep import CellSummary
from dualtrain.core.sweep.table import FIGURES

COLUMNS = ("name", "set", "n", *(f"{figure}_{part}" for figure in FIGURES for part in ("mean", "std")))


def rows(table: Sequence[CellSummary]) -> list[dict[str, Any]]:
    """Return flat rows: name, the changes as JSON, n, and `<figure>_mean` and `<figure>_std` for each figure."""
    return [_row(cell) for cell in table]


def _row(cell: CellSummary) -> dict[str, Any]:
    row: dict[str, Any] = {"name": cell.name, "set": json.dumps(cell.set), "n": cell.n}
    for figure in FIGURES:
        spread = getattr(cell, figure)
        row |= {f"{figure}_mean": spread.mean, f"{figure}_std": spread.std}
    return row
