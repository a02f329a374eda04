"""Commands that show jobs: jobs, show, watch, history, log, usage."""

from typing import Annotated, Any

import typer

from dualtrain.client.cli.output import (
    AsJson,
    JobId,
    Key,
    Url,
    connect,
    notes,
    out,
    percent,
    print_facts,
    print_json,
    print_table,
)
from dualtrain.client.cli.pictures import curve
from dualtrain.client.client import URL
from dualtrain.client.job import JobHandle
from dualtrain.client.progress import duration
from dualtrain.core.job import Job, Status

_COLUMNS = ("id", "status", "name", "step", "loss", "test", "time", "created")
_NARROW_COLUMNS = ("id", "status", "test", "step")
_WIDE = 76
"""Terminals with fewer columns show fewer columns of the table."""


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (watch, show, history, log, usage):
        app.command()(command)
    app.command("jobs")(list_jobs)


def watch(job_id: JobId, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Follow a job to its end. Ctrl-C leaves it running."""
    with connect(url, key) as client:
        follow(client.job(job_id), as_json)


def list_jobs(
    status: Annotated[list[Status] | None, typer.Option(help="Only jobs with this status. Repeatable.")] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Only jobs with this metadata. Repeatable.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Only jobs whose name contains this.")] = None,
    method: Annotated[str | None, typer.Option(help="Only jobs of this gradient method.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only jobs on this data set.")] = None,
    sweep: Annotated[str | None, typer.Option(help="Only jobs of this sweep.")] = None,
    min_accuracy: Annotated[float | None, typer.Option(min=0, max=1, help="Only jobs at least this accurate.")] = None,
    sort: Annotated[
        str | None, typer.Option(help="A column, descending with `-`: -test_accuracy, duration_seconds, name, ...")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of jobs.")] = 20,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """List jobs, newest first; times are UTC.

    `dualtrain jobs --sort -test_accuracy --limit 5`
    """
    filters: dict[str, Any] = {"name": name, "method": method, "dataset": dataset, "sweep": sweep}
    with connect(url, key) as client:
        listed = client.jobs(
            status=status, metadata=pairs(metadata or []), limit=limit, min_accuracy=min_accuracy, sort=sort, **filters
        )
        records = [job.record for job in listed]
    if as_json:
        print_json([job_document(job) for job in records])
    elif not records:
        notes.print("no jobs; start one with `dualtrain train`")
    else:
        names = _COLUMNS if out.width >= _WIDE else _NARROW_COLUMNS
        print_table(names, ([cells[name] for name in names] for cells in map(_cells, records)))


def show(job_id: JobId, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Show a job and its loss curve."""
    with connect(url, key) as client:
        job = client.job(job_id)
        if as_json:
            print_json(job_document(job.record))
            return
        print_facts(_facts(job.record))
        losses = [point["loss"] for point in job.history() if point["loss"] is not None]
    if losses:
        out.print(f"\nloss {losses[0]:.3f} {curve(losses)} {losses[-1]:.3f}")


def follow(job: JobHandle, as_json: bool) -> None:
    """Follow a job to its end, and exit with 1 unless it succeeded."""
    if not as_json:
        notes.print(f"job [bold]{job.id}[/bold]")
    try:
        ended = job.wait(progress=not as_json)
    except KeyboardInterrupt:
        notes.print(
            f"the job continues; follow it with `dualtrain watch {job.id}` or stop it with `dualtrain cancel {job.id}`"
        )
        raise
    print_json(job_document(ended)) if as_json else print_facts(_facts(ended))
    if ended.status is not Status.SUCCEEDED:
        raise typer.Exit(1)


def history(job_id: JobId, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Print a job's loss and accuracies by step."""
    with connect(url, key) as client:
        points = client.job(job_id).history()
    if as_json:
        print_json(points)
        return
    rows = (
        (point["step"], _figure(point["loss"]), percent(point["test_accuracy"]), _figure(point["seconds"]))
        for point in points
    )
    print_table(("step", "loss", "test", "seconds"), rows)


def log(job_id: JobId, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Print what the service logged about a job, newest last."""
    with connect(url, key) as client:
        records = client.job(job_id).log()
    if as_json:
        print_json(records)
        return
    for record in records:
        details = " ".join(f"{name}={value}" for name, value in record.items() if name not in ("at", "level", "event"))
        out.print(f"{record['at']} {record['level']} {record['event']} {details}".rstrip(), markup=False)


def usage(as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Print jobs, passes, worker time and stored bytes by API key."""
    with connect(url, key) as client:
        listed = client.usage()
    if as_json:
        print_json(listed)
        return
    columns = ("key", "jobs", "passes", "evaluations", "worker time", "stored")
    rows = (
        (
            key_usage["key"] or "(none)",
            key_usage["jobs"],
            f"{key_usage['passes']:,}",
            f"{key_usage['evaluations']:,}",
            duration(key_usage["worker_seconds"]),
            f"{key_usage['stored_bytes'] / 1e6:,.1f} MB",
        )
        for key_usage in listed
    )
    print_table(columns, rows)


def _figure(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"


def pairs(assignments: list[str]) -> dict[str, str]:
    """Return KEY=VALUE assignments as a dictionary. Raises BadParameter."""
    for assignment in assignments:
        if "=" not in assignment:
            raise typer.BadParameter(f"{assignment!r} is not KEY=VALUE")
    return dict(assignment.split("=", 1) for assignment in assignments)


def _time(job: Job) -> str | None:
    """Return the running time of an ended job, of a running one the estimated time left."""
    if job.finished_at:
        return None if job.duration_seconds is None else duration(job.duration_seconds)
    left = job.progress.eta_seconds
    return None if left is None else f"{duration(left)} left"


def _cells(job: Job) -> dict[str, object]:
    loss = None if job.metrics.loss is None else f"{job.metrics.loss:.4f}"
    steps = f"{job.progress.step}/{job.progress.total_steps or '?'}"
    created = job.created_at[5:16].replace("T", " ")  # the rest would not fit into 80 columns
    return {
        "id": job.id,
        "status": job.status.value,
        "name": job.name,
        "step": steps,
        "loss": loss,
        "test": percent(job.metrics.test_accuracy),
        "time": _time(job),
        "created": created,
    }


def _facts(job: Job) -> list[tuple[str, object]]:
    spec = job.spec
    reason = f" ({job.status_reason.message})" if job.status_reason else ""
    times = (("estimated start", job.estimated_start_at), ("estimated end", job.estimated_finish_at))
    return [
        ("id", job.id),
        ("name", job.name or None),
        ("sweep", f"{job.sweep.id}, {job.sweep.cell}, seed {job.sweep.seed}" if job.sweep else None),
        ("status", job.status.value + reason),
        ("data set", f"{spec['dataset']['name']}, {spec['dataset']['image_size']}x{spec['dataset']['image_size']}"),
        ("network", _network(spec["network"]["layers"])),
        ("method", spec["gradient"]["method"]),
        ("optimizer", f"{spec['optimizer']['name']}, learning rate {spec['optimizer']['learning_rate']}"),
        ("seed", spec["seed"]),
        ("time", _time(job)),
        ("step", f"{job.progress.step} of {job.progress.total_steps or '?'}"),
        ("passes", f"{job.progress.passes:,}" if job.progress.passes else None),
        ("evaluations", f"{job.progress.evaluations:,}" if job.progress.evaluations else None),
        ("loss", None if job.metrics.loss is None else f"{job.metrics.loss:.4f}"),
        ("test accuracy", percent(job.metrics.test_accuracy)),
        ("best", percent(job.metrics.best_test_accuracy)),
        ("parameters", job.model.parameters),
        ("sha256", job.model.sha256),
        *((name, moment) for name, moment in times if moment),
    ]


def _network(layers: list[dict[str, Any]]) -> str:
    return ", ".join(layer.get("custom") or f"{layer['units']} {layer['activation']}" for layer in layers)


def job_document(job: Job) -> dict[str, Any]:
    """Return a job as JSON."""
    return job.model_dump(mode="json")
