"""Commands that start training: train, fields."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dualtrain.client.cli.extras import require
from dualtrain.client.cli.jobs import follow, job_document
from dualtrain.client.cli.output import AsJson, Key, Url, connect, out, print_facts, print_json, print_table
from dualtrain.client.client import URL
from dualtrain.client.progress import duration
from dualtrain.client.records import DryRun

Spec = Annotated[
    Path | None,
    typer.Argument(
        help="Job spec, a JSON file. Without one: the default job.", exists=True, dir_okay=False, show_default=False
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set a field: epochs=2, network.layers.0.units=100; `dualtrain fields` lists them. Repeatable.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (train, fields):
        app.command()(command)


def train(
    spec: Spec = None,
    assignments: Assignments = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print the job's id and return at once.")] = False,
    local: Annotated[bool, typer.Option("--local", help="Train in this process, without a service.")] = False,
    output: Annotated[
        Path | None, typer.Option(help="With --local: write the weights to this file (.safetensors).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what the job would take; queue nothing.")] = False,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Train a network and follow it to its end.

    `dualtrain train --set epochs=2`

    `dualtrain train job.json --set gradient.method=per-neuron --detach`
    """
    if local and (detach or dry_run):
        raise typer.BadParameter("--local trains in this process; it cannot be combined with --detach or --dry-run")
    if output and not local:
        raise typer.BadParameter("--output belongs to --local; `dualtrain export` writes the model of a job")
    if local:
        raise typer.Exit(_train_here(spec, assignments or [], output, as_json))
    document = _document(spec, assignments or [])
    with connect(url, key) as client:
        if dry_run:
            result = client.dry_run(document)
            print_json(result) if as_json else _print_dry_run(result)
            return
        job = client.submit(document)
        if detach:
            print_json(job_document(job.record)) if as_json else out.print(job.id)
            return
        follow(job, as_json)


def fields(as_json: AsJson = False) -> None:
    """List the fields that `train --set` takes, with their defaults."""
    from dualtrain.core.schema_fields import schema_fields
    from dualtrain.core.spec import JobSpec  # it imports NumPy

    listed = schema_fields(JobSpec.model_json_schema())
    if as_json:
        print_json([field._asdict() for field in listed])
    else:
        rows = ((field.path, field.default, field.needs) for field in listed)
        print_table(("field", "default", "needs"), rows)


def _document(spec: Path | None, assignments: list[str]) -> dict[str, Any]:
    """Return the spec of file and assignments. Raises BadParameter when they cannot be combined."""
    from dualtrain.core.overrides import document  # it imports NumPy

    try:
        return document(spec, assignments)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from error


def _train_here(spec: Path | None, assignments: list[str], output: Path | None, as_json: bool) -> int:
    require("server")
    options = [option for assignment in assignments for option in ("--set", assignment)]
    options += ["--output", str(output)] if output else []
    options += ["--json"] if as_json else []
    command = [sys.executable, "-P", "-m", "dualtrain.core.train", *options, *([str(spec)] if spec else [])]
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the process got the signal too, and ends by itself
            continue


def _print_dry_run(result: DryRun) -> None:
    unit = "passes" if result["passes"] or not result["evaluations"] else "evaluations"
    work = result["passes"] or result["evaluations"]
    rows = (
        ("parameters", f"{result['parameters']:,}"),
        ("steps", f"{result['total_steps']:,}"),
        (unit, f"{work:,}"),
        ("shards per round", result["shards"]),
        ("memory per worker", f"{result['memory_bytes'] / 1e6:,.1f} MB"),
        ("estimated time", f"{duration(result['estimated_seconds'])} with {result['workers']} workers"),
    )
    print_facts(rows)
