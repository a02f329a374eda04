"""The threat model: each of its lines has a test, and the lines that no other folder can hold have theirs here."""

import ast
import re
from pathlib import Path

import pytest

from dualtrain.core.store.broker import TASK
from dualtrain.worker.app import app

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^\| [^|]+ \| [^|]+ \| `(tests/[a-z_/]+\.py)::(test_\w+)` \|$", re.MULTILINE)
SOURCES = [path for folder in ("api", "client", "core", "worker") for path in (ROOT / folder).rglob("*.py")]
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


def _threats() -> list[tuple[str, str]]:
    text = (ROOT / "SECURITY.md").read_text()
    return LINE.findall(text[text.index("## Threats") : text.index("## What is not")])


def test_every_line_names_a_test() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    lines = [
        line for line in text[text.index("## Threats") : text.index("## What is not")].splitlines() if line[:1] == "|"
    ]
    assert len(lines) - 2 == len(_threats()) > 0


@pytest.mark.parametrize("threat", _threats(), ids=lambda threat: threat[1])
def test_the_test_of_a_line_exists(threat: tuple[str, str]) -> None:
    path, name = threat
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_a_worker_reads_json_and_knows_one_task() -> None:
    app.loader.import_default_modules()
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert [name for name in app.tasks if not name.startswith("celery.")] == [TASK]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_unpickles_or_evaluates(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not FORBIDDEN_MODULES & {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in FORBIDDEN_MODULES
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "trust_remote_code", "shell"):
            assert isinstance(node.value, ast.Constant) and node.value.value is False
