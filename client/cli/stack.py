"""Commands that run the whole stack: up, demo, doctor."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dualtrain.client.cli.extras import require


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up, demo, doctor):
        app.command()(command)


def up(
    host: Annotated[
        str | None, typer.Option(help="The address to listen on; beyond loopback only with API keys.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 picks a free one.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; otherwise one for each processor.")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Where data and jobs are kept; otherwise DUALTRAIN_DATA_DIR or ./dualtrain-data."),
    ] = None,
    redis_url: Annotated[
        str | None, typer.Option(help="A Redis to keep jobs in, 7.0 or newer; otherwise private servers are started.")
    ] = None,
) -> None:
    """Run the whole stack until Ctrl-C: Redis, workers, API, web page.

    Prints its address when it is ready. What dies starts again; what is stopped leaves nothing running.
    """
    require("up")
    from dualtrain.client.stack import run
    from dualtrain.core.settings import Settings

    chosen: dict[str, Any] = dict(host=host, port=port, workers=workers, data_dir=data_dir, redis_url=redis_url)
    settings = Settings(**{name: value for name, value in chosen.items() if value is not None})
    raise typer.Exit(run(settings, private_servers="redis_url" not in settings.model_fields_set))


def demo(
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where to keep data and jobs; otherwise a temporary folder that is removed.")
    ] = None,
) -> None:
    """Train the default job on the real MNIST and show what it makes of ten digits.

    Starts a stack of its own in a temporary folder (or in --data-dir), and stops it at the end.
    """
    require("up")
    from dualtrain.client.demo import run

    run(workers, data_dir)


def doctor() -> None:
    """Check settings, Redis, clocks and data of this machine, and say what to do."""
    require("server")
    raise typer.Exit(
        subprocess.run([sys.executable, "-P", "-m", "dualtrain.core.runtime.doctor"], check=False).returncode
    )
