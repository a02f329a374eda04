"""A short, fixed selection of what `make chaos` does: one fault of each kind that loses something."""

from pathlib import Path

import pytest

from tests.chaos.driver import ACTIVE_JOBS, drawn, run

SELECTION = (
    "kill pool process",
    "kill exchange",
    "kill aggregator",
    "duplicate messages",
    "kill worker",
    "cut API",
    "kill store",
    "stop aggregator",
    "delay messages",
    "kill API",
)
SENT_AHEAD = ("kill pool process", "delay messages", "kill exchange", "stop pool process", "kill aggregator")
"""What may hit the tasks that a job has sent ahead, when it is alone."""
CASES = ("per-neuron", "forward-gradient", "local steps, outer momentum")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("active", "faults"), [(ACTIVE_JOBS, SELECTION), (1, SENT_AHEAD)], ids=["several jobs", "one job"]
)
def test_jobs_end_with_the_same_bits_whatever_is_killed(data_dir: Path, active: int, faults: tuple[str, ...]) -> None:
    result = run(0, faults, data_dir, CASES, active)
    assert result.wrong == []
    assert result.hits > result.faults / 2  # what struck nothing in flight has shown nothing
    assert result.jobs >= active


def test_a_seed_always_gives_the_same_faults() -> None:
    assert drawn(3, 50) == drawn(3, 50) != drawn(4, 50)
