"""Commands about models and workers: predict, export, workers."""

from pathlib import Path
from typing import Annotated

import typer

from dualtrain.client.cli.output import AsJson, JobId, Key, Url, connect, out, print_json, print_table
from dualtrain.client.client import URL
from dualtrain.client.job import Format

Images = Annotated[list[Path], typer.Argument(help="PNG, JPEG or WebP files.", exists=True, dir_okay=False)]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (predict, export, workers):
        app.command()(command)


def predict(
    images: Images,
    model: Annotated[
        str | None, typer.Option(help="A job's id or an alias; otherwise the best model there is.")
    ] = None,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Say which digits images show.

    `dualtrain predict seven.png photo.jpg`
    """
    with connect(url, key) as client:
        found = client.predict(*images, model=model)
    if as_json:
        print_json([{"image": str(image), **vars(one)} for image, one in zip(images, found, strict=True)])
    else:
        rows = ((image, one.label, f"{max(one.probabilities):.1%}") for image, one in zip(images, found, strict=True))
        print_table(("image", "digit", "probability"), rows)


def export(
    job_id: JobId,
    path: Annotated[
        Path, typer.Argument(help="The file to write; its ending says the format: .safetensors, .npz, .onnx.")
    ],
    step: Annotated[str, typer.Option(help="last, best, or a step whose checkpoint is kept.")] = "last",
    url: Url = URL,
    key: Key = None,
) -> None:
    """Write a job's model to a file.

    `dualtrain export JOB digits.onnx --step best`
    """
    forms: dict[str, Format] = {".safetensors": "safetensors", ".npz": "npz", ".onnx": "onnx"}
    if path.suffix not in forms:
        raise typer.BadParameter(f"{path.name} ends with none of {', '.join(forms)}", param_hint="path")
    with connect(url, key) as client:
        written = client.job(job_id).download(path, form=forms[path.suffix], step=step)
    out.print(f"{written} ({written.stat().st_size:,} bytes)", markup=False)


def workers(as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """List the worker processes that are alive."""
    with connect(url, key) as client:
        found = client.workers()
    if as_json:
        print_json(found)
    else:
        rows = (
            (one["id"], one.get("since"), (one.get("doing") or {}).get("job"), one.get("numerics")) for one in found
        )
        print_table(("id", "since", "job", "numerics"), rows)
