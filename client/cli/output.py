"""Options and output that all commands share."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dualtrain.client.client import URL, Client

Url = Annotated[str, typer.Option("--url", envvar="DUALTRAIN_URL", help="Address of the service.")]
Key = Annotated[
    str | None, typer.Option("--api-key", envvar="DUALTRAIN_API_KEY", help="API key, if the service requires one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobId = Annotated[str, typer.Argument(help="Id of the job.")]

PATIENCE_SECONDS = 10.0

out = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)


def connect(url: str = URL, key: str | None = None) -> Client:
    """Return a client with a short timeout, for interactive use."""
    return Client(url, key, patience_seconds=PATIENCE_SECONDS)


def print_json(document: Any) -> None:
    """Print a JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, None as blank. The first column, which other commands take, is never shortened."""
    cells = [[Text(_printable("" if cell is None else str(cell))) for cell in row] for row in rows]
    longest = max((row[0].cell_len for row in cells), default=0)
    table = Table(box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=True, overflow="ellipsis", min_width=longest if index == 0 else None)
    for row in cells:
        table.add_row(*row)
    out.print(table)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print named values, one per line; those that are None are left out."""
    shown = [(name, str(value)) for name, value in facts if value is not None]
    width = max(len(name) for name, _ in shown) + 2
    for name, value in shown:
        out.print(Text(f"{name:<{width}}{_printable(value)}"))


def _printable(text: str) -> str:
    """Return the text without control characters: names are user input."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def fail(text: str, code: int) -> NoReturn:
    """Print an error on standard error and exit."""
    notes.print("[red]error:[/red]", Text(text))
    sys.exit(code)


def percent(accuracy: float | None) -> str | None:
    """Return an accuracy as a percentage."""
    return None if accuracy is None else f"{accuracy:.2%}"
