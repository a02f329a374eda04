"""What happens between two dispatches: one synchronous step over blocks, or several local steps on each replica."""

from core.rounds.base import Rounds, State
from core.rounds.batches import Batches, Epoch
from core.rounds.local_steps import LocalSteps
from core.rounds.outer import Outer, OuterAverage, OuterNesterov
from core.rounds.synchronous import Synchronous

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
