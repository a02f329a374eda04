"""Everything that Redis holds: the store keeps jobs, checkpoints, events; the exchange may vanish at any time."""

from core.store.access import Access
from core.store.checkpoints import Checkpoint, Checkpoints, Summary, best
from core.store.connection import Server, ServerAway, ServerError, ServerRefusal, connect, connect_async
from core.store.counters import SECONDS, Counters
from core.store.documents import Documents
from core.store.events import Event, replay
from core.store.exchange import AWAIT_SECONDS, EXPIRES_SECONDS, Exchange, Round, Rows, pack, unpack
from core.store.idempotency import Claim, Idempotency, InFlight, Mismatch
from core.store.jobs import ALWAYS, Conflict, Jobs, QueueFull, Told, UnknownJob, read
from core.store.leases import Lease, Leases, Stale
from core.store.webhooks import Webhooks

__all__ = [
    "SECONDS",
    "ALWAYS",
    "AWAIT_SECONDS",
    "EXPIRES_SECONDS",
    "Access",
    "Checkpoint",
    "Checkpoints",
    "Claim",
    "Conflict",
    "Counters",
    "Documents",
    "Event",
    "Exchange",
    "Idempotency",
    "InFlight",
    "Jobs",
    "Lease",
    "Leases",
    "Mismatch",
    "QueueFull",
    "Round",
    "Rows",
    "Server",
    "ServerAway",
    "ServerError",
    "ServerRefusal",
    "Stale",
    "Summary",
    "Told",
    "UnknownJob",
    "Webhooks",
    "best",
    "connect",
    "connect_async",
    "pack",
    "read",
    "replay",
    "unpack",
]
