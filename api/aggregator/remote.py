"""A training's rounds, computed by the workers: shared among them, or in bundles on one of them."""

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from dualtrain.api.aggregator.control import JobControl
from dualtrain.api.aggregator.dispatch import AWAY, Link
from dualtrain.api.aggregator.recorder import Notices
from dualtrain.api.aggregator.round import Round, Timeouts
from dualtrain.core.evaluation import Evaluation
from dualtrain.core.loop import Training
from dualtrain.core.rounds import State, bundle_vector
from dualtrain.core.scheduling import Choice, Lane, Planner
from dualtrain.core.store import BundleResult, Counters, RoundMessage
from dualtrain.core.store.broker import Kind, Task


@dataclass
class RemoteRounds:
    """Begins rounds and evaluations on the workers."""

    training: Training
    link: Link
    control: JobControl
    notices: Notices
    planner: Planner
    counters: Counters
    timeouts: Timeouts = Timeouts()
    lanes: list[Lane] = field(default_factory=list)
    """The tasks of the last round or bundle."""
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=31))
    evaluation_durations: deque[float] = field(default_factory=lambda: deque(maxlen=31))

    def begin(self, state: State, *, evaluate: bool, stop: int | None) -> "_Work":
        """Send what follows a state to the workers: its evaluation if asked for, and rounds up to step `stop`."""
        rounds = self.training.rounds
        choice = self.planner.choose(rounds.units(state.step), self.link.workers) if stop is not None else None
        tasks = self._tasks(state, choice, stop or state.step, evaluate)
        vector = bundle_vector(state) if choice is None or choice.is_bundle else rounds.vector(state)
        message = RoundMessage(self.control.lease.token, state.step, vector)
        seconds = self.timeouts.deadline(self.durations) if choice else 0.0
        seconds += self.timeouts.deadline(self.evaluation_durations) if evaluate else 0.0
        round_ = Round(self.link, self.control, self.notices, message, tasks, seconds, self.timeouts)
        work = _Work(self, state, tasks, round_)
        if tasks:
            round_.begin()
        return work

    def _tasks(self, state: State, choice: Choice | None, stop: int, evaluate: bool) -> list[Task]:
        """Return the evaluation first: it is the longest task, and shards balance what is left."""
        ranges: list[tuple[Kind, int, int]] = []
        if choice is not None and choice.is_bundle:
            ranges.append((Kind.BUNDLE, state.step, stop))
        elif choice is not None:
            shards = self.training.rounds.shards(state.step, choice.shares)
            ranges += [(Kind.SHARD, units.start, units.stop) for units in shards]
        if evaluate:
            ranges.append((Kind.EVALUATION, 0, 0))
        lease = self.control.lease
        tasks = [
            Task(lease.job_id, lease.token, state.step, shard, len(ranges), *part) for shard, part in enumerate(ranges)
        ]
        return [*tasks[-1:], *tasks[:-1]] if evaluate else tasks

    def count_workers(self) -> None:
        """Count the workers, and those at other jobs. While none can be seen, rounds are planned for as before."""
        with suppress(*AWAY):
            workers = self.link.exchange.workers()
            self.link.workers = len(workers) or self.link.workers
            busy_with = [worker.doing.job for worker in workers if worker.doing]
            self.planner.observe(sum(job_id != self.control.lease.job_id for job_id in busy_with))


class _Work:
    """A state's evaluation and the rounds after it, computed by workers."""

    def __init__(self, remote: RemoteRounds, state: State, tasks: Sequence[Task], round_: Round) -> None:
        self._remote = remote
        self._state = state
        self._evaluations = [task.shard for task in tasks if task.kind is Kind.EVALUATION]
        self._shards = sorted(task.shard for task in tasks if task.kind is not Kind.EVALUATION)
        self._is_bundle = any(task.kind is Kind.BUNDLE for task in tasks)
        self._round = round_
        self._started = perf_counter()

    def evaluation(self) -> Evaluation:
        """Return the evaluation of the state."""
        (evaluation,) = self._round.gather(self._evaluations)
        lanes = [lane for lane in self._round.lanes if lane.shard in self._evaluations]
        self._remote.evaluation_durations.extend(lane.seconds for lane in lanes)
        return evaluation  # type: ignore[no-any-return]

    def rounds(self) -> tuple[State, Sequence[Mapping[str, Any]]]:
        """Return the state after the round or bundle, and the figures at the recorded steps up to it."""
        results = self._round.gather(self._shards)
        seconds = perf_counter() - self._started
        remote = self._remote
        remote.lanes = [lane for lane in self._round.lanes if lane.shard in self._shards]
        remote.durations.append(seconds)
        if self._is_bundle:
            return self._after_bundle(results[0], seconds)
        state = remote.training.rounds.advance(self._state, [row for rows in results for row in rows])
        if not self._evaluations:
            remote.planner.learn_shared(remote.lanes, seconds)
        self._count(1, seconds)
        return state, remote.training.recorded(self._state.step, state)

    def _after_bundle(self, result: BundleResult, seconds: float) -> tuple[State, Sequence[Mapping[str, Any]]]:
        before, optimizers = self._state, len(self._state.optimizer)
        parameters, *others = result.vectors
        state = replace(
            before,
            parameters=parameters,
            optimizer=tuple(others[:optimizers]),
            outer=tuple(others[optimizers:]),
            **_added(before, result.figures),
        )
        count = self._remote.training.rounds_between(before.step, state.step)
        if not self._evaluations:
            self._remote.planner.learn_bundle(self._remote.lanes[0], count, seconds)
        self._count(count, seconds)
        return state, [_added(before, point) for point in result.points]

    def _count(self, rounds: int, seconds: float) -> None:
        counters = self._remote.counters
        counters.add("dualtrain_rounds_total", value=rounds)
        counters.observe("dualtrain_round_seconds", seconds / rounds, times=rounds)


_TOTALS = ("samples_seen", "passes", "evaluations")


def _added(before: State, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures of a bundle, whose totals count from 0 and whose cosine is unknown until one is measured."""
    totals = {name: getattr(before, name) + figures[name] for name in _TOTALS}
    cosine = before.cosine if figures["cosine"] is None else figures["cosine"]
    return {**figures, **totals, "cosine": cosine}
