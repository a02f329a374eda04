"""What the aggregator's process tells its jobs of each other."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from api.aggregator.aggregator import Aggregator
from api.aggregator.runner import Runner
from core.job import Job, Status, now
from core.settings import Settings
from core.store import Jobs

LIMIT_SECONDS = 10.0


@pytest.fixture
def runners(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Runner]]:
    """The runners of the jobs that an aggregator has taken. They do nothing until the test ends."""
    taken: dict[str, Runner] = {}
    aggregator = Aggregator(settings)

    def run(self: Runner) -> None:
        taken[self.lease.job_id] = self
        aggregator.stopping.wait()

    monkeypatch.setattr(Runner, "run", run)
    thread = threading.Thread(target=aggregator.run)
    thread.start()
    yield taken
    aggregator.stopping.set()
    thread.join()


def submit(jobs: Jobs, name: str) -> None:
    jobs.create(Job(id=name, name="", status=Status.QUEUED, created_at=now(), spec={}), 5, 10)


def holds(true: Callable[[], bool]) -> bool:
    """Whether something becomes true before the limit."""
    end = time.monotonic() + LIMIT_SECONDS
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("others", [1, 5])
def test_a_job_knows_whether_others_want_the_workers(store: Redis, runners: dict[str, Runner], others: int) -> None:
    jobs = Jobs(store)
    submit(jobs, "job-first")
    assert holds(lambda: "job-first" in runners and runners["job-first"].alone)
    jobs.move("job-first", Status.RUNNING)
    for number in range(others):  # more than run at once: who waits wants the workers, too
        submit(jobs, f"job-{number}")
    assert holds(lambda: not runners["job-first"].alone)
    for number in range(others):
        jobs.move(f"job-{number}", Status.CANCELLED)
    assert holds(lambda: runners["job-first"].alone)
