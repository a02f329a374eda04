"""How many shards a round has, from what rounds cost so far. The choice never changes a bit of the result."""

from dataclasses import dataclass, field

WEIGHT = 0.1
"""Weight of the newest round in the running means."""
TASK_SECONDS = 0.001
"""What one more task costs before it was measured."""


@dataclass
class Planner:
    """Running means of what a round computes and what its tasks cost. `asked`: the spec's number, None for `auto`."""

    asked: int | None
    compute_seconds: float | None = None
    task_seconds: float = TASK_SECONDS
    reasons: list[str] = field(default_factory=list)

    def shards(self, units: int, workers: int) -> int:
        """Return the number of shards for a round of `units`: never more than there are units."""
        if self.asked is not None:
            self.reasons = [f"the spec asks for {self.asked} shards; the round has {units} blocks"]
            return max(1, min(self.asked, units))
        most = max(1, min(units, workers))
        if self.compute_seconds is None:
            self.reasons = [f"not measured yet: one shard for each of {workers} workers"]
            return most
        chosen = min(range(1, most + 1), key=self.round_seconds)
        self.reasons = [
            f"a round computes {self.compute_seconds * 1e3:.2f} ms, a task costs {self.task_seconds * 1e3:.2f} ms",
            f"{chosen} of at most {most} shards (blocks {units}, workers {workers}) is the fastest by that estimate",
        ]
        return chosen

    def round_seconds(self, shards: int) -> float:
        """Return the estimated time of a round with so many shards on as many workers."""
        return (self.compute_seconds or 0.0) / shards + self.task_seconds * shards

    def learn(self, shard_seconds: list[float], round_seconds: float) -> None:
        """Take a finished round into the means: what its shards computed, and how long it took in all."""
        overhead = max(0.0, round_seconds - max(shard_seconds)) / len(shard_seconds)
        total = sum(shard_seconds)
        first = self.compute_seconds is None
        self.compute_seconds = total if first else _mean(self.compute_seconds or 0.0, total)
        self.task_seconds = overhead if first else _mean(self.task_seconds, overhead)


def _mean(before: float, newest: float) -> float:
    return before + WEIGHT * (newest - before)
