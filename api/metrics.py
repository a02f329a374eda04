"""Metrics of `/metrics`: gauges of the contents of store and exchange, and the counters of all processes."""

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dualtrain.api.services import Services
from dualtrain.core.job import Status
from dualtrain.core.runtime.times import now, seconds_between

Labels = tuple[tuple[str, str], ...]

HELP = {
    "dualtrain_request_seconds": "Time from a request's head to the end of its answer",
    "dualtrain_prediction_seconds": "Time of a prediction",
    "dualtrain_round_seconds": "Time of a round: dispatch, gather, update",
    "dualtrain_shard_seconds": "Time that a worker computed a shard",
    "dualtrain_retries_total": "Shards that were sent again, by reason",
    "dualtrain_passes_total": "Forward passes with a tangent: one direction for one batch counts 1",
    "dualtrain_rounds_total": "Rounds that were completed",
}
"""Name -> help, for the counters and histograms that processes add to."""


class Measures(Collector):
    """Collects at each scrape."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield from self._gauges()
        yield from counted(self._services.counters.read())

    def _gauges(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("dualtrain_jobs", "Jobs by status", labels=["status"])
        for status in Status:
            jobs.add_metric([status.value], self._services.jobs.count(status))
        yield jobs
        yield GaugeMetricFamily("dualtrain_queue_length", "Jobs that wait", self._services.jobs.count(Status.QUEUED))
        yield GaugeMetricFamily("dualtrain_queue_wait_seconds", "Age of the job that waits longest", self._wait())
        workers = self._services.exchange.workers()
        yield GaugeMetricFamily("dualtrain_workers", "Worker processes that are alive", len(workers))
        listeners = self._services.fanout.listeners
        yield GaugeMetricFamily("dualtrain_event_listeners", "Open event streams of this process", listeners)

    def _wait(self) -> float:
        """Return the age of the oldest job that waits, in seconds; 0 when none does."""
        jobs = self._services.jobs
        waiting = jobs.oldest(Status.QUEUED)
        if waiting is None:
            return 0.0
        return max(0.0, seconds_between(waiting.created_at, now()))


def counted(counters: dict[tuple[str, Labels], float]) -> Iterator[Metric]:
    """Yield the metrics of counters: those that end in `_bucket` and `_sum` are histograms."""
    values: dict[str, dict[Labels, float]] = defaultdict(dict)
    for (name, labels), value in counters.items():
        values[name][labels] = value
    for name in sorted(values):
        if name.endswith("_bucket"):
            yield _histogram(name.removesuffix("_bucket"), values)
        elif not name.endswith("_sum"):
            yield _counter(name, values[name])


def _counter(name: str, series: dict[Labels, float]) -> Metric:
    metric = CounterMetricFamily(name, HELP.get(name, name), labels=[label for label, _ in next(iter(series))])
    for labels, value in series.items():
        metric.add_metric([value_ for _, value_ in labels], value)
    return metric


def _histogram(name: str, values: dict[str, dict[Labels, float]]) -> Metric:
    buckets: dict[Labels, dict[str, float]] = defaultdict(dict)
    for labels, value in values[f"{name}_bucket"].items():
        rest = tuple(pair for pair in labels if pair[0] != "le")
        buckets[rest][dict(labels)["le"]] = value
    metric = HistogramMetricFamily(name, HELP.get(name, name), labels=[label for label, _ in next(iter(buckets))])
    # The same bounds for all: sums over series that lack some would not grow with the bound.
    bounds = sorted({"+Inf"}.union(*buckets.values()), key=float)
    for rest, counts in buckets.items():
        total = values[f"{name}_sum"].get(rest, 0.0)
        metric.add_metric([value for _, value in rest], _summed(counts, bounds), total)
    return metric


def _summed(counts: dict[str, float], bounds: list[str]) -> list[tuple[str, float]]:
    """Return the buckets as Prometheus wants them: each with all that are below it, the last is `+Inf`."""
    total, buckets = 0.0, []
    for bound in bounds:
        total += counts.get(bound, 0.0)
        buckets.append((bound, total))
    return buckets
