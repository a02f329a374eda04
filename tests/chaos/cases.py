"""The jobs of a chaos run, one of each kind, and how each must end: found by a quiet run in one process."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from dualtrain.core.data import load
from dualtrain.core.loop import Diverged, Training
from dualtrain.core.runtime.fingerprint import code_version, digest, platform_digest
from dualtrain.core.spec import JobSpec
from dualtrain.core.train import run

HIDDEN = {"units": 64, "activation": "relu"}
LAYERS = [HIDDEN, {"units": 10, "activation": "softmax"}]
ADAM = {"name": "adam", "learning_rate": 0.003, "schedule": {"name": "cosine", "warmup_steps": 3}}
NESTEROV = {"name": "nesterov", "learning_rate": 0.05, "schedule": {"name": "step", "every": 10}}

CASES: dict[str, dict[str, Any]] = {
    "per-parameter": {
        "gradient": {"method": "per-parameter"},
        "optimizer": NESTEROV,
        "batch_size": 256,
        "max_steps": 60,
    },
    "per-neuron": {"gradient": {"method": "per-neuron"}, "optimizer": ADAM, "batch_size": 2048, "epochs": 5},
    "forward-gradient": {
        "gradient": {"method": "forward-gradient", "directions": 32},
        "optimizer": ADAM,
        "batch_size": 128,
        "max_steps": 80,
        "dataset": {"image_size": 12, "validation_limit": 1000},
    },
    "finite-difference": {
        "gradient": {"method": "finite-difference"},
        "network": {"layers": [{"units": 4, "activation": "tanh"}, LAYERS[1]]},
        "batch_size": 64,
        "max_steps": 30,
    },
    "spsa": {"gradient": {"method": "spsa", "directions": 64}, "batch_size": 64, "max_steps": 80, "dtype": "float64"},
    "local steps": {
        "gradient": {"method": "per-neuron"},
        "optimizer": ADAM,
        "batch_size": 256,
        "local_steps": 16,
        "epochs": 6,
    },
    "local steps, outer momentum": {
        "gradient": {"method": "per-neuron"},
        "optimizer": NESTEROV,
        "batch_size": 64,
        "local_steps": 64,
        "replicas": 3,
        "outer": {"name": "nesterov"},
        "epochs": 3,
    },
    "target accuracy": {
        "gradient": {"method": "per-neuron"},
        "optimizer": ADAM,
        "batch_size": 512,
        "epochs": 20,
        "target_accuracy": 0.9,
    },
    "diverges": {
        "gradient": {"method": "per-neuron"},
        "network": {"layers": [{"units": 64, "activation": "identity"}, {"units": 10}], "loss": "mean-squared-error"},
        "optimizer": {"name": "sgd", "learning_rate": 30.0},
        "batch_size": 2048,
        "max_steps": 50,
    },
}
"""Every gradient method, local steps, schedules, optimizers with and without state, and two ways to end early."""


@dataclass(frozen=True)
class End:
    """How a job ends: its status, and where it succeeds the last step and the sha256 of its parameters."""

    status: str
    step: int | None = None
    sha256: str | None = None


def spec(case: str, seed: int) -> dict[str, Any]:
    """Return the job of a case as it is posted."""
    return {"name": case, "seed": seed, "evaluate_every": 20, "network": {"layers": LAYERS}, **CASES[case]}


def quiet_ends(data_dir: Path, seed: int, cases: Sequence[str]) -> Mapping[str, End]:
    """Return how these cases end when nothing is killed, each computed in one process; remembered in `data_dir`."""
    specs = json.dumps([spec(case, seed) for case in cases])
    named = hashlib.sha256(f"{code_version()} {platform_digest()} {specs}".encode()).hexdigest()[:16]
    file = data_dir / f"quiet-{named}.json"
    if not file.exists():
        with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
            found = list(pool.map(partial(quiet_end, data_dir, seed), cases))
        file.write_text(json.dumps([asdict(end) for end in found]))
    return dict(zip(cases, (End(**end) for end in json.loads(file.read_text())), strict=True))


def quiet_end(data_dir: Path, seed: int, case: str) -> End:
    """Return how one case ends."""
    wanted = JobSpec.model_validate_json(json.dumps(spec(case, seed)))
    training = Training(wanted, load(wanted.dataset.name, wanted.dataset.image_size, data_dir, ()))
    try:
        with np.errstate(all="ignore"):
            state = run(training)
    except Diverged:
        return End("failed")
    return End("succeeded", state.step, digest(state.parameters))
