"""The documentation site: it builds without a warning and has every page."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAVIGATION: list[dict[str, str]] = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]


def test_it_builds_without_a_warning(tmp_path: Path) -> None:
    for name in ("zensical.toml", "SECURITY.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    command = [str(Path(sys.executable).parent / "zensical"), "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Threats" in (tmp_path / "site" / "security" / "index.html").read_text()
    assert "How the code reads" in (tmp_path / "site" / "contributing" / "index.html").read_text()


def test_every_page_is_in_the_navigation() -> None:
    listed = [page for entry in NAVIGATION for page in entry.values()]
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_what_is_measured_is_there() -> None:
    sections = [
        section
        for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for section in re.findall(r"<!-- (\S[^>]*) -->\n(.*?)<!-- /\1 -->", page.read_text(), re.DOTALL)
    ]
    assert len(sections) > 15
    assert [name for name, text in sections if not text.strip()] == []
