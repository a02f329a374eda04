"""What happens between two dispatches: one synchronous step over blocks, or several local steps on each replica."""

from dualtrain.core.rounds.base import Rounds, State
from dualtrain.core.rounds.batches import Batches, Epoch
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
]
