"""Everything that Redis holds. The store keeps jobs, checkpoints, events and tokens; the exchange may vanish at any time."""

from core.store.checkpoints import Checkpoint, Checkpoints, Summary, best
from core.store.connection import connect
from core.store.documents import Documents
from core.store.events import Event, newest, replay
from core.store.exchange import Exchange, Round, Rows, pack, unpack
from core.store.jobs import ALWAYS, Conflict, Jobs, Page, QueueFull, Told, UnknownJob
from core.store.leases import Lease, Leases, Stale

__all__ = [
    "ALWAYS",
    "Checkpoint",
    "Checkpoints",
    "Conflict",
    "Documents",
    "Event",
    "Exchange",
    "Jobs",
    "Lease",
    "Leases",
    "Page",
    "QueueFull",
    "Round",
    "Rows",
    "Stale",
    "Summary",
    "Told",
    "UnknownJob",
    "best",
    "connect",
    "newest",
    "pack",
    "replay",
    "unpack",
]
