"""Plans of rounds: made ahead they stay as they are, and their messages are used once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dualtrain.api.aggregator.dispatch import Dispatcher
from dualtrain.api.aggregator.plans import AHEAD_TASKS, SHORT_SECONDS, Plans
from dualtrain.core.data import load
from dualtrain.core.loop import Training
from dualtrain.core.scheduling import Planner
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Exchange, Lease, Round
from dualtrain.core.store.broker import ShardTask

SPEC = {"gradient": {"method": "finite-difference"}, "max_steps": 3, "dataset": {"train_limit": 640}}


NEXT = [ShardTask("j", 4, 0, 0, 1, 0, 1)]


@dataclass
class Sent:
    """What the dispatcher was asked to send, newest last: the tasks, messages made before, what is withdrawn."""

    tasks: list[list[ShardTask]] = field(default_factory=list)
    made: list[Mapping[ShardTask, str]] = field(default_factory=list)
    withdrawn: list[int | None] = field(default_factory=list)


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def plans(settings: Settings, exchange: Any, data_dir: Path, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> Plans:
    training = Training(JobSpec.model_validate(SPEC), load("mnist", 12, data_dir, ()))
    dispatcher = Dispatcher(settings, Exchange(exchange))

    def send(_job: str, _round: Round, tasks: Sequence[ShardTask], _offered: Any, **more: Any) -> None:
        sent.tasks.append(list(tasks))
        sent.made.append(more.get("made", {}))
        sent.withdrawn.append(more.get("withdrawn"))

    monkeypatch.setattr(dispatcher, "send", send)
    return Plans(Lease("j", 4), training, Planner(None), dispatcher, alone=lambda: True, workers=2)


def begin(plans: Plans, step: int) -> None:
    plans.begin(Round(4, step, np.zeros(1)), NEXT, [], step + 1)


def test_the_units_of_a_round_are_planned_once_each(plans: Plans) -> None:
    plan = plans.of(0)
    assert len(plan.queued()) == plan.tasks == 2
    assert [unit for shard in plan.shards for unit in shard] == list(range(plans.training.rounds.units(0)))


def test_a_plan_made_ahead_stays_whatever_is_learned_meanwhile(plans: Plans, sent: Sent) -> None:
    plans.durations.append(1.0)
    plans.make_ahead(1)
    plans.workers = 5
    assert plans.of(1).tasks == 2
    for _ in range(2):
        begin(plans, 1)
    assert [set(made) for made in sent.made] == [set(plans.of(1).queued()), set()]  # each message is sent once
    assert plans.of(2).tasks == 5


def test_nothing_is_planned_beyond_the_last_step_or_before_a_round_was_measured(plans: Plans, sent: Sent) -> None:
    plans.make_ahead(1)
    assert plans.ahead is None
    plans.durations.append(SHORT_SECONDS / 2)
    plans.make_ahead(3)
    begin(plans, 2)
    assert plans.ahead is None
    assert sent.tasks == [NEXT]


@pytest.mark.parametrize(("workers", "alone", "seconds", "ahead"), [
    (AHEAD_TASKS, True, SHORT_SECONDS / 2, True),
    (AHEAD_TASKS + 1, True, SHORT_SECONDS / 2, False),
    (AHEAD_TASKS, False, SHORT_SECONDS / 2, False),
    (AHEAD_TASKS, True, SHORT_SECONDS * 2, False),
])  # fmt: skip
def test_tasks_go_ahead_only_where_it_pays(
    plans: Plans, sent: Sent, workers: int, alone: bool, seconds: float, ahead: bool
) -> None:
    plans.workers, plans.alone = workers, lambda: alone
    plans.durations.append(seconds)
    begin(plans, 0)
    assert sent.tasks == [[*NEXT, *(plans.of(1).queued() if ahead else [])]]
    assert plans.sent(plans.of(1)) == ahead
    plans.make_ahead(1)
    begin(plans, 1)
    assert bool(sent.made[-1]) != ahead  # either sent or made


def test_what_went_ahead_of_one_round_is_not_counted_on_in_the_next(plans: Plans, sent: Sent) -> None:
    plans.durations.append(SHORT_SECONDS / 2)
    begin(plans, 0)
    assert plans.sent(plans.of(1))
    plans.alone = lambda: False
    begin(plans, 1)
    assert sent.tasks[-1] == NEXT
    assert not plans.sent(plans.of(1))
    plans.make_ahead(2)
    begin(plans, 2)
    assert sent.made[-1]


def test_when_something_is_sent_again_what_went_ahead_is_void(plans: Plans, sent: Sent) -> None:
    plans.durations.append(SHORT_SECONDS / 2)
    begin(plans, 0)
    plans.again(Round(4, 0, np.zeros(1)), NEXT, [], 1)
    assert sent.tasks[-1] == NEXT
    assert sent.withdrawn == [None, 1]
    assert not plans.sent(plans.of(1))
