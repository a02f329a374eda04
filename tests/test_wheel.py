"""The wheel holds what runs outside the checkout: data and page included."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("api", "client", "core", "worker")


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
