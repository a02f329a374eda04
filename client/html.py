"""HTML summaries for notebooks."""

from html import escape

from dualtrain.core.job import Job


def summary_html(job: Job) -> str:
    """Return a table of a job's state."""
    metrics = job.metrics
    rows = (
        ("job", f"{job.name} ({job.id})" if job.name else job.id),
        ("status", job.status.value),
        ("step", f"{job.progress.step:,} of {job.progress.total_steps or '?'}"),
        ("loss", "" if metrics.loss is None else f"{metrics.loss:.4f}"),
        ("test accuracy", "" if metrics.test_accuracy is None else f"{metrics.test_accuracy:.2%}"),
    )
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"
