"""Commands about sweeps: sweep, sweeps, sweep-show."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from dualtrain.client.cli.output import AsJson, Key, Url, connect, notes, out, print_facts, print_json, print_table
from dualtrain.client.client import URL
from dualtrain.client.progress import duration
from dualtrain.client.records import SweepRecord
from dualtrain.client.sweep import SweepHandle, cell_row

_CELL_COLUMNS = ("cell", "n", "test accuracy", "best", "loss", "time", "passes")
_NARROW = 4
"""Columns of the table of cells in narrow terminals."""
_WIDE = 90

SweepId = Annotated[str, typer.Argument(help="Id of the sweep.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(sweep)
    app.command("sweeps")(list_sweeps)
    app.command("sweep-show")(show_sweep)


def sweep(
    file: Annotated[Path, typer.Argument(help="Sweep, a JSON file.", exists=True, dir_okay=False)],
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print the sweep's id and return at once.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the sweep's size; queue nothing.")] = False,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Run many jobs over variants, a grid and seeds, and print mean and deviation of each cell.

    `dualtrain sweep sweep.json` with `{"grid": {"optimizer.learning_rate": [0.3, 0.1]}, "seeds": 3}`
    """
    document = _document(file)
    with connect(url, key) as client:
        if dry_run:
            size = client.sweep_size(document)
            print_json(size) if as_json else _print_size(dict(size))
            return
        handle = client.sweep(document)
        if detach:
            print_json(handle.record) if as_json else out.print(handle.id)
            return
        _follow(handle, as_json)


def list_sweeps(
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of sweeps.")] = 20,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """List sweeps, newest first; times are UTC."""
    with connect(url, key) as client:
        records = [handle.record for handle in client.sweeps(limit=limit)]
    if as_json:
        print_json(records)
    elif not records:
        notes.print("no sweeps; start one with `dualtrain sweep FILE`")
    else:
        rows = ((one["id"], one["status"], one["name"], _done(one), _created(one)) for one in records)
        print_table(("id", "status", "name", "jobs ended", "created"), rows)


def show_sweep(sweep_id: SweepId, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Show a sweep: its jobs by status, and mean and deviation of each cell."""
    with connect(url, key) as client:
        record = client.get_sweep(sweep_id).record
    print_json(record) if as_json else _print_sweep(record)


def _follow(handle: SweepHandle, as_json: bool) -> None:
    """Wait for the sweep's end, print its table, and exit with 1 unless it succeeded."""
    if not as_json:
        notes.print(f"sweep [bold]{handle.id}[/bold], {handle.record['jobs']} jobs")

    def show(record: SweepRecord) -> None:
        if not as_json:
            notes.print(f"{record['status']}: {_done(record)} jobs ended", markup=False)

    try:
        handle.wait(on_change=show)
    except KeyboardInterrupt:
        hints = f"`dualtrain sweep-show {handle.id}` shows it, `dualtrain cancel {handle.id}` stops it"
        notes.print(f"the sweep continues; {hints}")
        raise
    print_json(handle.record) if as_json else _print_sweep(handle.record)
    if handle.record["status"] != "succeeded":
        raise typer.Exit(1)


def _print_sweep(record: SweepRecord) -> None:
    counts = ", ".join(f"{count} {status}" for status, count in record["counts"].items() if count)
    print_facts(
        (("id", record["id"]), ("name", record["name"] or None), ("status", record["status"]), ("jobs", counts))
    )
    out.print()
    shown = len(_CELL_COLUMNS) if out.width >= _WIDE else _NARROW
    print_table(_CELL_COLUMNS[:shown], (cell_row(cell)[:shown] for cell in record["cells"]))


def _print_size(size: dict[str, Any]) -> None:
    unit = "passes" if size["passes"] or not size["evaluations"] else "evaluations"
    facts = (
        ("cells", size["cells"]),
        ("jobs", size["jobs"]),
        (unit, f"{size[unit]:,}"),
        ("estimated time", f"{duration(size['estimated_seconds'])}, one job after the other"),
    )
    print_facts(facts)


def _document(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file. Raises BadParameter."""
    try:
        document = json.loads(file.read_text())
    except (ValueError, OSError) as error:
        raise typer.BadParameter(f"{file} holds no JSON: {error}") from error
    if not isinstance(document, dict):
        raise typer.BadParameter(f"{file} holds no JSON object")
    return document


def _done(record: SweepRecord) -> str:
    counts = record["counts"]
    return f"{sum(counts.get(status, 0) for status in ('succeeded', 'failed', 'cancelled'))} of {record['jobs']}"


def _created(record: SweepRecord) -> str:
    return record["created_at"][5:16].replace("T", " ")
