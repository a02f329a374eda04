"""Run a command that ends with its parent: `python exec_with_parent.py PARENT_PID COMMAND [ARGUMENT ...]`.

Linux kills the command however the parent ends. The request outlives `exec`, so any command will do.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""Of Linux's prctl(2)."""


def main() -> None:
    """Ask the kernel for a SIGKILL at the parent's end, then become the command."""
    parent = int(sys.argv[1])
    command = sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
