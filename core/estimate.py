"""Estimates of a job before it runs: counts from its spec alone, and times measured on this machine."""

import math
import time
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from dualtrain.core.evaluation import evaluated_at_once
from dualtrain.core.gradients import Draw
from dualtrain.core.gradients.cost_model import FLOAT_BYTES
from dualtrain.core.loop import epoch_for, network_for, steps_for
from dualtrain.core.nn import Network
from dualtrain.core.spec import JobSpec

BUDGET_SECONDS = 0.3
"""How long blocks are timed at least, unless there are fewer; then the rest is extrapolated."""


class Timing(BaseModel):
    """Seconds on one thread of the machine that measured them."""

    model_config = ConfigDict(frozen=True)

    batch_seconds: float
    """All blocks of one batch, one after the other."""
    update_seconds: float
    """One optimizer step; summing the rows before it is left out, which takes as long as some of them do."""
    sample_seconds: float
    """Evaluating one sample."""


class Counts(BaseModel):
    """Counts that follow from the spec. Steps count per replica; passes and evaluations are totals of the job."""

    model_config = ConfigDict(frozen=True)

    parameters: int
    blocks: int
    total_steps: int
    rounds: int
    passes: int
    evaluations: int
    memory_bytes: int
    exchange_bytes_per_round: int


def count(spec: JobSpec, train_samples: int) -> Counts:
    """Return the counts of a job on a data set with this many samples."""
    network, local = network_for(spec), spec.local_steps > 1
    cost, itemsize = spec.method.cost(network, spec.batch_size), np.dtype(spec.dtype).itemsize
    states = 1 + len(spec.optimizer.init(0, spec.dtype)) if local else 1
    vector = network.size * itemsize * states
    row_itemsize = FLOAT_BYTES if spec.method.evaluations(network) else itemsize
    rows = spec.replicas * (vector + itemsize) if local else cost.row_numbers * row_itemsize
    epoch = epoch_for(spec, train_samples)
    steps = steps_for(spec, epoch)
    batches = epoch.batches(steps)
    return Counts(
        parameters=network.size,
        blocks=spec.replicas if local else len(spec.method.blocks(network, spec.batch_size)),
        total_steps=steps,
        rounds=math.ceil(steps / spec.local_steps),
        passes=batches * spec.method.passes(network),
        evaluations=batches * spec.method.evaluations(network),
        memory_bytes=int(cost.peak_bytes) + 2 * vector,
        exchange_bytes_per_round=vector + rows,
    )


def measure(spec: JobSpec, classes: int) -> Timing:
    """Time the parts of a round of this job here, with random samples."""
    network, dtype = network_for(spec), np.dtype(spec.dtype)
    parameters, generator = network.init(spec.weights_seed, dtype), np.random.default_rng(0)
    inputs = generator.random((spec.batch_size, network.widths[0])).astype(dtype)
    labels = generator.integers(0, classes, spec.batch_size)
    return Timing(
        batch_seconds=_blocks_seconds(spec, network, parameters, inputs, labels),
        update_seconds=_update_seconds(spec, parameters),
        sample_seconds=_sample_seconds(network, parameters),
    )


def _blocks_seconds(spec: JobSpec, network: Network, parameters: Any, inputs: Any, labels: Any) -> float:
    """Time ever more blocks, spread over all of them, until it took long enough; scale up to all."""
    blocks, timed = spec.method.blocks(network, spec.batch_size), 1
    while True:
        chosen = [blocks[i * len(blocks) // timed] for i in range(timed)]
        seconds = _seconds(lambda c=chosen: spec.method.measure(network, parameters, inputs, labels, c, Draw(0, 0)))
        if timed == len(blocks) or seconds > BUDGET_SECONDS:
            return seconds * len(blocks) / timed
        timed = min(len(blocks), 2 * timed)


def _update_seconds(spec: JobSpec, parameters: Any) -> float:
    state = spec.optimizer.init(parameters.size, parameters.dtype)
    return _seconds(lambda: spec.optimizer.update(parameters, parameters, state, 0, 1))


def _sample_seconds(network: Network, parameters: Any) -> float:
    inputs = np.zeros((evaluated_at_once(network), network.widths[0]), parameters.dtype)
    return _seconds(lambda: network.predict(parameters, inputs)) / len(inputs)


def _seconds(work: Any) -> float:
    """Return the processor time of this thread for the faster of two runs; the first also warms caches.

    The time of the process has a coarse clock wherever `RLIMIT_CPU` is set.
    """
    times = []
    for _ in range(2):
        started = time.thread_time()
        work()
        times.append(time.thread_time() - started)
        if times[0] > BUDGET_SECONDS:
            break
    return min(times)
