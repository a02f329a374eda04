"""Commands about models and workers: predict, export, alias, workers."""

from pathlib import Path
from typing import Annotated

import typer

from dualtrain.client.cli.output import AsJson, Key, Url, connect, print_json, print_table
from dualtrain.client.client import URL

Images = Annotated[list[Path], typer.Argument(help="PNG, JPEG or WebP files.", exists=True, dir_okay=False)]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (predict, alias, workers):
        app.command()(command)


def predict(
    images: Images,
    model: Annotated[str | None, typer.Option(help="A job's id or an alias; otherwise the best model.")] = None,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Classify image files.

    `dualtrain predict seven.png photo.jpg`
    """
    with connect(url, key) as client:
        found = client.predict(*images, model=model)
    if as_json:
        print_json([{"image": str(image), **vars(one)} for image, one in zip(images, found, strict=True)])
    else:
        rows = ((image, one.label, f"{max(one.probabilities):.1%}") for image, one in zip(images, found, strict=True))
        print_table(("image", "class", "probability"), rows)


def alias(
    name: Annotated[str | None, typer.Argument(help="The alias; without one, all are listed.")] = None,
    job_id: Annotated[str | None, typer.Argument(help="Id of the job it stands for.")] = None,
    step: Annotated[str, typer.Option(help="last, best, or a step with a stored checkpoint.")] = "last",
    delete: Annotated[bool, typer.Option("--delete", help="Delete the alias; the model stays.")] = False,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Name a job's model, or list the names.

    `dualtrain alias digits job-5f2c9a1be07d --step best`
    """
    if (job_id or delete) and not name or (name and not (job_id or delete)):
        raise typer.BadParameter("give a name and a job, a name and --delete, or neither")
    with connect(url, key) as client:
        if name and delete:
            client.delete_alias(name)
        elif name and job_id:
            client.set_alias(name, job_id, step=int(step) if step.isdigit() else step)
        listed = client.aliases()
    if as_json:
        print_json(listed)
    else:
        print_table(("name", "job", "step"), ((one["name"], one["job_id"], one["step"] or "last") for one in listed))


def workers(as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """List the living worker processes."""
    with connect(url, key) as client:
        found = client.workers()
    if as_json:
        print_json(found)
    else:
        rows = (
            (one["id"], one.get("since"), (one.get("doing") or {}).get("job"), one.get("numerics")) for one in found
        )
        print_table(("id", "since", "job", "numerics"), rows)
