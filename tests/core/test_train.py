"""`python -m core.train` as a command."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_it_trains_the_spec_of_a_file_with_changes(tmp_path: Path, data_dir: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"max_steps": 60, "evaluate_every": 30}))
    command = [sys.executable, "-m", "core.train", str(spec), "--set", "gradient.method=per-neuron"]
    environment = {**os.environ, "DUALTRAIN_DATA_DIR": str(data_dir)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    *lines, last = done.stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["30/60", "60/60"]
    result = json.loads(last)
    assert result["step"] == 60
    assert result["test_accuracy"] > 0.5
    assert len(result["sha256"]) == 64
