"""A job's progress in the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from dualtrain.client.events import Event
from dualtrain.core.job import Job

Show = Callable[[Event], None]

FORMS = {"loss": "loss {:.4f}", "test_accuracy": "test {:.2%}", "passes": "{:,} passes"}


@contextmanager
def bar(job: Job, *, shown: bool = True) -> Iterator[Show]:
    """Yield a function that shows an event: a bar with loss, accuracy and passes; where no terminal is, a line."""
    console = Console(stderr=True, highlight=False)
    figures = Figures()
    if not shown or not console.is_terminal:
        yield partial(_line, console, figures) if shown else lambda event: None
        return
    columns = (TextColumn("[bold]{task.description}"), BarColumn(bar_width=None), TaskProgressColumn())
    told = (TextColumn("{task.fields[figures]}"), TimeRemainingColumn(compact=True))
    with Progress(*columns, *told, console=console, expand=True) as progress:
        task = progress.add_task(job.status.value, total=job.progress.total_steps, figures="")

        def show(event: Event) -> None:
            figures.take(event)
            known = figures.known
            progress.update(
                task,
                description=figures.status or job.status.value,
                completed=known.get("step"),
                total=known.get("total_steps"),
                figures=figures.text,
            )

        yield show


class Figures:
    """The newest figures of a job, gathered from its events."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {"status": ""}

    def take(self, event: Event) -> None:
        """Take in what an event tells."""
        self.known |= {name: value for name, value in event.data.items() if value is not None}
        if event.type == "status":
            self.known["reason"] = event.data.get("reason")

    @property
    def status(self) -> str:
        """The status, or while nothing can be seen of it what the job is waiting for."""
        reason, status = self.known.get("reason"), self.known["status"]
        return str(reason["code"] if reason and status == "running" else status).replace("_", " ")

    @property
    def text(self) -> str:
        """Loss, test accuracy and passes, as far as they are known."""
        return "  ".join(form.format(self.known[name]) for name, form in FORMS.items() if name in self.known)


def _line(console: Console, figures: Figures, event: Event) -> None:
    before = figures.status
    figures.take(event)
    if event.type == "evaluation":
        console.print(f"step {event.data['step']}/{figures.known.get('total_steps', '?')}  {figures.text}")
    elif figures.status != before:
        console.print(figures.status)
