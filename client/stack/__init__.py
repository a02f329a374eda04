"""The whole stack on one machine: two Redis servers, workers and the API, supervised until Ctrl-C."""

from dualtrain.client.stack.stack import run

__all__ = ["run"]
