"""What a benchmark prints: Markdown tables, which `--write` puts into the documentation as well."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
IMAGES = DOCS / "images"
DATA_DIR = Path(tempfile.gettempdir()) / "dualtrain-bench-data"
"""Decoded data sets are kept here, away from those of a service."""


@dataclass(frozen=True)
class Report:
    """Prints what is found; into a page under docs it goes only if `write`."""

    page: str
    write: bool

    def show(self, section: str, text: str) -> None:
        """Print a text. Its place in the page is between the comments `<!-- section -->` and `<!-- /section -->`.

        Raises ValueError when the page does not have each of them once.
        """
        sys.stdout.write(f"\n{section}\n\n{text}\n")
        sys.stdout.flush()
        if self.write:
            self._insert(section, text)

    def draw(self, name: str, figure: Callable[[], Any]) -> None:
        """Save a plot among the pictures of the documentation; nothing is drawn otherwise."""
        if self.write:
            figure().savefig(IMAGES / name, dpi=110)

    def _insert(self, section: str, text: str) -> None:
        path = DOCS / self.page
        begin, end = f"<!-- {section} -->", f"<!-- /{section} -->"
        before, rest = path.read_text().split(begin)
        _, after = rest.split(end)
        path.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def arguments(name: str, about: str | None) -> argparse.ArgumentParser:
    """Return a parser of what every benchmark takes; `about` is its module's docstring."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--write", action="store_true", help="into the documentation as well")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    return parser


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def seconds(value: float | None) -> str:
    """A time with three digits in its natural unit."""
    if value is None:
        return "–"
    units = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
    scale, unit = next((pair for pair in units if value >= pair[0]), units[-1])
    return f"{value / scale:.3g} {unit}"
