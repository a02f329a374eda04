"""Scheduling of a job's rounds, from their measured costs. The choice never changes a bit of the result.

A round is either shared, cut into shards that workers compute side by side, or one of a bundle of rounds that a single
worker computes in a row.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

BUNDLE_SECONDS = 0.08
"""How long a bundle computes: fifty times what a task costs, and short enough for a pause within 0.3 s."""
WEIGHT = 0.1
"""Weight of the newest round in the running means."""
COLD_ROUNDS = 3
"""The first rounds load code and data: the time of each replaces that before, and overheads are not taken from them."""
OBSERVATION_WEIGHT = 0.2
"""Weight of the newest count of workers at other jobs; there is one with each report."""
TASK_SECONDS = 0.0015
"""What a round or bundle costs besides computing, before it was measured."""
SHARD_SECONDS = 0.0005
"""What one more shard of a round costs the aggregator: a message sent, and one read (measured)."""
SMALLEST_SECONDS = 0.005
"""What the smallest shard of a round that is cut into more shards than workers computes, ten times its cost."""
FIRST_WAVE = 0.75
"""How much of a round the first shard of each worker has, where there are more shards than workers."""
FORGET = 0.03
"""How far each bundle takes the measured cost of sharing back to the assumed one, so that it is tried again."""


class Lane(NamedTuple):
    """Record of one task of a round: its worker, its duration, its retries."""

    shard: int
    worker: str
    seconds: float
    retries: int


@dataclass(frozen=True)
class Choice:
    """Choice for the next round: shards with these shares of its work, or a bundle when there are none."""

    shares: tuple[float, ...]

    @property
    def is_bundle(self) -> bool:
        """True if one worker computes this round and those after it."""
        return not self.shares


BUNDLE = Choice(())


def taper(workers: int, waves: int) -> Choice:
    """Return shares in waves of one for each worker: the first has `FIRST_WAVE` of the work, later ones half the rest.

    Factoring (Hummel, Schonberg and Flynn 1992): workers of any speed end within about one small shard of each other.
    """
    rest = 1 - FIRST_WAVE if waves > 1 else 0.0
    work = [1 - rest]
    for _ in range(waves - 2):
        rest /= 2
        work.append(rest)
    if waves > 1:
        work.append(rest)
    return Choice(tuple(share / workers for share in work for _ in range(workers)))


@dataclass
class Planner:
    """Running means of what rounds cost, and the choice that follows from them.

    `requested` is the spec's number of shards, None for `auto`. `compute_seconds` is what all units of a round take one
    worker; `bundle_overhead` and `share_overhead` what a bundle and a shared round take besides computing, the cost of
    more than one shard aside; `elsewhere` is the mean number of workers at other jobs.
    """

    requested: int | None
    compute_seconds: float | None = None
    bundle_overhead: float = TASK_SECONDS
    share_overhead: float = TASK_SECONDS
    elsewhere: float = 0.0
    measured: int = 0
    reasons: list[str] = field(default_factory=list)

    def choose(self, units: int, workers: int) -> Choice:
        """Return how the next round is computed, of `units` by this many workers. `reasons` says why."""
        if self.requested is not None:
            self.reasons = [f"the spec asks for {self.requested} shards; the round has {units} blocks"]
            return taper(max(1, min(self.requested, units)), 1)
        free = max(1, round(workers - self.elsewhere))
        if self.compute_seconds is None:
            self.reasons = [f"not measured yet: one shard for each of {free} workers"]
            return taper(min(units, free), 1)
        sharing = min(range(1, min(units, free) + 1), key=self.shared_seconds)
        shared, alone = self.shared_seconds(sharing), self.bundled_seconds()
        self.reasons = [
            f"a round computes {self.compute_seconds * 1e3:.2f} ms",
            f"of {workers} workers {self.elsewhere:.1f} are at other jobs, so {free} are counted on",
            f"shared by {sharing} it takes {shared * 1e3:.2f} ms, in a bundle {alone * 1e3:.2f} ms",
        ]
        if alone <= shared:
            self.reasons.append(f"so one worker computes rounds for {BUNDLE_SECONDS * 1e3:.0f} ms at a time")
            return BUNDLE
        waves = self._waves(units, sharing)
        self.reasons.append(f"so it is cut into {sharing * waves} shards")
        return taper(sharing, waves)

    def shared_seconds(self, workers: int) -> float:
        """Return the estimated time of a round that is shared by this many workers."""
        return (self.compute_seconds or 0.0) / workers + self.share_overhead + SHARD_SECONDS * (workers - 1)

    def bundled_seconds(self) -> float:
        """Return the estimated time of a round in a bundle."""
        compute = self.compute_seconds or 0.0
        rounds = max(1.0, BUNDLE_SECONDS / compute) if compute else 1.0
        return compute + self.bundle_overhead / rounds

    def round_seconds(self, choice: Choice, workers: int) -> float:
        """Return the estimated time of a round that is computed so by this many workers."""
        if choice.is_bundle:
            return self.bundled_seconds()
        more = SHARD_SECONDS * (len(choice.shares) - 1)
        return (self.compute_seconds or 0.0) / min(len(choice.shares), max(1, workers)) + self.share_overhead + more

    def _waves(self, units: int, workers: int) -> int:
        """Return the most waves that have no shard below `SMALLEST_SECONDS`, and units for all shards."""
        compute, waves = self.compute_seconds or 0.0, 1
        while workers > 1 and workers * (waves + 1) <= units:
            if taper(workers, waves + 1).shares[-1] * compute < SMALLEST_SECONDS:
                break
            waves += 1
        return waves

    def observe(self, elsewhere: int) -> None:
        """Update the mean number of workers at other jobs."""
        self.elsewhere = _mean(self.elsewhere, elsewhere, OBSERVATION_WEIGHT)

    def learn_shared(self, lanes: Sequence[Lane], seconds: float) -> None:
        """Take a shared round into the means: what its shards computed, and how long it took in all."""
        busy = defaultdict[str, float](float)
        for lane in lanes:
            busy[lane.worker] += lane.seconds
        overhead = max(0.0, seconds - max(busy.values()) - SHARD_SECONDS * (len(lanes) - 1))
        if self.measured >= COLD_ROUNDS:
            self.share_overhead = _mean(self.share_overhead, overhead)
        self._learn_compute(sum(busy.values()))

    def learn_bundle(self, lane: Lane, rounds: int, seconds: float) -> None:
        """Take a bundle into the means: what it computed, and how long it took in all."""
        if self.measured >= COLD_ROUNDS:
            self.bundle_overhead = _mean(self.bundle_overhead, max(0.0, seconds - lane.seconds))
        self.share_overhead = _mean(self.share_overhead, max(TASK_SECONDS, self.bundle_overhead), FORGET)
        self._learn_compute(lane.seconds / rounds)

    def _learn_compute(self, seconds: float) -> None:
        known = self.compute_seconds
        self.compute_seconds = seconds if known is None or self.measured < COLD_ROUNDS else _mean(known, seconds)
        self.measured += 1


def _mean(before: float, newest: float, weight: float = WEIGHT) -> float:
    return before + weight * (newest - before)
