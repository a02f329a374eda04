"""The wheel and its extras."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from dualtrain.client.cli import extras, main

ROOT = Path(__file__).parents[1]
PACKAGES = ("api", "client", "core", "worker")

MODULES = {"pillow": "PIL", "python-multipart": "multipart"}
BASE = """
import sys

class Absent:
    def find_spec(name, *_):
        if name.partition(".")[0] in sys.argv:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent)
import numpy as np
import dualtrain as dt
import dualtrain.client.cli, dualtrain.core.gradients, dualtrain.core.spec

[getattr(dt, name) for name in dt.__all__]
assert dt.jacobian(lambda x: x**2)(np.ones(2)).tolist() == [[2, 0], [0, 2]]
"""


def test_the_base_needs_no_package_of_the_service() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = [re.split(r"[^a-z-]", requirement)[0] for requirement in extras["server"]]
    modules = [MODULES.get(name, name.replace("-", "_")) for name in names]
    assert {"celery", "datasets", "pyarrow", "PIL", "structlog"} <= set(modules)
    subprocess.run([sys.executable, "-c", BASE, *modules], check=True)


@pytest.mark.parametrize(("command", "extra"), [(["up"], "up"), (["train", "--local"], "server")])
def test_a_command_that_needs_more_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, command: list[str], extra: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extras, "MARKER", "no_such_package")
    monkeypatch.setattr(sys, "argv", ["dualtrain", *command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert f"pip install 'dualtrain[{extra}]'" in capsys.readouterr().err


def test_the_wheel_holds_packages_data_and_page(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        points = archive.read(next(name for name in held if name.endswith("entry_points.txt"))).decode()
    files = (path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file())
    sources = {f"dualtrain/{path.relative_to(ROOT)}" for path in files if "__pycache__" not in path.parts}
    assert sources - held == set()
    assert {name.partition("/")[0] for name in held if "dist-info" not in name} == {"dualtrain"}
    assert "dualtrain = dualtrain.__main__:main" in points
