"""The aggregator as a program of the API: it starts and ends with the API, and starts again when it dies."""

import os

import structlog

from dualtrain.core.runtime.supervisor import Program, python_command
from dualtrain.core.settings import Settings

STOP_SECONDS = 10.0


def aggregator_program(settings: Settings) -> Program:
    """Return the program that runs the aggregator with these settings; it writes to the API's own output."""
    command = python_command("dualtrain.api.aggregator")
    return Program("aggregator", command, {**os.environ, **settings.environment()}, STOP_SECONDS)


async def log_exit(name: str, reason: str) -> None:
    """Log that a program ended, or could not be started."""
    structlog.get_logger().error("a program ended and is started again", program=name, reason=reason)
