"""`python -m dualtrain.api.server`: serve the API."""

import argparse
from collections.abc import Sequence

import uvicorn

from dualtrain.api.server import PROTOCOLS, server_config
from dualtrain.core.settings import Settings

APPLICATION = "dualtrain.api.app:create_app"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve at the address of the command line or the settings, until a signal ends the process."""
    settings = Settings()
    parser = argparse.ArgumentParser(prog="python -m dualtrain.api.server", description=__doc__)
    parser.add_argument("--host", default=settings.host, help="address to listen on; default: DUALTRAIN_HOST")
    parser.add_argument("--port", type=int, default=settings.port, help="port; default: DUALTRAIN_PORT")
    parser.add_argument("--fd", type=int, help="file descriptor of a listening socket, instead of an address")
    parser.add_argument("--grace-seconds", type=int, default=10, help="time for open requests after a signal")
    parser.add_argument("--parser", choices=PROTOCOLS, default="httptools", help="HTTP parser")
    options = parser.parse_args(arguments)
    config = server_config(
        APPLICATION,
        settings,
        options.parser,
        factory=True,
        host=options.host,
        port=options.port,
        fd=options.fd,
        timeout_graceful_shutdown=options.grace_seconds,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
