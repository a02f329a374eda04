"""The HTTP server of the API: uvicorn with bounded headers and deadlines for requests."""

from dualtrain.api.server.config import PROTOCOLS, server_config

__all__ = ["PROTOCOLS", "server_config"]
