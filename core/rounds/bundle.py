"""A bundle: many rounds in a row computed by one process, because sharing each of them would cost more than it saves.

Blocks, their shapes and the order of sums are those of shared rounds, so the bits are the same.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np

from dualtrain.core.rounds.base import Rounds, State, Vector, no_check


def bundle_vector(state: State) -> Vector:
    """Return all vectors of a state as one, from which `bundle_state` makes the state again."""
    return np.concatenate((state.parameters, *state.optimizer, *state.outer))


def bundle_state(vector: Vector, size: int, optimizer_vectors: int, step: int) -> State:
    """Return the state at `step` of `size` parameters; its counters are 0.

    The vectors behind the parameters are those of the optimizer, then those of the outer optimizer.
    """
    parameters, *others = np.split(vector, len(vector) // size)
    return State(step, parameters, tuple(others[:optimizer_vectors]), tuple(others[optimizer_vectors:]))


def make_round(rounds: Rounds, state: State, proceed: Callable[[], None] = no_check) -> State:
    """Return the state after one round, all units of it computed here."""
    units = range(rounds.units(state.step))
    return rounds.advance(state, rounds.measure(rounds.vector(state), state.step, units, proceed))


def make_bundle(
    rounds: Rounds, state: State, stop: int, seconds: float, proceed: Callable[[], None] = no_check
) -> Iterator[State]:
    """Yield the state after each round, at least one, until step `stop` or for about `seconds`.

    A state that is not finite is the last one. `proceed` is called before each round and between its parts; it may
    raise to end the work.
    """
    end = time.monotonic() + seconds
    while True:
        proceed()
        state = make_round(rounds, state, proceed)
        yield state
        if state.step >= stop or not state.is_finite() or time.monotonic() >= end:
            return
