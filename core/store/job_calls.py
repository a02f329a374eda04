"""Keys and arguments of the scripts that change jobs, for one job or for many."""

import json
from collections.abc import Iterable, Mapping
from secrets import token_hex
from typing import Any

from dualtrain.core.job import ENDED, SOURCES, Reason, Status, Transition
from dualtrain.core.runtime.times import now
from dualtrain.core.store import keys
from dualtrain.core.store.leases import Lease


def move_call(
    job_id: str,
    to: Status,
    reason: Reason | None,
    lease: Lease | None = None,
    only_from: Status | None = None,
    fields: Mapping[str, Any] | None = None,
) -> tuple[list[str], list[Any]]:
    """Return keys and arguments of the script that changes a job's status."""
    record = Transition(status=to, at=now(), reason=reason)
    written = {**(fields or {}), "status_reason": reason.model_dump() if reason else None}
    if to in ENDED:
        written["finished_at"] = record.at
    arguments = [
        job_id,
        to.value,
        alternatives(SOURCES[to] if only_from is None else SOURCES[to] & {only_from}),
        lease.token if lease else "",
        record.model_dump_json(),
        keys.by_status(""),
        token_hex(8),
        *flat(written),
    ]
    own = (keys.transitions(job_id), keys.events(job_id))
    shared = (keys.token(job_id), keys.WEBHOOKS, keys.deliveries(job_id))
    return [keys.job(job_id), keys.QUEUE, *own, keys.EVENTS, *shared], arguments


def delete_call(job_id: str) -> tuple[list[str], list[Any]]:
    """Return keys and arguments of the script that deletes a job."""
    names = (keys.deliveries, keys.checkpoints, keys.transitions, keys.history, keys.events, keys.token, keys.job_log)
    shared = [keys.JOBS, keys.CHANGES, keys.WEBHOOKS, keys.USAGE]
    arguments = [job_id, keys.by_status(""), keys.checkpoint(job_id, "")]
    return [keys.job(job_id), *shared, *(name(job_id) for name in names)], arguments


def webhook_events(spec: Mapping[str, Any]) -> str:
    """Return the events that a job's webhook is called for, as the scripts search them: `|started|ended|`."""
    return f"|{'|'.join(spec.get('webhook_events', ('ended',)))}|" if spec.get("webhook_url") else ""


def flat(fields: Mapping[str, Any]) -> list[str]:
    """Return names and JSON values, one after the other."""
    return [part for name, value in fields.items() for part in (name, json.dumps(value))]


def alternatives(statuses: Iterable[Status]) -> str:
    """Return statuses as the scripts search them: `|paused|running|`."""
    return "|" + "|".join(sorted(statuses)) + "|"
