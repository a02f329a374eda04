"""The whole stack on one machine: two Redis servers, workers, the API; supervised by circus until Ctrl-C."""

from dualtrain.client.stack.stack import run

__all__ = ["run"]
