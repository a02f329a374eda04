"""An exchange that dies again and again, while shards are computed and rows are sent."""

import random
from pathlib import Path

from dualtrain.core.job import ENDED
from tests.chaos.faults import kill_program
from tests.chaos.feeder import post
from tests.chaos.recovery import SPEC
from tests.chaos.stack import Stack, answers
from tests.waiting import until

DEATHS = 8


def test_no_worker_fails_with_it(data_dir: Path) -> None:
    stack = Stack(data_dir)
    try:
        stack.wait_until_ready()
        job_id = post(stack.urls, SPEC, 60, random.Random(0))
        workers = [stack.program[name].process for name in stack.workers]
        for _ in range(DEATHS):
            step = stack.jobs.get(job_id).progress.step
            until(lambda: stack.jobs.get(job_id).progress.step > step + 1, what="a round")  # noqa: B023
            kill_program(stack, "exchange")
            until(lambda: answers(stack.exchange), what="the exchange")
        step = stack.jobs.get(job_id).progress.step
        until(lambda: stack.jobs.get(job_id).progress.step > step + 1, what="a round after all deaths")
        assert [stack.program[name].process for name in stack.workers] == workers
        assert stack.jobs.status(job_id) not in ENDED
        told = "".join((stack.folder / f"{name}.log").read_text() for name in stack.workers)
        assert "Unrecoverable" not in told
    finally:
        assert stack.end() == []
