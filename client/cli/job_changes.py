"""Commands that change jobs: pause, resume, cancel, delete, clone, retry, extend, edit."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from dualtrain.client.cli.jobs import follow, job_document, pairs
from dualtrain.client.cli.output import AsJson, JobId, Key, Url, connect, out, print_json
from dualtrain.client.cli.training import Assignments
from dualtrain.client.client import URL, Client
from dualtrain.client.job import JobHandle
from dualtrain.client.sweep import SweepHandle
from dualtrain.core.job import Job

JobOrSweep = Annotated[str, typer.Argument(help="Id of a job or a sweep.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Return at once.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (pause, resume, cancel, delete, clone, retry, extend, edit):
        app.command()(command)


def pause(item: JobOrSweep, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Pause a running job or sweep; resuming continues from its checkpoint, with the same bits."""
    _change(item, "pause", as_json, url, key)


def resume(item: JobOrSweep, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Resume a paused job or sweep."""
    _change(item, "resume", as_json, url, key)


def cancel(item: JobOrSweep, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Cancel a job, whose checkpoints stay, or a sweep with its jobs."""
    _change(item, "cancel", as_json, url, key)


def delete(
    items: Annotated[list[str], typer.Argument(help="Ids of ended jobs and sweeps.", show_default=False)],
    url: Url = URL,
    key: Key = None,
) -> None:
    """Delete ended jobs with their checkpoints and history, and ended sweeps with their jobs.

    `dualtrain jobs --status failed --json | jq -r '.[].id' | xargs dualtrain delete`
    """
    with connect(url, key) as client:
        for item in items:
            _handle(client, item).delete()
            out.print(f"{item} deleted")


def clone(
    job_id: JobId,
    assignments: Assignments = None,
    detach: Detach = False,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Queue a new job of the same spec, with changes, and follow it.

    `dualtrain clone job-5f2c9a1be07d --set seed=1`
    """
    from dualtrain.core.overrides import assigned  # it imports NumPy

    try:
        changes = assigned(assignments or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    _start(url, key, as_json, detach, lambda client: client.job(job_id).clone(changes))


def retry(job_id: JobId, detach: Detach = False, as_json: AsJson = False, url: Url = URL, key: Key = None) -> None:
    """Queue a failed or cancelled job again, and follow it: it goes on from its last checkpoint."""

    def requeued(client: Client) -> JobHandle:
        job = client.job(job_id)
        job.retry()
        return job

    _start(url, key, as_json, detach, requeued)


def extend(
    job_id: JobId,
    epochs: Annotated[int | None, typer.Option(min=1, help="New total of epochs.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="New total of steps.")] = None,
    detach: Detach = False,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Train an ended job further, with its optimizer's state, and follow it.

    `dualtrain extend job-5f2c9a1be07d --epochs 3`
    """
    totals = {name: value for name, value in (("epochs", epochs), ("max_steps", max_steps)) if value is not None}
    if not totals:
        raise typer.BadParameter("give a new total: --epochs or --max-steps")

    def extended(client: Client) -> JobHandle:
        job = client.job(job_id)
        job.extend(**totals)
        return job

    _start(url, key, as_json, detach, extended)


def edit(
    job_id: JobId,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="New metadata, in place of all. Repeatable.")
    ] = None,
    priority: Annotated[int | None, typer.Option(min=0, max=9, help="New priority, while the job waits.")] = None,
    as_json: AsJson = False,
    url: Url = URL,
    key: Key = None,
) -> None:
    """Change a job's name or metadata, or its priority while it waits."""
    given: dict[str, Any] = {"name": name, "metadata": pairs(metadata) if metadata else None, "priority": priority}
    with connect(url, key) as client:
        job = client.job(job_id).edit(**{field: value for field, value in given.items() if value is not None})
    print_json(job_document(job)) if as_json else out.print(f"{job.id} {job.name}", markup=False)


def _start(url: str, key: str | None, as_json: bool, detach: bool, begin: Callable[[Client], JobHandle]) -> None:
    """Follow the job that `begin` queues, or print its id with `detach`."""
    with connect(url, key) as client:
        job = begin(client)
        if not detach:
            follow(job, as_json)
        elif as_json:
            print_json(job_document(job.record))
        else:
            out.print(job.id)


def _change(item: str, verb: str, as_json: bool, url: str, key: str | None) -> None:
    with connect(url, key) as client:
        changed = getattr(_handle(client, item), verb)()
    document = job_document(changed) if isinstance(changed, Job) else changed
    print_json(document) if as_json else out.print(f"{item} {document['status']}")


def _handle(client: Client, item: str) -> JobHandle | SweepHandle:
    """Return the job or sweep with this id."""
    return client.get_sweep(item) if item.startswith("sweep-") else client.job(item)
