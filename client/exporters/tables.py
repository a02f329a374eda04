"""Histories as one table: a row for each job and recorded step."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dualtrain.client.exporters import Curve
from dualtrain.core.history import COLUMNS

_COLUMNS = ("job_id", "name", "cell", "seed", *COLUMNS)


def write(curves: Iterable[Curve], path: Path, form: str) -> None:
    """Write the curves to a file; `form` is "csv" or "parquet"."""
    rows = [_row(curve, point) for curve in curves for point in curve.points]
    partial = path.with_name(f".{path.name}.partial")
    if form == "csv":
        _write_csv(rows, partial)
    else:
        _write_parquet(rows, partial)
    partial.replace(path)


def _row(curve: Curve, point: Any) -> dict[str, Any]:
    own = {"job_id": curve.job_id, "name": curve.name, "cell": curve.cell, "seed": curve.seed}
    return {**own, **{column: point.get(column) for column in COLUMNS}}


def _write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(rows: list[dict[str, Any]], path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({column: pyarrow.array([row[column] for row in rows]) for column in _COLUMNS})
    pyarrow.parquet.write_table(table, path)
