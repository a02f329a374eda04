"""Which sources a job's code version stands for."""

import subprocess
import sys
from pathlib import Path

import core
from core.numerics import COMPUTING

ROOT = Path(core.__file__).parent
LOADED = "import core.training, sys; print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('core.')))"
ASKED = ("spec.py", "faults.py")
"""What a job is; that is told along with the code version."""


def test_all_that_a_run_computes_with_counts() -> None:
    told = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout
    loaded = {str(Path(file).relative_to(ROOT)) for file in told.split()}
    counted = {str(path.relative_to(ROOT)) for pattern in COMPUTING for path in ROOT.glob(pattern)}
    assert {"data/dataset.py", "rounds/batches.py", "training.py"} <= counted & loaded
    assert {name for name in loaded - counted if not name.startswith("data/")} == set(ASKED)
