"""Messages of `dualtrain up` on the terminal. None of them can end the stack: their disk may be full, too."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.text import Text


class Terminal:
    """Standard output for the address, standard error for everything else."""

    def __init__(self) -> None:
        self._out = Console(highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)

    def address(self, url: str) -> None:
        """Print the address of the service on standard output."""
        _print(self._out.print, Text(url))

    def note(self, text: str) -> None:
        """Print a remark."""
        _print(self._err.print, Text(text, style="dim"))

    def warn(self, headline: str, rest: str = "") -> None:
        """Print a warning, which the stack survives."""
        _print(self._err.print, Text(headline, style="yellow") + Text(rest))

    def fail(self, headline: str, rest: str = "") -> None:
        """Print why the stack ends."""
        _print(self._err.print, Text(headline, style="red") + Text(rest))


def _print(output: Callable[..., Any], text: Text) -> None:
    with suppress(OSError):
        output(text)
