"""Markdown tables and their place in the documentation."""

from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
IMAGES = DOCS / "images"


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


def insert(page: str, section: str, text: str) -> None:
    """Put the text between the comments `<!-- section -->` and `<!-- /section -->` of a page under docs."""
    path = DOCS / page
    begin, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    before, _, rest = path.read_text().partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
