"""`python -m core.train` as a command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.train import main


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


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--set", "bogus"), "write KEY=VALUE"),
        (("--set", "epochs=0"), "epochs"),
        (("no-such-file.json",), "no-such-file.json"),
        ((__file__,), "holds no JSON"),
    ],
)
def test_wrong_usage_is_said_with_the_code_for_it(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert told in capsys.readouterr().err
