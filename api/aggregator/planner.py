"""How many shards a round has, from what rounds cost so far. The choice never changes a bit of the result."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from api.aggregator.report import Lane

WEIGHT = 0.1
"""Weight of the newest round in the running means."""
TASK_SECONDS = 0.001
"""What one more task costs before it was measured."""
WAVES = (2, 4)
"""Shards for each worker that are considered beside one: the next goes to whoever is done, so nobody waits for long."""


@dataclass
class Planner:
    """Running means of what a round computes and of what its tasks cost. `asked`: the spec's number, None for `auto`.

    `wait`: for how much of a shard's time the others wait for the busiest worker at the end of a round.
    """

    asked: int | None
    compute_seconds: float | None = None
    task_seconds: float = TASK_SECONDS
    wait: float = 0.0
    reasons: list[str] = field(default_factory=list)

    def shards(self, units: int, workers: int) -> int:
        """Return the number of shards for a round of `units`: never more than there are units."""
        if self.asked is not None:
            self.reasons = [f"the spec asks for {self.asked} shards; the round has {units} blocks"]
            return max(1, min(self.asked, units))
        workers = max(1, workers)
        if self.compute_seconds is None:
            self.reasons = [f"not measured yet: one shard for each of {workers} workers"]
            return min(units, workers)
        most = [waves * workers for waves in WAVES if waves * workers <= units]
        choices = [*range(1, min(units, workers) + 1), *most]
        chosen: int = min(choices, key=lambda shards: self.round_seconds(shards, workers))
        self.reasons = [
            f"a round computes {self.compute_seconds * 1e3:.2f} ms, a task costs {self.task_seconds * 1e3:.2f} ms, "
            f"the end waits for {self.wait:.0%} of a shard",
            f"{chosen} of at most {choices[-1]} shards (blocks {units}, workers {workers}) is the fastest by that",
        ]
        return chosen

    def round_seconds(self, shards: int, workers: int) -> float:
        """Return the estimated time of a round with so many shards on so many workers."""
        compute = self.compute_seconds or 0.0
        late = self.wait * compute / shards if workers > 1 and shards > 1 else 0.0
        return compute / min(shards, workers) + late + self.task_seconds * shards

    def learn(self, lanes: Sequence[Lane], round_seconds: float) -> None:
        """Take a finished round into the means: what its shards computed, and how long it took in all."""
        busy = defaultdict[str, float](float)
        for lane in lanes:
            busy[lane.worker] += lane.seconds
        total, longest = sum(busy.values()), max(busy.values())
        overhead = max(0.0, round_seconds - longest) / len(lanes)
        first = self.compute_seconds is None
        self.compute_seconds = total if first else _mean(self.compute_seconds or 0.0, total)
        self.task_seconds = overhead if first else _mean(self.task_seconds, overhead)
        if len(busy) > 1 and total > 0:
            self.wait = _mean(self.wait, (longest - total / len(busy)) / (total / len(lanes)))


def _mean(before: float, newest: float) -> float:
    return before + WEIGHT * (newest - before)
