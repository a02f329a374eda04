"""Ctrl-C before anything was started."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import os, signal, sys
interrupting = sys.argv.pop(1)
class Finder:
    def find_spec(name, *_):
        if name == interrupting:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder)
from dualtrain.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["dualtrain.client", "typer", "httpx2", "dualtrain.client.stack", "filelock"])
def test_ctrl_c_while_modules_are_imported_ends_quietly(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, module, "up", "--port", "0", "--data-dir", str(tmp_path / "data")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 130
    assert "Traceback" not in ended.stderr


def test_python_m_dualtrain_is_the_command_line() -> None:
    version = subprocess.run([sys.executable, "-m", "dualtrain", "--version"], capture_output=True, text=True)
    assert version.stdout.startswith("dualtrain ")
