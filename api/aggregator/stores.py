"""Stores of a running job: the parts of the store, the exchange, and the dispatcher of tasks to the workers."""

from dataclasses import dataclass

from dualtrain.api.aggregator.dispatch import Dispatcher
from dualtrain.core.settings import Settings
from dualtrain.core.store import Checkpoints, Counters, Documents, Exchange, Jobs, Leases, RedisClient, connect


@dataclass(frozen=True)
class Stores:
    """One of each, shared by the jobs of a process."""

    settings: Settings
    store: RedisClient
    jobs: Jobs
    leases: Leases
    checkpoints: Checkpoints
    documents: Documents
    counters: Counters
    exchange: Exchange
    dispatcher: Dispatcher

    @classmethod
    def open(cls, settings: Settings) -> "Stores":
        """Return the stores that `settings` name; connections are opened when they are used."""
        store = connect(settings.redis_url)
        return cls(
            settings=settings,
            store=store,
            jobs=Jobs(store),
            leases=Leases(store),
            checkpoints=Checkpoints(store),
            documents=Documents(store),
            counters=Counters(store),
            exchange=Exchange(connect(settings.exchange_url)),
            dispatcher=Dispatcher(settings),
        )
