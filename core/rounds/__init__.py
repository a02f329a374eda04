"""Rounds: one synchronous step over blocks, several local steps on each replica, or a bundle of either."""

from dualtrain.core.rounds.base import Rounds, State
from dualtrain.core.rounds.batches import Batches, Epoch
from dualtrain.core.rounds.bundle import bundle_state, bundle_vector, make_bundle, make_round
from dualtrain.core.rounds.local_steps import LocalSteps
from dualtrain.core.rounds.outer import Outer, OuterAverage, OuterNesterov
from dualtrain.core.rounds.synchronous import Synchronous

__all__ = [
    "Batches",
    "Epoch",
    "LocalSteps",
    "Outer",
    "OuterAverage",
    "OuterNesterov",
    "Rounds",
    "State",
    "Synchronous",
    "bundle_state",
    "bundle_vector",
    "make_bundle",
    "make_round",
]
