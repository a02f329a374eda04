"""What runs of jobs work with: the store's parts, the exchange, the way to the workers."""

from dataclasses import dataclass

from dualtrain.api.aggregator.dispatch import Dispatcher
from dualtrain.core.settings import Settings
from dualtrain.core.store import Checkpoints, Counters, Documents, Exchange, Jobs, Leases, Server, connect


@dataclass(frozen=True)
class Services:
    """One of each, shared by the jobs of a process."""

    settings: Settings
    store: Server
    jobs: Jobs
    leases: Leases
    checkpoints: Checkpoints
    documents: Documents
    counters: Counters
    exchange: Exchange
    dispatcher: Dispatcher

    @classmethod
    def open(cls, settings: Settings) -> "Services":
        """Return the services that `settings` name; connections are opened when they are used."""
        store, exchange = connect(settings.redis_url), Exchange(connect(settings.exchange_url))
        kept = (Jobs(store), Leases(store), Checkpoints(store), Documents(store), Counters(store))
        return cls(settings, store, *kept, exchange, Dispatcher(settings, exchange))
