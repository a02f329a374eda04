"""The rounds of a job, one after the other, and what is put off to the time in which workers compute."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from numpy.typing import NDArray

from dualtrain.api.aggregator.briefing import Briefing
from dualtrain.api.aggregator.dispatch import AWAY
from dualtrain.api.aggregator.plans import Plans
from dualtrain.api.aggregator.round import Gathering
from dualtrain.api.aggregator.saved import Origin
from dualtrain.api.aggregator.watcher import Watcher
from dualtrain.core.rounds import State
from dualtrain.core.scheduling import Lane
from dualtrain.core.store import Exchange, Round


@dataclass
class Gatherer:
    """Makes a job's rounds with the workers."""

    origin: Origin
    plans: Plans
    briefing: Briefing
    exchange: Exchange
    watcher: Watcher
    lanes: list[Lane] = field(default_factory=list)
    pending: deque[Callable[[], None]] = field(default_factory=deque)
    """What is to be told of the rounds so far: done while the workers compute the next one."""

    def measure(self, state: State) -> list[NDArray[Any]]:
        """Return the rows of all units of the round that begins at `state`, in order."""
        started = time.perf_counter()
        gathering = self._gathering(state)
        gathering.begin()
        self.settle()
        self.plans.make_ahead(gathering.next_step)  # while the workers compute
        found = gathering.gather()
        seconds = time.perf_counter() - started
        self.plans.durations.append(seconds)
        self.lanes = gathering.lanes
        self.plans.planner.learn(self.lanes, seconds)
        self.pending.append(partial(self.watcher.measured, seconds, self.lanes))
        return [row for shard in sorted(found) for row in found[shard]]

    def _gathering(self, state: State) -> Gathering:
        plans, rounds = self.plans, self.plans.training.rounds
        round_ = Round(plans.lease.token, state.step, rounds.vector(state))
        next_step = state.step + rounds.length(state.step)
        return Gathering(plans, self.briefing, self.exchange, self.watcher, round_, next_step)

    def look(self) -> None:
        """Count the workers, and those at other jobs. While none can be seen, rounds are planned for as before."""
        with suppress(*AWAY):
            workers = self.exchange.workers()
            self.plans.workers = len(workers) or self.plans.workers
            doing = [worker.doing.job for worker in workers if worker.doing]
            self.plans.planner.look(sum(job_id != self.plans.lease.job_id for job_id in doing))

    def settle(self) -> None:
        """Do what is pending, in order."""
        while self.pending:
            self.pending.popleft()()
