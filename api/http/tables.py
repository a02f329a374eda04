"""Tables as CSV and Parquet, for answers in the form that `Accept` asks for."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow
import pyarrow.parquet

CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"


def write_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: str) -> bytes:
    """Return the rows in a media type: `CSV`, or else `PARQUET`."""
    return _to_csv(rows, columns) if form == CSV else _to_parquet(rows, columns)


def table_forms(example: str) -> dict[str, Any]:
    """Return OpenAPI's description of a table's forms beside JSON; `example` is the header of its CSV."""
    return {
        "content": {
            CSV: {"schema": {"type": "string"}, "example": example},
            PARQUET: {"schema": {"type": "string", "format": "binary"}},
        }
    }


def _to_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _to_parquet(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    table = pyarrow.table({column: pyarrow.array([row.get(column) for row in rows]) for column in columns})
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()
