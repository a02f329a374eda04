"""A short, fixed selection of what `make chaos` does: one fault of each kind that loses something."""

from pathlib import Path

import pytest

from tests.chaos.driver import drawn, run

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
CASES = ("per-neuron", "forward-gradient", "local steps, outer momentum")


@pytest.mark.timeout(600)
def test_jobs_end_with_the_same_bits_whatever_is_killed(data_dir: Path) -> None:
    result = run(0, SELECTION, data_dir, CASES)
    assert result.wrong == []
    assert result.hits >= 0.7 * result.faults
    assert result.jobs >= len(CASES)


def test_a_seed_always_gives_the_same_faults() -> None:
    assert drawn(3, 50) == drawn(3, 50) != drawn(4, 50)
