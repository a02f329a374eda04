"""Command about API keys: keys."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    app.command(context_settings=settings)(keys)


def keys(
    context: typer.Context,
    command: Annotated[str, typer.Argument(help="list, add, rotate, revoke or limit.")] = "list",
    file: Annotated[
        Path | None, typer.Option(envvar="DUALTRAIN_API_KEYS_FILE", help="The file of keys, on this machine.")
    ] = None,
) -> None:
    """Manage the API keys of a service on this machine.

    `dualtrain keys add alice read submit --max-waiting-jobs 50 --expires-days 90`

    `dualtrain keys rotate alice --overlap-hours 24` prints a new secret; limits stay, and the old one works for a day.

    `dualtrain keys limit alice --max-running-jobs 2`, `dualtrain keys revoke alice`, `dualtrain keys list`
    """
    if file is None:
        raise typer.BadParameter("name the file with --file or DUALTRAIN_API_KEYS_FILE")
    module = [sys.executable, "-P", "-m", "dualtrain.api.security.manage"]
    raise typer.Exit(subprocess.run([*module, str(file), command, *context.args], check=False).returncode)
