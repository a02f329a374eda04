"""`python -m dualtrain.core.train` as a command."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from dualtrain.core.train import main


def test_it_trains_the_spec_of_a_file_with_changes(tmp_path: Path, data_dir: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"max_steps": 60, "evaluate_every": 30}))
    command = [sys.executable, "-m", "dualtrain.core.train", str(spec), "--set", "gradient.method=per-neuron"]
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
        (("--set", "epochs=0"), "/epochs: Input should be greater than or equal to 1"),
        (("--set", 'epochs="2"'), "/epochs: Input should be a valid integer"),
        (("--set", "epoch=2"), "/epoch: there is no field 'epoch' here (did you mean 'epochs'?)"),
        (("--set", "learning_rate=0.5"), "did you mean 'optimizer.learning_rate'?"),
        (("--set", "lr=0.5"), "did you mean 'optimizer.learning_rate'?"),
        (("--set", "gradient.directions=8"), "it needs gradient.method=forward-gradient or spsa"),
        (("--set", "gradient.distribution=normal"), "it needs gradient.method=forward-gradient"),
        (("--set", "network.layers.2.units=3"), "there is no '2' in a list of 2"),
        (("no-such-file.json",), "no-such-file.json"),
        ((__file__,), "holds no JSON"),
        (("--set", "dataset.name=nosuch"), "'nosuch' is not known"),
        (("--set", "network.layers.1.units=11"), "/network/layers/1/units: the last layer has 11 outputs"),
        (("--set", "dataset.validation_limit=60000"), "/dataset/validation_limit: 60000 samples are held back"),
        (("--set", "initial_weights=best"), "'best' is a job of a service"),
    ],
)
def test_wrong_usage_is_said_with_the_code_for_it(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    data_dir: Path,
    arguments: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.setenv("DUALTRAIN_DATA_DIR", str(data_dir))
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert told in capsys.readouterr().err


def trained(monkeypatch: pytest.MonkeyPatch, data_dir: Path, *assignments: str) -> None:
    monkeypatch.setenv("DUALTRAIN_DATA_DIR", str(data_dir))
    main([option for assignment in ("gradient.method=per-neuron", *assignments) for option in ("--set", assignment)])


def test_a_run_that_its_time_ends_is_evaluated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    trained(monkeypatch, data_dir, "max_seconds=0.0001")
    line, last = capsys.readouterr().out.splitlines()
    assert line.startswith("step 1/938")
    assert json.loads(last)["step"] == 1


def test_a_run_that_diverges_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    with pytest.raises(SystemExit, match="not finite; try a lower learning rate than 1e"), np.errstate(all="ignore"):
        trained(monkeypatch, data_dir, "optimizer.learning_rate=1e30", "max_steps=20")
    assert "{" not in capsys.readouterr().out


def test_the_weights_are_written_to_a_file_even_after_ctrl_c(tmp_path: Path, data_dir: Path) -> None:
    path = tmp_path / "model.safetensors"
    command = [sys.executable, "-m", "dualtrain.core.train", "--output", str(path), "--set", "epochs=1000"]
    options = ["--set", "evaluate_every=10", "--set", "gradient.method=per-neuron"]
    environment = {**os.environ, "DUALTRAIN_DATA_DIR": str(data_dir)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, *options], env=environment, **pipes) as process:  # type: ignore[call-overload]
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert json.loads(out.splitlines()[-1])["step"] >= 10
    assert load_file(path)["layers.0.weights"].shape == (144, 20)
