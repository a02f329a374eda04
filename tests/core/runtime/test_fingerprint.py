"""Which sources a job's code version stands for, and what its fingerprint does."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dualtrain import core
from dualtrain.core.runtime.fingerprint import COMPUTING, fingerprint, platform

ROOT = Path(core.__file__).parent
LOADED = """
import sys
import dualtrain.core.loop
print(*(module.__file__ for name, module in sys.modules.items() if name.startswith("dualtrain.core.")))
"""
ASKED = ("history.py", "schema_fields.py", "spec.py", "validation.py")
"""What a job is; that is told along with the code version."""


def test_all_that_a_run_computes_with_counts() -> None:
    told = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout
    loaded = {str(Path(file).relative_to(ROOT)) for file in told.split()}
    counted = {str(path.relative_to(ROOT)) for pattern in COMPUTING for path in ROOT.glob(pattern)}
    assert {"data/dataset.py", "rounds/batches.py", "loop.py"} <= counted & loaded
    assert {name for name in loaded - counted if not name.startswith("data/")} == set(ASKED)


def test_a_fingerprint_is_of_the_data_too() -> None:
    assert fingerprint("a") == fingerprint("a") != fingerprint("b")


def test_a_processor_with_other_features_is_another_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    here = platform()
    monkeypatch.setattr(np, "show_config", lambda mode: {"SIMD Extensions": {"found": ["NEW", "A"]}})
    assert platform.__wrapped__() == here | {"simd": ["A", "NEW"]}
