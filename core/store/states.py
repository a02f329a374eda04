"""The state of a training as a checkpoint, and back."""

from collections.abc import Mapping
from typing import Any

from dualtrain.core.rounds import State
from dualtrain.core.store.checkpoints import Checkpoint


def to_checkpoint(state: State, metadata: Mapping[str, Any]) -> Checkpoint:
    """Return a checkpoint of a state, with `metadata` (JSON-able) beside it."""
    vectors = {"parameters": state.parameters}
    vectors |= {f"optimizer.{index}": vector for index, vector in enumerate(state.optimizer)}
    vectors |= {f"outer.{index}": vector for index, vector in enumerate(state.outer)}
    return Checkpoint(state.step, vectors, {**metadata, "state": state.figures()})


def from_checkpoint(checkpoint: Checkpoint) -> State:
    """Return the state that was saved."""
    return State(
        parameters=checkpoint.tensors["parameters"],
        optimizer=_group(checkpoint, "optimizer."),
        outer=_group(checkpoint, "outer."),
        **checkpoint.metadata["state"],
    )


def _group(checkpoint: Checkpoint, prefix: str) -> tuple[Any, ...]:
    names = sorted(name for name in checkpoint.tensors if name.startswith(prefix))
    return tuple(checkpoint.tensors[name] for name in names)
