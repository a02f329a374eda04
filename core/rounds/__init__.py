"""What happens between two dispatches: one synchronous step over blocks, or several local steps on each replica."""

from core.rounds.base import Rounds, State
from core.rounds.batches import Batches
from core.rounds.local_steps import LocalSteps
from core.rounds.outer import Average, Nesterov, Outer
from core.rounds.synchronous import Synchronous

__all__ = ["Average", "Batches", "LocalSteps", "Nesterov", "Outer", "Rounds", "State", "Synchronous"]
