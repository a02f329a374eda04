"""A job's state as a checkpoint and back."""

from core.rounds import State
from core.store import Checkpoint
from api.aggregator.report import Report

COUNTERS = ("loss", "samples_seen", "passes", "evaluations")


def to_checkpoint(state: State, report: Report, plan: dict[str, str]) -> Checkpoint:
    """Return everything that the job needs to go on from `state`."""
    vectors = {"parameters": state.parameters}
    vectors |= {f"optimizer.{i}": vector for i, vector in enumerate(state.optimizer)}
    vectors |= {f"outer.{i}": vector for i, vector in enumerate(state.outer)}
    last = report.evaluation
    metadata = {
        "state": {name: getattr(state, name) for name in COUNTERS},
        "elapsed_seconds": report.elapsed_seconds,
        "best_test_accuracy": report.best,
        "evaluated_step": last.step if last else None,
        "plan": plan,
    }
    return Checkpoint(state.step, vectors, metadata)


def from_checkpoint(checkpoint: Checkpoint) -> State:
    """Return the state that was saved."""
    tensors = checkpoint.tensors
    several = {
        group: tuple(tensors[name] for name in sorted(tensors) if name.startswith(group + ".")) for group in ("optimizer", "outer")
    }
    return State(checkpoint.step, tensors["parameters"], several["optimizer"], several["outer"], **checkpoint.metadata["state"])
