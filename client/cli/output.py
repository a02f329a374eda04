"""What all commands share: how to reach the service, and how to show things to people and to programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dualtrain.client.client import URL, Client

Url = Annotated[str, typer.Option("--url", envvar="DUALTRAIN_URL", help="Where the service listens.")]
Key = Annotated[
    str | None, typer.Option("--api-key", envvar="DUALTRAIN_API_KEY", help="The API key, if it asks for one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
JobId = Annotated[str, typer.Argument(help="The job's id.")]

PATIENCE_SECONDS = 10.0

out = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)


def connect(url: str = URL, key: str | None = None) -> Client:
    """Return a client that gives up soon: somebody is waiting at the terminal."""
    return Client(url, key, patience_seconds=PATIENCE_SECONDS)


def print_json(document: Any) -> None:
    """Print a JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; None is left blank. The first column is what other commands take: it is never cut."""
    table = Table(box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_printable("" if cell is None else str(cell))) for cell in row))
    out.print(table)


def _printable(text: str) -> str:
    """The text without what would steer the terminal: names come from everybody, and may also look like markup."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def fail(text: str, code: int) -> NoReturn:
    """Print what went wrong on standard error and exit."""
    notes.print("[red]error:[/red]", Text(text))
    sys.exit(code)


def percent(accuracy: float | None) -> str | None:
    """Return an accuracy as people read it."""
    return None if accuracy is None else f"{accuracy:.2%}"
