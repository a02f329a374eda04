"""A job's state as a checkpoint and back."""

from dataclasses import asdict, dataclass

from dualtrain.api.aggregator.report import Report
from dualtrain.core.history import DIAGNOSTICS
from dualtrain.core.rounds import State
from dualtrain.core.runtime.fingerprint import code_version, fingerprint
from dualtrain.core.store import Checkpoint

COUNTERS = ("loss", "samples_seen", "passes", "evaluations", *DIAGNOSTICS)


@dataclass(frozen=True)
class Origin:
    """What a job's bits depend on besides its spec: it goes on only where these are the same."""

    code: str
    numerics: str

    @classmethod
    def here(cls, data_sha256: str) -> "Origin":
        """Return the origin of a job that is begun by this process."""
        return cls(code_version(), fingerprint(data_sha256))


def to_checkpoint(state: State, report: Report, origin: Origin) -> Checkpoint:
    """Return everything that the job needs to go on from `state`."""
    vectors = {"parameters": state.parameters}
    vectors |= {f"optimizer.{i}": vector for i, vector in enumerate(state.optimizer)}
    vectors |= {f"outer.{i}": vector for i, vector in enumerate(state.outer)}
    metadata = {
        "state": {name: getattr(state, name) for name in COUNTERS},
        "elapsed_seconds": report.elapsed_seconds,
        "worker_seconds": report.worker_seconds,
        "best_test_accuracy": report.best,
        "evaluated": report.evaluation is not None and report.evaluation.step == state.step,
        "origin": asdict(origin),
    }
    return Checkpoint(state.step, vectors, metadata)


def from_checkpoint(checkpoint: Checkpoint) -> State:
    """Return the state that was saved."""
    tensors = checkpoint.tensors

    def group(name: str) -> tuple[str, ...]:
        return tuple(sorted(key for key in tensors if key.startswith(name + ".")))

    optimizer, outer = (tuple(tensors[key] for key in group(name)) for name in ("optimizer", "outer"))
    return State(checkpoint.step, tensors["parameters"], optimizer, outer, **checkpoint.metadata["state"])
