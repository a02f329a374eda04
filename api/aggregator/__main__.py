"""`python -m dualtrain.api.aggregator`: a process of its own, so that arithmetic never delays a request."""

import os
import signal
import stat
import threading

from dualtrain.api.aggregator.aggregator import Aggregator
from dualtrain.core.runtime.logs import configure
from dualtrain.core.runtime.process import die_with_parent, prepare_to_compute
from dualtrain.core.settings import Settings

NICENESS = 5
"""Below the API, whose requests come first; above the workers, who wait for the next round."""


def main() -> None:
    """Run until SIGTERM, SIGINT, or the end of the process that started this one."""
    configure()
    prepare_to_compute(NICENESS)
    aggregator = Aggregator(Settings())
    _end_with_parent()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: aggregator.stopping.set())
    aggregator.run()


def _end_with_parent() -> None:
    """Die with the parent: at once where Linux tells, and when the pipe or socket on standard input ends.

    Linux does not tell of a parent that died before it was asked to, while this process was still importing.
    """
    die_with_parent()
    mode = os.fstat(0).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):  # asyncio makes a pair of sockets where others make a pipe
        threading.Thread(target=_exit_at_end_of_input, daemon=True).start()


def _exit_at_end_of_input() -> None:
    while os.read(0, 4096):  # past `sys.stdin`: its lock, held here, would abort an interpreter that ends by itself
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
