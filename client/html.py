"""HTML summaries for notebooks."""

from collections.abc import Iterable, Sequence
from html import escape

from dualtrain.core.job import Job

_WIDTH, _HEIGHT = 360, 90


def summary_html(job: Job, losses: Sequence[float] = ()) -> str:
    """Return a table of a job's state, with the curve of its losses if there are some."""
    metrics = job.metrics
    rows = (
        ("job", f"{job.name} ({job.id})" if job.name else job.id),
        ("status", job.status.value),
        ("step", f"{job.progress.step:,} of {job.progress.total_steps or '?'}"),
        ("loss", "" if metrics.loss is None else f"{metrics.loss:.4f}"),
        ("test accuracy", "" if metrics.test_accuracy is None else f"{metrics.test_accuracy:.2%}"),
    )
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>{curve_svg(losses)}"


def table_html(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with a heading."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def curve_svg(values: Sequence[float]) -> str:
    """Return a line through values at equal distances, "" for fewer than two."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    scale = (_HEIGHT - 4) / ((high - low) or 1.0)
    step = _WIDTH / (len(values) - 1)
    points = " ".join(f"{i * step:.1f},{2 + (high - value) * scale:.1f}" for i, value in enumerate(values))
    label = f"loss from {values[0]:.4f} to {values[-1]:.4f}"
    line = f'<polyline points="{points}" fill="none" stroke="#3b6fd4" stroke-width="1.5"/>'
    return f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{label}">{line}</svg>'
