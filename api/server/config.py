"""Configuration of uvicorn, the same for every way to start the API."""

import resource
from typing import Any

import uvicorn

from dualtrain.api.server.protocols import HEADER_BYTES, BoundedH11, BoundedHttpTools
from dualtrain.core.settings import Settings

PROTOCOLS = {"httptools": BoundedHttpTools, "h11": BoundedH11}
"""Parser -> protocol."""


def server_config(app: Any, settings: Settings, parser: str = "httptools", **options: Any) -> uvicorn.Config:
    """Return uvicorn's configuration for `app`, an application or the import path of a factory.

    Proxies at `settings.trusted_proxies` may say by `X-Forwarded-Proto` that their client came over TLS.
    """
    return uvicorn.Config(
        app,
        http=PROTOCOLS[parser],
        ws="none",
        h11_max_incomplete_event_size=HEADER_BYTES,
        forwarded_allow_ips=list(settings.trusted_proxies),
        access_log=False,
        server_header=False,
        **options,
    )


def raise_open_files_limit() -> None:
    """Raise the soft limit of open files to the hard one: each connection takes a file, and 1,024 are soon used up."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
