"""The composition's service `keys`: what it writes, and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef01234567"


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def run(folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **example(), "DUALTRAIN_API_KEYS_FILE": str(folder / "keys.json"), **changes}
    command = [sys.executable, str(ROOT / "deploy/container/keys.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_example_works_on_this_machine(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 0
    assert len(json.loads((tmp_path / "keys.json").read_text())) == 2


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "::"])
def test_the_examples_secrets_are_refused_where_others_reach_them(tmp_path: Path, address: str) -> None:
    refused = run(tmp_path, PUBLISH_ADDRESS=address, OPERATOR_KEY=SECRET)
    assert refused.returncode == 1
    assert "METRICS_KEY, STORE_PASSWORD, EXCHANGE_PASSWORD, WEBHOOK_SECRET, GRAFANA_PASSWORD" in refused.stderr
    assert "OPERATOR_KEY" not in refused.stderr
    assert not (tmp_path / "keys.json").exists()


def test_secrets_of_ones_own_are_taken_on_every_address(tmp_path: Path) -> None:
    own = {name: SECRET for name, value in example().items() if "change-me" in value}
    assert run(tmp_path, PUBLISH_ADDRESS="0.0.0.0", **own).returncode == 0


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    assert "at least 24" in run(tmp_path, OPERATOR_KEY="short").stderr
