"""Plans of rounds: made ahead they stay as they are, and their messages are used once."""

from pathlib import Path
from typing import Any

import pytest

from api.aggregator.dispatch import Dispatcher
from api.aggregator.planner import Planner
from api.aggregator.plans import AHEAD_TASKS, SHORT_SECONDS, Plans
from core.data import load
from core.settings import Settings
from core.spec import JobSpec
from core.store import Exchange, Lease
from core.training import Training

SPEC = {"gradient": {"method": "finite-difference"}, "max_steps": 3, "dataset": {"train_limit": 640}}


@pytest.fixture
def plans(settings: Settings, exchange: Any, data_dir: Path) -> Plans:
    training = Training(JobSpec.model_validate(SPEC), load("mnist", 12, data_dir, ()))
    dispatcher = Dispatcher(settings, Exchange(exchange))
    return Plans(Lease("j", 4), training, Planner(None), dispatcher, alone=lambda: True, workers=2)


def test_the_units_of_a_round_are_planned_once_each(plans: Plans) -> None:
    plan = plans.of(0)
    assert len(plan.queued()) == plan.tasks == 2
    assert [unit for shard in plan.shards for unit in shard] == list(range(plans.training.rounds.units(0)))


def test_a_plan_made_ahead_stays_whatever_is_learned_meanwhile(plans: Plans) -> None:
    plans.durations.append(1.0)
    plans.make_ahead(1)
    plans.workers = 5
    assert plans.of(1).tasks == 2
    assert set(plans.messages()) == set(plans.of(1).queued())
    assert plans.messages() == {}
    assert plans.of(2).tasks == 5


def test_nothing_is_planned_beyond_the_last_step_or_before_a_round_was_measured(plans: Plans) -> None:
    plans.make_ahead(1)
    assert plans.ahead is None
    plans.durations.append(SHORT_SECONDS / 2)
    plans.make_ahead(3)
    assert plans.send_ahead(3) == []
    assert plans.ahead is None


@pytest.mark.parametrize(("workers", "alone", "seconds", "sent"), [
    (AHEAD_TASKS, True, SHORT_SECONDS / 2, True),
    (AHEAD_TASKS + 1, True, SHORT_SECONDS / 2, False),
    (AHEAD_TASKS, False, SHORT_SECONDS / 2, False),
    (AHEAD_TASKS, True, SHORT_SECONDS * 2, False),
])  # fmt: skip
def test_tasks_go_ahead_only_where_it_pays(plans: Plans, workers: int, alone: bool, seconds: float, sent: bool) -> None:
    plans.workers, plans.alone = workers, lambda: alone
    plans.durations.append(seconds)
    tasks = plans.send_ahead(1)
    assert bool(tasks) == plans.sent(plans.of(1)) == sent
    plans.make_ahead(1)
    assert bool(plans.messages()) != sent  # either sent or made


def test_what_went_ahead_of_one_round_is_not_counted_on_in_the_next(plans: Plans) -> None:
    plans.durations.append(SHORT_SECONDS / 2)
    assert plans.send_ahead(1)
    plans.alone = lambda: False
    assert plans.send_ahead(2) == []
    assert not plans.sent(plans.of(1))
    plans.make_ahead(2)
    assert plans.messages()
