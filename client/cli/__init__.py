"""The command line `dualtrain`.

Exit codes: 0 done; 1 a job failed, was cancelled, or a check found something; 2 wrong usage; 3 the service refused;
4 the service cannot be reached; 130 interrupted.
"""

import sys
from typing import Annotated

import typer

from dualtrain.client.cli import jobs, models, stack
from dualtrain.client.cli.output import fail, out
from dualtrain.client.errors import ApiError, Unreachable
from dualtrain.core.version import __version__

REFUSED, NOT_REACHED, INTERRUPTED = 3, 4, 130

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Train neural networks by dual numbers, without backpropagation, as a service.",
    epilog="Begin with `dualtrain demo`, or with `dualtrain up` in one terminal and `dualtrain train` in another.",
)
for module in (stack, jobs, models):
    module.add_to(app)


def _tell_version(wanted: bool) -> None:
    if wanted:
        out.print(f"dualtrain {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    told: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of no command."""


def main() -> None:
    """Run the command line; an error becomes a line on standard error and an exit code."""
    try:
        app()
    except ApiError as error:
        fail(str(error), REFUSED)
    except Unreachable as error:
        fail(f"{error}\nStart one with `dualtrain up`, or name one with --url or DUALTRAIN_URL.", NOT_REACHED)
    except (RuntimeError, OSError, ValueError) as error:
        fail(str(error), 1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
