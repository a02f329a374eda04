"""Commands about data sets: datasets, upload."""

from pathlib import Path
from typing import Annotated

import typer

from dualtrain.client.cli.output import AsJson, Key, Url, connect, out, print_json, print_table
from dualtrain.client.client import URL


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("datasets")(list_datasets)
    app.command()(upload)


def list_datasets(
    delete: Annotated[str | None, typer.Option(metavar="NAME", help="Delete this uploaded data set.")] = None,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """List the data sets that jobs can train on."""
    with connect(url, key) as client:
        if delete:
            client.delete_dataset(delete)
            out.print(f"{delete} deleted")
            return
        listed = client.datasets()
    if as_json:
        print_json(listed)
        return
    columns = ("name", "source", "status", "classes", "train", "test")
    print_table(
        columns,
        (
            (
                one["name"],
                one["source"],
                one["status"],
                len(one["classes"] or ()),
                one["train_samples"],
                one["test_samples"],
            )
            for one in listed
        ),
    )


def upload(
    name: Annotated[str, typer.Argument(help="Name of the new data set: lower-case letters, digits, `-`, `_`, `.`.")],
    path: Annotated[
        Path,
        typer.Argument(
            help="A zip of class folders, or Parquet with `image` and `label`.", exists=True, dir_okay=False
        ),
    ],
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Upload a data set.

    `dualtrain upload shapes shapes.zip`
    """
    with connect(url, key) as client:
        description = client.upload(name, path)
    if as_json:
        print_json(description)
        return
    classes = ", ".join(description["classes"] or ())
    sizes = f"{description['train_samples']:,} training and {description['test_samples']:,} test samples"
    out.print(f"{name}: {sizes}; classes: {classes}", markup=False)
