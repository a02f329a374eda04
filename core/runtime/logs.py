"""Logging of all processes: one JSON object a line on standard error, with the ids bound to the current work."""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

import structlog

SERVERS = ("uvicorn", "uvicorn.error")
"""Not `uvicorn.access`: who silenced it wants it silent."""


Collector = Callable[[Mapping[str, Any]], None]


def configure(collect: Collector | None = None, level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's records, libraries' included, through one renderer.

    `collect` is called with each record of structlog.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, _forwarding(collect), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in SERVERS:  # they have handlers of their own, which write plain text
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def _forwarding(collect: Collector | None) -> structlog.types.Processor:
    def forward(logger: Any, method: str, record: structlog.types.EventDict) -> structlog.types.EventDict:
        if collect is not None:
            collect(record)
        return record

    return forward
