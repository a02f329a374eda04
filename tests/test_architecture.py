"""docs/architecture.md against the checkout: every file where it says, and none that it leaves out."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text()
NAMED = set(re.findall(r"`([^`\s]+)`", TEXT))
TABLE = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `")]
PLACES = {place for cell in TABLE for place in re.findall(r"`([^`]+)`", cell)}
"""The first column of the table: folders and files."""
PACKAGES = ("api", "client", "core", "worker", "benchmarks", "examples", "deploy")


def sources() -> list[Path]:
    found = [path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert len(found) > 200
    return found


def test_what_the_table_names_is_there() -> None:
    assert len(PLACES) > 20
    assert [place for place in PLACES if not (ROOT / place).exists()] == []


def test_every_file_that_is_named_is_there() -> None:
    files = {name for name in NAMED if re.fullmatch(r"[\w/.-]+\.(py|yml|md)", name)}
    assert len(files) > 20
    assert [name for name in files if not [path for path in sources() if f"/{path}".endswith(f"/{name}")]
            and not (ROOT / name).exists()] == []  # fmt: skip


def test_no_source_is_left_out() -> None:
    covered = [path for path in sources() if PLACES & {str(path), *map(str, path.parents)}]
    assert [str(path) for path in sources() if path not in covered and path.name != "__init__.py"] == []


def test_every_folder_of_the_packages_is_named() -> None:
    folders = {str(path.parent) for path in sources() if path.parts[0] in PACKAGES[:4]} - {"core"}
    assert folders - NAMED == set()
