"""How many shards a round has, from what rounds cost so far. The choice never changes a bit of the result."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

WEIGHT = 0.1
"""Weight of the newest round in the running means."""
LOOK_WEIGHT = 0.2
"""Weight of the newest look at what workers do; there is one with each report."""
TASK_SECONDS = 0.001
"""What one more task costs before it was measured."""
SMALLEST_SECONDS = 0.002
"""What an offered shard computes at least: eight times what it costs to take it (measured)."""
AHEAD = 0.75
"""How much of a round its tasks bring along; the rest is offered to whoever is done."""


class Lane(NamedTuple):
    """What one shard of a round was: who computed it, how long, after how many retries."""

    shard: int
    worker: str
    seconds: float
    retries: int


class Cut(NamedTuple):
    """How a round is cut: the shards' shares of its work, in order. The first `tasks` are sent, the others offered."""

    shares: list[float]
    tasks: int


def taper(tasks: int, waves: int) -> Cut:
    """Cut into waves of a shard for each task: the first has `AHEAD` of the work, each later one half of what is left.

    Factoring (Hummel, Schonberg and Flynn 1992): workers of any speed end within about one small shard of each other.
    """
    left = [(1 - AHEAD) / 2**wave for wave in range(waves - 1)]
    work = [AHEAD, *(one - half for one, half in pairwise([*left, 0.0]))] if waves > 1 else [1.0]
    return Cut([share / tasks for share in work for _ in range(tasks)], tasks)


@dataclass
class Planner:
    """Running means of what a round computes, what its tasks cost, and how many workers are at other jobs.

    `asked` is the spec's number of shards, None for `auto`.
    """

    asked: int | None
    compute_seconds: float | None = None
    task_seconds: float = TASK_SECONDS
    elsewhere: float = 0.0
    reasons: list[str] = field(default_factory=list)

    def cut(self, units: int, workers: int) -> Cut:
        """Return how a round of `units` is cut for so many workers; with fewer units the last shares are left out.

        Jobs that share the workers leave each other their parts: cut for all of them, every round would wait for those
        of the others on each worker.
        """
        if self.asked is not None:
            self.reasons = [f"the spec asks for {self.asked} shards; the round has {units} blocks"]
            return taper(max(1, min(self.asked, units)), 1)
        free = max(1, round(workers - self.elsewhere))
        most = min(units, free)
        if self.compute_seconds is None:
            self.reasons = [f"not measured yet: one shard for each of {free} workers"]
            return taper(most, 1)
        tasks: int = min(range(1, most + 1), key=lambda tasks: self.round_seconds(tasks, free))
        waves = self._waves(units, tasks)
        self.reasons = [
            f"a round computes {self.compute_seconds * 1e3:.2f} ms, a task costs {self.task_seconds * 1e3:.2f} ms",
            f"of {workers} workers {self.elsewhere:.1f} are at other jobs, so {free} are counted on",
            f"{tasks} of at most {most} tasks (blocks {units}, workers {free}) is the fastest by that",
        ]
        if waves > 1:
            self.reasons.append(
                f"they bring {AHEAD:.0%} of the work; the rest, in {waves - 1} waves, is for who is done"
            )
        return taper(tasks, waves)

    def round_seconds(self, tasks: int, workers: int) -> float:
        """Return the estimated time of a round with so many tasks on so many workers."""
        return (self.compute_seconds or 0.0) / min(tasks, max(1, workers)) + self.task_seconds * tasks

    def _waves(self, units: int, tasks: int) -> int:
        """The most waves that have no shard below `SMALLEST_SECONDS`, and units for all shards."""
        compute, waves = self.compute_seconds or 0.0, 1
        while tasks > 1 and tasks * (waves + 1) <= units:
            if taper(tasks, waves + 1).shares[-1] * compute < SMALLEST_SECONDS:
                break
            waves += 1
        return waves

    def look(self, elsewhere: int) -> None:
        """Take into the mean how many workers are at other jobs now."""
        self.elsewhere = _mean(self.elsewhere, elsewhere, LOOK_WEIGHT)

    def learn(self, lanes: Sequence[Lane], round_seconds: float) -> None:
        """Take a finished round into the means: what its shards computed, and how long it took in all."""
        busy = defaultdict[str, float](float)
        for lane in lanes:
            busy[lane.worker] += lane.seconds
        total, longest = sum(busy.values()), max(busy.values())
        overhead = max(0.0, round_seconds - longest) / (self.asked or len(busy))
        first = self.compute_seconds is None
        self.compute_seconds = total if first else _mean(self.compute_seconds or 0.0, total)
        self.task_seconds = overhead if first else _mean(self.task_seconds, overhead)


def _mean(before: float, newest: float, weight: float = WEIGHT) -> float:
    return before + weight * (newest - before)
