"""The direction of imports: who may name whom, and which library is named where."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("api", "client", "core", "worker")

FORBIDDEN = {
    "core": ("api", "worker", "client"),
    "worker": ("api", "client"),
    "api": ("worker", "client"),
    "client": ("api", "worker", "core"),
    "core/dual": ("core.nn", "core.gradients", "core.data", "core.spec", "core.store", "core.training", "core.train"),
    "core/nn": ("core.gradients", "core.data", "core.spec", "core.store", "core.training", "core.train"),
    "core/gradients": ("core.data", "core.spec", "core.store", "core.training", "core.train"),
    "core/data": ("core.dual", "core.nn", "core.gradients", "core.spec", "core.store", "core.training", "core.train"),
    "core/store": ("core.train", "core.training"),
}
"""What the files below a folder may not import."""

ALLOWED = {"client": ("core.assignments", "core.job", "core.settings", "core.spec")}
"""Exceptions to `FORBIDDEN`."""

HOMES = {
    "PIL": ("core/data", "api/predictions"),
    "datasets": ("core/data",),
    "redis": ("core/store", "api"),
    "celery": ("worker", "api/aggregator/dispatch.py"),
    "fastapi": ("api",),
    "httpx": ("client", "api/webhooks.py"),
    "typer": ("client",),
    "rich": ("client",),
    "circus": ("client",),
}
"""The only folders or files that name a library."""


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, wherever in it; `from core import spec` counts as `core.spec` too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_point_one_way(folder: str) -> None:
    files = modules(folder)
    assert files
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imported(path)
        if within(name, FORBIDDEN[folder]) and not (name == "core" or within(name, ALLOWED.get(folder, ())))
    ]
    assert wrong == []


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_named_in_its_homes_only(library: str) -> None:
    files = [path for package in PACKAGES for path in modules(package)]
    users = [str(path.relative_to(ROOT)) for path in files if any(within(name, (library,)) for name in imported(path))]
    assert [user for user in users if not user.startswith(HOMES[library])] == []
