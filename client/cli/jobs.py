"""Commands about jobs: train, jobs, show, watch, pause, resume, cancel."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dualtrain.client.cli.output import AsJson, JobId, Key, Url, connect, notes, out, percent, print_json, print_table
from dualtrain.client.cli.pictures import curve
from dualtrain.client.client import URL
from dualtrain.client.job import JobHandle
from dualtrain.core.job import Job, Status

Spec = Annotated[
    Path | None,
    typer.Argument(
        help="A job spec as JSON. Without one: the default job.", exists=True, dir_okay=False, show_default=False
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a field: epochs=2, network.layers.0.units=100. Repeatable."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (train, watch, show, pause, resume, cancel):
        app.command()(command)
    app.command("jobs")(list_jobs)


def train(
    spec: Spec = None,
    assignments: Assignments = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print the job's id and return at once.")] = False,
    local: Annotated[bool, typer.Option("--local", help="Train in this process, without any service.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what the job would take; queue nothing.")] = False,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Train a network and follow it to its end.

    `dualtrain train --set epochs=2`

    `dualtrain train job.json --set gradient.method=per-neuron --detach`
    """
    if local and (detach or dry_run or as_json):
        raise typer.BadParameter("--local trains here and shows how; it cannot go with --detach, --dry-run or --json")
    if local:
        raise typer.Exit(_train_here(spec, assignments or []))
    wanted = _wanted(spec, assignments or [])
    with connect(url, key) as client:
        if dry_run:
            print_json(client.plan(wanted))
            return
        job = client.submit(wanted)
        if detach:
            print_json(_json(job.record)) if as_json else out.print(job.id)
            return
        _follow(job, as_json)


def watch(job_id: JobId, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Follow a job to its end. Ctrl-C leaves it running."""
    with connect(url, key) as client:
        _follow(client.job(job_id), as_json)


def list_jobs(
    status: Annotated[Status | None, typer.Option(help="Only jobs with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """List jobs, newest first; times are UTC."""
    with connect(url, key) as client:
        found = [job.record for job in client.jobs(status=status, limit=limit)]
    if as_json:
        print_json([_json(job) for job in found])
    else:
        print_table(("id", "status", "name", "step", "loss", "test", "created"), map(_row, found))


def show(job_id: JobId, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Show a job, with the course of its loss."""
    with connect(url, key) as client:
        job = client.job(job_id)
        if as_json:
            print_json(_json(job.record))
            return
        print_table(("", ""), _facts(job.record))
        losses = [point["loss"] for point in job.history() if point["loss"] is not None]
    if losses:
        out.print(f"\nloss {losses[0]:.3f} {curve(losses)} {losses[-1]:.3f}")


def pause(job_id: JobId, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Pause a running job; it keeps a checkpoint and goes on from there, bit for bit."""
    _change(job_id, "pause", as_json, url, key)


def resume(job_id: JobId, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Let a paused job go on."""
    _change(job_id, "resume", as_json, url, key)


def cancel(job_id: JobId, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """End a job; what it learned so far stays."""
    _change(job_id, "cancel", as_json, url, key)


def _wanted(spec: Path | None, assignments: list[str]) -> dict[str, Any]:
    """Return the spec that file and assignments make; one that cannot be made is wrong usage."""
    from dualtrain.core.overrides import document  # it brings NumPy along

    try:
        return document(spec, assignments)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from error


def _train_here(spec: Path | None, assignments: list[str]) -> int:
    options = [option for assignment in assignments for option in ("--set", assignment)]
    command = [sys.executable, "-P", "-m", "dualtrain.core.train", *options, *([str(spec)] if spec else [])]
    return subprocess.run(command, check=False).returncode


def _follow(job: JobHandle, as_json: bool) -> None:
    if not as_json:
        notes.print(f"job [bold]{job.id}[/bold]")
    try:
        ended = job.wait(progress=not as_json)
    except KeyboardInterrupt:
        notes.print(
            f"it goes on; come back with `dualtrain watch {job.id}`, or end it with `dualtrain cancel {job.id}`"
        )
        raise
    print_json(_json(ended)) if as_json else print_table(("", ""), _facts(ended))
    if ended.status is not Status.SUCCEEDED:
        raise typer.Exit(1)


def _change(job_id: str, verb: str, as_json: bool, url: str, key: str | None) -> None:
    with connect(url, key) as client:
        changed: Job = getattr(client.job(job_id), verb)()
    print_json(_json(changed)) if as_json else out.print(f"{changed.id} {changed.status.value}")


def _row(job: Job) -> tuple[object, ...]:
    loss = None if job.metrics.loss is None else f"{job.metrics.loss:.4f}"
    steps = f"{job.progress.step}/{job.progress.total_steps or '?'}"
    created = job.created_at[5:16].replace("T", " ")  # the rest would not fit into 80 columns
    return job.id, job.status.value, job.name, steps, loss, percent(job.metrics.test_accuracy), created


def _facts(job: Job) -> list[tuple[str, object]]:
    reason = f" ({job.status_reason.message})" if job.status_reason else ""
    times = (("starts about", job.estimated_start_at), ("ends about", job.estimated_finish_at))
    return [
        ("id", job.id),
        ("name", job.name),
        ("status", job.status.value + reason),
        ("step", f"{job.progress.step} of {job.progress.total_steps or '?'}"),
        ("passes", f"{job.progress.passes:,}"),
        ("loss", None if job.metrics.loss is None else f"{job.metrics.loss:.4f}"),
        ("test accuracy", percent(job.metrics.test_accuracy)),
        ("best", percent(job.metrics.best_test_accuracy)),
        ("parameters", job.model.parameters),
        ("sha256", job.model.sha256),
        *((what, at) for what, at in times if at),
    ]


def _json(job: Job) -> dict[str, Any]:
    return job.model_dump(mode="json")
