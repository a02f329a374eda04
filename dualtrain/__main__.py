"""`dualtrain` and `python -m dualtrain`: the command line."""

import os
import signal
from types import FrameType

INTERRUPTED = 130


def main() -> None:
    """Run the command line. Ctrl-C while its modules are imported ends it quietly: nothing was started yet."""
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, _exit)
    from dualtrain.client.cli import main as run

    if interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _exit(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)  # an exception may be swallowed or wrapped by whatever is being imported


if __name__ == "__main__":
    main()
