"""Real processes of a stack: started again when they end, found, stopped, killed."""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

AGAIN_SECONDS = 0.2
"""How long a process that ended stays away before its supervisor starts it again."""
MARK = "DUALTRAIN_CHAOS"
"""The variable that names the stack in the environment of each of its processes, so that none can be overlooked."""


class Program:
    """A command that is kept running until `end`."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self._environment = name, environment
        self._command = ("setpriv", "--pdeathsig", "KILL", *command)  # nothing outlives a driver that was killed
        self._log = log.open("ab")
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    @property
    def process(self) -> psutil.Process | None:
        """The running process, None between two."""
        try:
            return psutil.Process(self._process.pid) if self._process and self._process.returncode is None else None
        except psutil.NoSuchProcess:
            return None

    def children(self) -> list[psutil.Process]:
        """The processes that it started, and those that they started."""
        try:
            return self.process.children(recursive=True) if self.process else []
        except psutil.NoSuchProcess:
            return []

    def end(self, seconds: float = 20.0) -> None:
        """End it as an operator would, by SIGTERM; by SIGKILL when it takes longer."""
        self._ending.set()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
        self._thread.join(seconds)
        if self._process is not None and self._thread.is_alive():
            self._process.kill()
            self._thread.join()
        self._log.close()

    def _keep(self) -> None:
        while not self._ending.is_set():
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
            )
            self._process.wait()
            self._ending.wait(AGAIN_SECONDS)


def marked(mark: str) -> list[psutil.Process]:
    """Return all processes of the stack `mark`, wherever they hang."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for process in psutil.process_iter():
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in environment and process.pid != os.getpid():
            found.append(process)
    return found


def computing(process: psutil.Process) -> bool:
    """Return whether the main thread of a process is running, not waiting for work."""
    try:
        stat = Path(f"/proc/{process.pid}/task/{process.pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "R"
