"""Services of the routes, created once per process."""

from dataclasses import dataclass, field

from dualtrain.api.events.broadcast import Fanout
from dualtrain.api.jobs.queue_eta import Forecast
from dualtrain.api.jobs.timings import Timings
from dualtrain.api.predictions.models import Models
from dualtrain.api.sandbox.pools import Pools
from dualtrain.api.security import Hosts, Key, Keys, Scope, Streams
from dualtrain.api.sweeps.runner import SweepRunner
from dualtrain.api.sweeps.views import SweepReader
from dualtrain.core.settings import Settings
from dualtrain.core.store import (
    Access,
    Checkpoints,
    Counters,
    Documents,
    Exchange,
    JobEdits,
    JobIndex,
    Jobs,
    RedisClient,
    connect,
    connect_async,
)
from dualtrain.core.store.bulk import BulkChanges
from dualtrain.core.store.job_logs import JobLogs
from dualtrain.core.store.sweeps import Sweeps


@dataclass
class Services:
    """Store and exchange behind their own classes.

    What works with the store runs in threads, on one synchronous client. What every request needs before that (session,
    rate, the job of its address), and the stream of events, use one asynchronous client: a way to a thread costs more.
    """

    settings: Settings
    store: RedisClient
    async_store: RedisClient
    jobs: Jobs
    bulk: BulkChanges
    edits: JobEdits
    index: JobIndex
    logs: JobLogs
    documents: Documents
    checkpoints: Checkpoints
    exchange: Exchange
    counters: Counters
    access: Access
    fanout: Fanout
    hosts: Hosts
    forecast: Forecast
    keys: Keys | None
    models: Models
    sweeps: Sweeps
    sweep_reader: SweepReader
    sweep_runner: SweepRunner
    pools: Pools
    timings: Timings
    streams: Streams = field(default_factory=Streams)
    uploads: dict[str, int] = field(default_factory=dict)

    def current(self, key: Key) -> Key | None:
        """Return a caller's key as it is now, None when it may not read any more: it was removed or lost its scope."""
        now = key if self.keys is None else self.keys.of_digest(key.sha256)
        return now if now is not None and now.may(Scope.READ) else None

    @classmethod
    def of(cls, settings: Settings) -> "Services":
        """Return the services for these settings. Raises ValueError when a public server would have no keys."""
        settings.refuse_strangers()
        store, reader = connect(settings.redis_url), connect_async(settings.redis_url)
        jobs, documents, checkpoints = Jobs(store), Documents(store), Checkpoints(store)
        sweeps = Sweeps(store)
        pools = Pools.of(settings)
        return cls(
            settings=settings,
            store=store,
            async_store=reader,
            jobs=jobs,
            bulk=BulkChanges(store),
            edits=JobEdits(store),
            index=JobIndex(store),
            forecast=Forecast(jobs, settings.concurrent_jobs),
            logs=JobLogs(store),
            documents=documents,
            checkpoints=checkpoints,
            exchange=Exchange(connect(settings.exchange_url)),
            counters=Counters(store),
            access=Access(reader),
            fanout=Fanout(reader),
            hosts=Hosts.of([settings.host, *settings.allowed_hosts]),
            keys=Keys(settings.api_keys_file) if settings.api_keys_file else None,
            models=Models(jobs, checkpoints, documents, settings.data_dir),
            sweeps=sweeps,
            sweep_reader=SweepReader(sweeps, jobs, documents),
            sweep_runner=SweepRunner(sweeps, jobs, documents, settings),
            pools=pools,
            timings=Timings(pools.measurements),
        )

    async def close(self) -> None:
        """End the child processes and close all connections."""
        await self.pools.close()
        await self.async_store.aclose()
        self.store.close()
        self.exchange.server.close()
