"""The whole stack on one machine: two Redis servers, workers, the API; supervised by circus until Ctrl-C."""

from dualtrain.client.up.stack import run

__all__ = ["run"]
