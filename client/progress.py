"""A job's progress in the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn
from rich.table import Column

from dualtrain.client.events import Event
from dualtrain.core.job import Job

Show = Callable[[Event], None]

NARROW = 80
"""Terminals with fewer columns show no bar."""
_RESERVED = 9
"""Characters of the percentage and of the gaps between columns."""
_BAR = 12
FORMS = {"loss": "loss {:.4f}", "test_accuracy": "test {:.2%}", "passes": "{:,} passes"}


@contextmanager
def bar(job: Job, *, visible: bool = True) -> Iterator[Show]:
    """Yield a function that shows an event: as a bar in a terminal, as lines elsewhere."""
    console = Console(stderr=True, highlight=False)
    figures = Figures()
    if not visible or not console.is_terminal:
        yield partial(_line, console, figures) if visible else lambda event: None
        return
    with Progress(*_columns(console.width), console=console, expand=True, transient=True) as progress:
        task = progress.add_task(job.status.value, total=job.progress.total_steps, figures="", left="")

        def show(event: Event) -> None:
            figures.take(event)
            known = figures.known
            progress.update(
                task,
                description=figures.status or job.status.value,
                completed=known.get("step"),
                total=known.get("total_steps"),
                figures=figures.fitting(console.width),
                left=figures.left,
            )

        yield show


def _columns(width: int) -> list[ProgressColumn]:
    """Return the columns: status, percentage and time left are never cut, the figures give way first."""
    status = TextColumn("[bold]{task.description}", table_column=Column(no_wrap=True))
    percentage = TaskProgressColumn(table_column=Column(no_wrap=True, min_width=4))
    left = TextColumn("{task.fields[left]}", table_column=Column(no_wrap=True))
    figures = TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True))
    if width < NARROW:
        return [status, percentage, left, figures]
    return [status, BarColumn(bar_width=None), percentage, left, figures]


class Figures:
    """The latest figures of a job, collected from its events."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {"status": ""}

    def take(self, event: Event) -> None:
        """Update the figures from an event."""
        self.known |= {name: value for name, value in event.data.items() if value is not None}
        if event.type == "status":
            self.known["reason"] = event.data.get("reason")

    @property
    def status(self) -> str:
        """The status, or the reason why a running job makes no steps."""
        reason, status = self.known.get("reason"), self.known["status"]
        return str(reason["code"] if reason and status == "running" else status).replace("_", " ")

    @property
    def left(self) -> str:
        """The service's own estimate of the remaining time, empty while unknown."""
        seconds = self.known.get("eta_seconds")
        return "" if seconds is None or self.status != "running" else f"{duration(seconds)} left"

    def fitting(self, width: int) -> str:
        """Return as many figures as have room beside status, percentage and time left in a terminal's width."""
        room = width - len(self.status) - len(self.left) - _RESERVED - (_BAR if width >= NARROW else 0)
        parts = self.text.split("  ")
        while parts and len("  ".join(parts)) > room:
            parts.pop()
        return "  ".join(parts)

    @property
    def text(self) -> str:
        """Loss, test accuracy and passes, as far as known."""
        return "  ".join(form.format(self.known[name]) for name, form in FORMS.items() if name in self.known)


def duration(seconds: float) -> str:
    """Return seconds for reading: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _line(console: Console, figures: Figures, event: Event) -> None:
    before = figures.status
    figures.take(event)
    if event.type == "evaluation":
        console.print(f"step {event.data['step']}/{figures.known.get('total_steps', '?')}  {figures.text}")
    elif figures.status != before:
        console.print(figures.status)
