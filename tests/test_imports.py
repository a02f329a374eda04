"""The direction of imports: who may name whom, and which library is named where."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("api", "client", "core", "worker")

ORDER = (
    ("core.version", "core.schema_fields"),
    (
        "core.dual",
        "core.validation",
        "core.history",
        "core.runtime.hosts",
        "core.runtime.exec_with_parent",
        "core.runtime.log_file",
        "core.runtime.logs",
        "core.runtime.process",
        "core.runtime.fingerprint",
        "core.runtime.times",
    ),
    ("core.nn", "core.settings", "core.job", "core.runtime.supervisor"),
    ("core.gradients", "core.data"),
    ("core.rounds", "core.evaluation"),
    ("core.spec", "core.scheduling"),
    ("core.loop", "core.overrides"),
    ("core.sweep",),
    ("core.recipes",),
    ("core.store",),
    ("core.train", "core.cost", "core.estimate", "core.runtime.doctor"),
    ("api", "client", "worker"),
)
"""All parts of the sources. Each may import those of the rows above its own."""

ONLY = {
    "core.data": (),
    "client": (
        "core.history",
        "core.overrides",
        "core.recipes",
        "core.job",
        "core.runtime.log_file",
        "core.runtime.supervisor",
        "core.schema_fields",
        "core.settings",
        "core.spec",
        "core.version",
    ),
}
"""What parts that stand apart may import instead."""

API_ORDER = (
    ("api.security", "api.errors.problems", "api.errors.unknown_parameters", "api.errors.validation"),
    ("api.predictions",),
    ("api.sandbox", "api.http"),
    ("api.jobs", "api.sweeps", "api.events", "api.services", "api.schemas", "api.metrics"),
    ("api.aggregator", "api.dependencies", "api.errors.exception_handlers"),
    ("api.middleware", "api.server"),
    ("api.routes",),
    ("api.openapi",),
    ("api.app", "api.aggregator_process"),
)
"""The parts of the API, likewise: domain code knows neither routes nor middleware."""

HOMES = {
    "PIL": ("core/data", "api/predictions"),
    "datasets": ("core/data",),
    "redis": ("core/store",),
    "celery": ("worker", "api/aggregator/dispatch.py"),
    "kombu": ("core/store/broker.py", "worker", "api/aggregator/dispatch.py"),
    "fastapi": ("api",),
    "httpx2": ("client", "api/events/webhooks.py", "api/security/webhook_urls.py"),
    "typer": ("client",),
    "rich": ("client",),
}
"""The only folders or files that name a library."""


def modules(part: str) -> list[Path]:
    place = ROOT / part.replace(".", "/")
    return sorted(place.rglob("*.py")) or [place.with_suffix(".py")]


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("dualtrain.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            yield from (f"{node.module}.{alias.name}".removeprefix("dualtrain.") for alias in node.names)


def within(name: str, *parts: str) -> bool:
    return f"{name}.".startswith(tuple(f"{part}." for part in parts))


def test_every_source_has_its_place_in_the_order() -> None:
    empty = {ROOT / "core/__init__.py", ROOT / "core/runtime/__init__.py"}
    sources = {path for package in PACKAGES for path in modules(package)}
    assert sources - {path for row in ORDER for part in row for path in modules(part)} == empty


@pytest.mark.parametrize(("level", "part"), [(level, part) for level, row in enumerate(ORDER) for part in row])
def test_imports_point_one_way(level: int, part: str) -> None:
    free = (part, *ONLY.get(part, (above for row in ORDER[:level] for above in row)))
    found = [(path, name) for path in modules(part) for name in imported(path) if within(name, *PACKAGES)]
    assert [f"{path.relative_to(ROOT)} imports {name}" for path, name in found if not within(name, *free)] == []


@pytest.mark.parametrize(("level", "part"), [(level, part) for level, row in enumerate(API_ORDER) for part in row])
def test_imports_inside_the_api_point_one_way(level: int, part: str) -> None:
    free = (*API_ORDER[level], *(below for row in API_ORDER[:level] for below in row))
    found = [(path, name) for path in modules(part) for name in imported(path) if within(name, "api")]
    assert [f"{path.relative_to(ROOT)} imports {name}" for path, name in found if not within(name, *free)] == []


def test_few_modules_of_the_api_stand_alone() -> None:
    assert len([path for path in (ROOT / "api").glob("*.py") if path.name != "__init__.py"]) <= 8


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_named_in_its_homes_only(library: str) -> None:
    files = [path for package in PACKAGES for path in modules(package)]
    users = [str(path.relative_to(ROOT)) for path in files if any(within(name, library) for name in imported(path))]
    assert [user for user in users if not user.startswith(HOMES[library])] == []
