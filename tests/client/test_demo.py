"""The demonstration, as `make demo` runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil

ENOUGH = 88.0


def test_it_trains_shows_ten_digits_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dualtrain.client", "demo"]
    others = {"DUALTRAIN_REDIS_URL": "redis://127.0.0.1:9", "DUALTRAIN_HOST": "0.0.0.0"}  # of a stack it is not part of
    environment = {**os.environ, **others}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=280, env=environment)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"test accuracy: \d\d\.\d\d %", last)
    assert float(last.split()[-2]) >= ENOUGH
    assert len(re.findall(r"\d+% [✓✗]", done.stdout)) == 10
    assert "passes" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert not [process for process in psutil.process_iter(["cmdline"]) if _belongs(process, done.stderr)]


def _belongs(process: psutil.Process, told: str) -> bool:
    folder = re.search(r"logs in (\S+)/logs", told)
    assert folder
    return any(folder[1] in part for part in process.info["cmdline"] or ())
