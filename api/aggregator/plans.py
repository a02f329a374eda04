"""How a job's rounds are sent, and what of the next one is done before it begins: its messages, even its tasks."""

import statistics
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dualtrain.api.aggregator.dispatch import Dispatcher, Messages
from dualtrain.core.loop import Training
from dualtrain.core.scheduling import Planner
from dualtrain.core.store import AWAIT_SECONDS, Lease, Round
from dualtrain.core.store.broker import ShardTask

SHORT_SECONDS = AWAIT_SECONDS / 2
"""Rounds up to this long are sent ahead: a process that is done with one may wait for the next."""
AHEAD_TASKS = 8
"""Rounds of more tasks are not sent ahead: it saves the way of one, and many that begin at once crowd the exchange."""


@dataclass(frozen=True)
class RoundPlan:
    """How the round at `step` is sent: the units of each shard. The first `tasks` are queued, the others offered."""

    lease: Lease
    step: int
    shards: Sequence[range]
    tasks: int

    @property
    def offered(self) -> int:
        """How many shards are offered at first."""
        return max(0, len(self.shards) - self.tasks)

    def task(self, shard: int, offered: int) -> ShardTask:
        """Return the task for a shard; so many of the round are `offered` beside it."""
        units, lease = self.shards[shard], self.lease
        return ShardTask(
            lease.job_id, lease.token, self.step, shard, len(self.shards), units.start, units.stop, offered
        )

    def queued(self) -> list[ShardTask]:
        """Return the tasks that go to the queue at first."""
        return [self.task(shard, self.offered) for shard in range(len(self.shards) - self.offered)]


@dataclass
class Plans:
    """The plans of a job's rounds. `alone` says whether no other job wants the workers: then processes may wait for it.

    `workers` is how many are planned for; `durations` are those of the last rounds, in seconds.
    """

    lease: Lease
    training: Training
    planner: Planner
    dispatcher: Dispatcher
    alone: Callable[[], bool]
    workers: int = 1
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=31))
    ahead: RoundPlan | None = None
    """The newest plan that was made before its round. It stays: of what was sent, void tasks may be computed yet."""
    counted_on: bool = False
    """Whether the tasks of `ahead` are on their way or wait for their round, as far as is known."""
    _messages: Messages = field(default_factory=dict)

    def of(self, step: int) -> RoundPlan:
        """Return how the round at `step` is sent: as it was planned ahead, or else anew."""
        if self.ahead is not None and self.ahead.step == step:
            return self.ahead
        rounds = self.training.rounds
        cut = self.planner.cut(rounds.units(step), self.workers)
        return RoundPlan(self.lease, step, rounds.shards(step, cut.shares), cut.tasks)

    def sent(self, plan: RoundPlan) -> bool:
        """Return whether the tasks of a plan went along with the round before."""
        return plan is self.ahead and self.counted_on

    def begin(self, round_: Round, queued: Sequence[ShardTask], offered: Sequence[ShardTask], next_step: int) -> None:
        """Send a round for the first time, and the tasks of the next one along with it."""
        made, self._messages = self._messages, {}
        ahead = self._ahead(next_step)
        self.dispatcher.send(self.lease.job_id, round_, [*queued, *ahead], offered, made=made)

    def again(self, round_: Round, queued: Sequence[ShardTask], offered: Sequence[ShardTask], next_step: int) -> None:
        """Send tasks of a round anew. Those of the next one are void: who waits for it is needed in this one."""
        self.counted_on = False
        self.dispatcher.send(self.lease.job_id, round_, queued, offered, withdrawn=next_step)

    def _ahead(self, step: int) -> list[ShardTask]:
        """Return what is to be sent of the round at `step` now: all that is queued, or nothing."""
        self.counted_on = False
        short = self.durations and statistics.median(self.durations) < SHORT_SECONDS
        if not (self.alone() and short and step < self.training.total_steps):
            return []
        self.ahead = self.of(step)
        self.counted_on = self.ahead.tasks <= AHEAD_TASKS
        return self.ahead.queued() if self.counted_on else []

    def make_ahead(self, step: int) -> None:
        """Make the messages of the round at `step`, unless they were sent: for many workers that takes a while."""
        if self.durations and not self.counted_on and step < self.training.total_steps:
            self.ahead = self.of(step)
            self._messages = self.dispatcher.messages(self.ahead.queued())
