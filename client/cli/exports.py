"""Commands that write results elsewhere: export, follow."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dualtrain.client.cli.output import JobId, Key, Url, connect, notes, out
from dualtrain.client.client import URL, Client
from dualtrain.client.exporters import Curve, curves_of, tables
from dualtrain.client.exporters.targets import Tracker, tracker
from dualtrain.client.job import JobHandle, format_of


class Target(StrEnum):
    """Forms of an export."""

    CSV = "csv"
    PARQUET = "parquet"
    TENSORBOARD = "tensorboard"
    MLFLOW = "mlflow"


class LiveTarget(StrEnum):
    """Trackers that a running job can be followed to."""

    TENSORBOARD = "tensorboard"
    MLFLOW = "mlflow"


Place = Annotated[
    str | None, typer.Argument(help="File to write; for tensorboard a folder, for mlflow a tracking URI or folder.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (export, follow):
        app.command()(command)


def export(
    item: Annotated[str, typer.Argument(help="Id of a job or, with --to, of a sweep.")],
    place: Place = None,
    to: Annotated[Target | None, typer.Option(help="Write the history there, instead of the model.")] = None,
    step: Annotated[str, typer.Option(help="Of a model: last, best, or a step with a stored checkpoint.")] = "last",
    url: Url = URL,
    key: Key = None,
) -> None:
    """Write a job's model to a file (.safetensors, .npz, .onnx), or the history of a job or sweep.

    `dualtrain export JOB digits.onnx --step best`

    `dualtrain export JOB_OR_SWEEP curves.parquet --to parquet`

    `dualtrain export JOB_OR_SWEEP runs --to tensorboard`
    """
    with connect(url, key) as client:
        if to is None:
            _export_model(client, item, place, step)
        elif to in (Target.CSV, Target.PARQUET):
            path = Path(place or f"{item}.{to.value}")
            tables.write(curves_of(client, item), path, to.value)
            out.print(str(path), markup=False)
        else:
            written = _write(client, item, tracker(to.value, place))
            out.print(f"{written} written to {to.value}", markup=False)


def follow(
    job_id: JobId,
    place: Place = None,
    to: Annotated[LiveTarget, typer.Option(help="Where the curves go.")] = LiveTarget.TENSORBOARD,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Follow a running job and write its curves to a tracker as they grow. Ctrl-C leaves the job running.

    `dualtrain follow JOB runs --to tensorboard`
    """
    with connect(url, key) as client:
        job = client.job(job_id)
        target = tracker(to.value, place)
        with target.run(Curve.of(job.record)) as run:
            for event in job.events():
                if event.type in ("step", "evaluation", "done"):
                    run.add(job.history())
        notes.print(f"{job.id} {job.refresh().status.value}")


def _export_model(client: Client, job_id: str, place: str | None, step: str) -> None:
    if place is None:
        raise typer.BadParameter("name the file to write, or give --to for the history")
    try:
        form = format_of(Path(place))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="place") from error
    job: JobHandle = client.job(job_id)
    written = job.download(place, form=form, step=step)
    out.print(f"{written} ({written.stat().st_size:,} bytes)", markup=False)


def _write(client: Client, item: str, target: Tracker) -> str:
    """Write all curves of a job or sweep; return how many."""
    curves = curves_of(client, item)
    for curve in curves:
        with target.run(curve) as run:
            run.add(curve.points)
    return "1 run" if len(curves) == 1 else f"{len(curves)} runs"
