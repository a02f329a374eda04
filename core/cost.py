"""The cost of a job, computed from its spec before anything is spent, and the limits that it is held to.

Bytes are peaks of a whole process, its code and libraries included, checked against measured ones within a factor of
1.5 (tests/core/test_cost.py). They bound what is accepted; dry runs show them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dualtrain.core.evaluation import evaluated_at_once
from dualtrain.core.gradients import ForwardGradient, Method
from dualtrain.core.gradients.cost_model import FLOAT_BYTES, samples_at_once
from dualtrain.core.gradients.exact import Exact
from dualtrain.core.gradients.local_losses import plain_parts
from dualtrain.core.loop import network_for
from dualtrain.core.nn import Network
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.validation import Fault

PROCESS_BYTES = 130 * 2**20
"""Memory of a worker or aggregator process that has loaded its libraries and a data set (measured)."""
FLOPS = 1e9
"""Floating-point operations per second that a busy processor reaches at least; most reach ten times as many."""


@dataclass(frozen=True)
class JobCost:
    """Costs of a job. `checkpoint_bytes` is all that it keeps in the store at a time."""

    blocks: int
    worker_bytes: int
    aggregator_bytes: int
    round_bytes: int
    unit_seconds: float
    checkpoint_bytes: int


def job_cost(spec: JobSpec) -> JobCost:
    """Return the cost of a job; its layers must be known and fit each other."""
    network = network_for(spec)
    itemsize = np.dtype(spec.dtype).itemsize
    parameters = network.size * itemsize
    state = parameters * (1 + len(spec.optimizer.init(0, spec.dtype)))
    is_local = spec.local_steps > 1
    vector = state if is_local else parameters
    method = _method_bytes(spec, network, itemsize)
    combine = 0 if is_local else spec.method.cost(network, spec.batch_size).combine_bytes * itemsize / FLOAT_BYTES
    method_rows = _row_bytes(spec, network, itemsize)
    rows = spec.replicas * (vector + itemsize) if is_local else method_rows
    batch = spec.batch_size * network.widths[0] * (itemsize + 1)
    replica = method_rows + 2 * state if is_local else 0
    evaluation = 3 * evaluated_at_once(network) * max(network.widths) * itemsize
    blocks = len(spec.method.blocks(network, spec.batch_size))
    return JobCost(
        blocks=blocks,
        worker_bytes=int(PROCESS_BYTES + method + batch + vector + 3 * rows + replica),
        aggregator_bytes=int(PROCESS_BYTES + 2 * rows + 4 * state + vector + evaluation + combine),
        round_bytes=int(vector + rows),
        unit_seconds=_unit_seconds(spec, network),
        checkpoint_bytes=(spec.keep_checkpoints + 2) * (state + 2 * parameters),
    )


def cost_faults(spec: JobSpec, settings: Settings) -> Iterator[Fault]:
    """Yield a fault for each limit that the job exceeds, with what to change."""
    cost = job_cost(spec)
    local = spec.local_steps > 1
    for rule in _RULES:
        value, limit = getattr(cost, rule.cost), getattr(settings, rule.setting)
        if value > limit:
            advice = rule.local_advice if local else rule.advice
            yield Fault(rule.local_pointer if local else rule.pointer, "too_expensive",
                        f"{rule.what} would be {_amount(value, rule.unit)}; at most {_amount(limit, rule.unit)} "
                        f"is allowed here ({rule.setting}): {advice}")  # fmt: skip


@dataclass(frozen=True)
class _Rule:
    cost: str
    setting: str
    what: str
    unit: str
    pointer: str
    advice: str
    local_pointer: str
    local_advice: str


_FEWER = "set a smaller keep_checkpoints or use smaller layers"
_SMALLER = "use a smaller batch_size or smaller layers"
_RULES = (
    _Rule("blocks", "max_blocks", "the number of blocks of a batch", "", "/batch_size", _SMALLER,
          "/batch_size", _SMALLER),
    _Rule("worker_bytes", "max_worker_memory", "the memory of a worker process", "bytes", "/batch_size", _SMALLER,
          "/replicas", "use fewer replicas or smaller layers"),
    _Rule("aggregator_bytes", "max_aggregator_memory", "the memory of the aggregator", "bytes", "/network/layers",
          "use smaller layers, a smaller batch_size or fewer directions", "/replicas",
          "use fewer replicas or smaller layers"),
    _Rule("round_bytes", "max_round_bytes", "the bytes that a round moves", "bytes", "/network/layers",
          "use smaller layers, a smaller batch_size or fewer directions", "/replicas",
          "use fewer replicas or smaller layers"),
    _Rule("unit_seconds", "max_unit_seconds", "the time that one worker is busy without a break", "seconds",
          "/batch_size", _SMALLER, "/local_steps", "use fewer local_steps or a smaller batch_size"),
    _Rule("checkpoint_bytes", "max_checkpoint_bytes", "the checkpoints that the job keeps", "bytes",
          "/keep_checkpoints", _FEWER, "/keep_checkpoints", _FEWER),
)  # fmt: skip


def _method_bytes(spec: JobSpec, network: Network, itemsize: int) -> float:
    """Return the peak of a block; methods that use function values only compute in float64 whatever the dtype."""
    peak = spec.method.cost(network, spec.batch_size).peak_bytes
    return peak if spec.method.evaluations(network) else peak * itemsize / FLOAT_BYTES


def _row_bytes(spec: JobSpec, network: Network, itemsize: int) -> int:
    numbers = spec.method.cost(network, spec.batch_size).row_numbers
    return numbers * (FLOAT_BYTES if spec.method.evaluations(network) else itemsize)


def _unit_seconds(spec: JobSpec, network: Network) -> float:
    """Return the longest time without a break: of a block, or of all local steps of a replica."""
    parts = [_operations(method, own, spec.batch_size) for method, own in plain_parts(spec.method, network)]
    if spec.local_steps > 1:
        return spec.local_steps * sum(batch for batch, _ in parts) / FLOPS
    return max(unit for _, unit in parts) / FLOPS


def _operations(method: Method, network: Network, batch_size: int) -> tuple[float, float]:
    """Return about how many floating-point operations a batch takes, and the largest of its blocks."""
    forward = network.operations()
    if isinstance(method, Exact):
        samples = min(batch_size, samples_at_once(network))
        parts = method.strategies(network)
        batch = batch_size * (forward + sum(part.operations for part in parts))
        unit = samples * (forward + max(part.operations / len(part.cut(samples)) for part in parts))
        return batch, unit
    whole = batch_size * forward * (1.0 + 2 * _pushes(method, network))
    return whole, whole / len(method.blocks(network, batch_size))


def _pushes(method: Method, network: Network) -> int:
    """Return how often a batch goes through the network; the passes of an exact last layer do not."""
    if isinstance(method, ForwardGradient):
        return method.directions
    return method.passes(network) + method.evaluations(network)


def _amount(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 2**20:,.0f} MiB"
    return f"{value:,.0f} {unit}".strip()
