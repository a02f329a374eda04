"""Everything that Redis holds: the store keeps jobs, checkpoints, events; the exchange may vanish at any time."""

from dualtrain.core.store.checkpoints import Checkpoint, Checkpoints, Summary, best
from dualtrain.core.store.connection import (
    RedisClient,
    ServerAway,
    ServerError,
    ServerFull,
    ServerRefusal,
    connect,
    connect_async,
)
from dualtrain.core.store.counters import Counters
from dualtrain.core.store.documents import Documents
from dualtrain.core.store.events import Event, replay
from dualtrain.core.store.exchange import EXPIRES_SECONDS, Exchange
from dualtrain.core.store.idempotency import Claim, Idempotency, InFlight, Mismatch
from dualtrain.core.store.job_edits import JobEdits
from dualtrain.core.store.job_errors import Conflict, QueueFull, Superseded, UnknownJob
from dualtrain.core.store.job_index import JobIndex, JobRow
from dualtrain.core.store.jobs import ALWAYS, JobEvent, Jobs, read_job
from dualtrain.core.store.leases import Lease, Leases, Stale
from dualtrain.core.store.messages import (
    Brief,
    BundleResult,
    Doing,
    Failure,
    RoundMessage,
    RowsMessage,
    Worker,
    pack,
    unpack,
)
from dualtrain.core.store.sessions import Access
from dualtrain.core.store.webhooks import Webhooks

__all__ = [
    "ALWAYS",
    "EXPIRES_SECONDS",
    "Access",
    "Brief",
    "BundleResult",
    "Checkpoint",
    "Checkpoints",
    "Claim",
    "Conflict",
    "Counters",
    "Documents",
    "Doing",
    "Event",
    "Exchange",
    "Failure",
    "Idempotency",
    "InFlight",
    "JobEdits",
    "JobIndex",
    "JobRow",
    "Jobs",
    "Lease",
    "Leases",
    "Mismatch",
    "QueueFull",
    "RoundMessage",
    "RowsMessage",
    "RedisClient",
    "ServerAway",
    "ServerError",
    "ServerFull",
    "ServerRefusal",
    "Stale",
    "Summary",
    "Superseded",
    "JobEvent",
    "UnknownJob",
    "Webhooks",
    "Worker",
    "best",
    "connect",
    "connect_async",
    "pack",
    "read_job",
    "replay",
    "unpack",
]
