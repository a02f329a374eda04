"""`python -m dualtrain.api.aggregator`: a process of its own, so that arithmetic never delays a request."""

import signal

from dualtrain.api.aggregator.aggregator import Aggregator
from dualtrain.core.runtime.logs import configure
from dualtrain.core.runtime.process import prepare_to_compute
from dualtrain.core.settings import Settings

NICENESS = 5
"""Below the API, whose requests come first; above the workers, who wait for the next round."""


def main() -> None:
    """Run until SIGTERM or SIGINT. The supervisor in the API ties this process to its own life."""
    configure()
    prepare_to_compute(NICENESS)
    aggregator = Aggregator(Settings())
    configure(aggregator.logs.collect)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: aggregator.stopping.set())
    aggregator.run()


if __name__ == "__main__":
    main()
