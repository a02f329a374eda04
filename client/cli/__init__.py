"""The command line `dualtrain`.

Exit codes: 0 done; 1 a job failed, was cancelled, or a check found something; 2 wrong usage; 3 the service refused;
4 the service cannot be reached; 130 interrupted.
"""

import sys
from typing import Annotated

import typer

from dualtrain.client.cli import datasets, exports, job_changes, jobs, keys, models, recipes, stack, sweeps, training
from dualtrain.client.cli.messages import for_command_line
from dualtrain.client.cli.output import fail, out
from dualtrain.client.errors import ApiError, Unreachable
from dualtrain.core.version import __version__

REFUSED, NOT_REACHED, INTERRUPTED = 3, 4, 130

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Train neural networks by dual numbers, without backpropagation, as a service.",
    epilog="Start with `dualtrain demo`, or with `dualtrain up` in one terminal and `dualtrain train` in another.",
)
for module in (stack, training, recipes, jobs, job_changes, sweeps, models, exports, datasets, keys):
    module.add_to(app)


def _print_version(requested: bool) -> None:
    if requested:
        out.print(f"dualtrain {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the command line; an error becomes a line on standard error and an exit code."""
    try:
        app()
    except ApiError as error:
        fail(for_command_line(error), REFUSED)
    except Unreachable as error:
        fail(f"{error}\nStart one with `dualtrain up`, or name one with --url or DUALTRAIN_URL.", NOT_REACHED)
    except (RuntimeError, OSError, ValueError) as error:
        fail(str(error), 1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
