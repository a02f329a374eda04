"""Who stands by while a job's rounds are made."""

from collections.abc import Sequence
from typing import Protocol

from dualtrain.core.scheduling import Lane
from dualtrain.core.store import Failure


class Watcher(Protocol):
    """Says whether a job's rounds go on, and hears how they go."""

    def check(self) -> None:
        """Raise what ends the rounds, when the job must stop."""

    def working(self) -> None:
        """Hear that a shard's rows came."""

    def waiting(self) -> None:
        """Hear that a shard is late and no worker there."""

    def refused(self, failure: Failure) -> None:
        """Hear that a shard was refused by as many processes as there are workers."""

    def sent_again(self, step: int, shard: int, code: str, message: str) -> None:
        """Hear that shards of a round are sent again, `shard` the first of them, and why."""

    def measured(self, seconds: float, lanes: Sequence[Lane]) -> None:
        """Hear that a round was measured: how long it took in all, and what its shards were."""
