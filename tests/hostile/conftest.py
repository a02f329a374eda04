"""One service for the attacks of a module, and an observer for each of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hostile.observer import Observer
from tests.hostile.stack import Stack, running


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Stack]:
    """A service with API keys and one worker, which the attacks of a module share."""
    with running(tmp_path_factory.mktemp("hostile"), data_dir / "cache") as stack:
        yield stack


@pytest.fixture
def observe(stack: Stack) -> Callable[[], Observer]:
    """Return a function that returns an observer of the stack: attack within its context, then call `check`."""
    return lambda: Observer(stack)
