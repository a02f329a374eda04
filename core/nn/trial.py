"""A custom layer tried in a process of its own, before a job is accepted that needs it: a crash is then a fault."""

import json
import os
import resource
import subprocess
import sys
from functools import lru_cache
from typing import Any

import numpy as np

from dualtrain.core.dual import DualTensor
from dualtrain.core.nn.base import Shape
from dualtrain.core.nn.custom import BUILT_IN
from dualtrain.core.nn.layers import Custom

TRIAL_SECONDS = 20
TRIAL_BYTES = 4 << 30
SAMPLES, DIRECTIONS = 2, 2


def trial_fault(layer: Custom, shape: Shape) -> str | None:
    """Return what is wrong with a layer on samples of this shape; None if it computes, and takes duals if it must."""
    if layer.custom in BUILT_IN:
        return None
    request = json.dumps({"custom": layer.custom, "options": layer.options, "shape": shape}, sort_keys=True)
    return _tried(request)


@lru_cache(maxsize=256)
def _tried(request: str) -> str | None:
    command = [sys.executable, "-c", "from dualtrain.core.nn.trial import main; main()", request]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TRIAL_SECONDS)
    except subprocess.TimeoutExpired:
        return f"it has not computed {SAMPLES} samples in {TRIAL_SECONDS} s"
    if done.returncode:
        return f"it ended its process with {done.returncode} on {SAMPLES} samples: {done.stderr.strip()[-300:]}"
    fault: str | None = json.loads(done.stdout.splitlines()[-1])
    return fault


def main() -> None:
    """Try the layer that the first argument describes; print the fault as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (TRIAL_BYTES, TRIAL_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    request = json.loads(sys.argv[1])
    fault = _fault(Custom(request["custom"], request["options"]), tuple(request["shape"]))
    sys.stdout.write(f"\n{json.dumps(fault)}\n")


def _fault(layer: Custom, shape: Shape) -> str | None:
    generator = np.random.default_rng(0)
    arrays = layer.init(generator, shape)
    inputs = generator.random((SAMPLES, *shape))
    expected = (SAMPLES, *layer.output_shape(shape))
    try:
        if (actual := np.shape(layer.connect(arrays, inputs))) != expected:
            return f"it makes {actual} of {inputs.shape}; `units` says {expected}"
        if layer.differentiable:
            return _dual_fault(layer, tuple(map(_dual, arrays)), _dual(inputs), expected)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _dual_fault(layer: Custom, arrays: tuple[Any, ...], inputs: Any, expected: Shape) -> str | None:
    outputs = layer.connect(arrays, inputs)
    if not isinstance(outputs, DualTensor):
        return f"it is `differentiable`, but makes a {type(outputs).__name__} of duals: a derivative got lost"
    if outputs.tangent.shape != (DIRECTIONS, *expected):
        return f"its tangents have shape {outputs.tangent.shape}, not {(DIRECTIONS, *expected)}"
    return None


def _dual(array: Any) -> DualTensor:
    return DualTensor(array, np.ones((DIRECTIONS, *array.shape)))
