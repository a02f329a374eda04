"""Language of the sources: domain nouns as variable names, and docstrings that name a thing or an action."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("core", "api", "worker", "client")
PENDING = ("core/gradients", "core/nn", "api/jobs", "api/routes", "api/sweeps", "client/cli")
"""Folders that are not yet rewritten."""
VERBS = frozenset({"asked", "found", "gone", "heard", "kept", "made", "one", "said", "shown", "told", "wanted"})
"""Names that say what happened to a value instead of what it is. Fields of dataclasses and JSON are not variables."""
HEADLESS = re.compile(r"(How|That of|What|Where|Whether|Who|Whoever|Whose)\b")
"""First words of a docstring that is a clause without a noun."""

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def verbs(tree: ast.Module) -> Iterator[str]:
    """Yield the variables and parameters whose names are banned, with their lines."""
    fields = {id(node.target) for part in ast.walk(tree) if isinstance(part, ast.ClassDef) for node in annotated(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.arg in VERBS:
            yield f"line {node.lineno}: {node.arg}"
        elif isinstance(node, ast.Name) and stores(node) and id(node) not in fields:
            yield f"line {node.lineno}: {node.id}"


def stores(name: ast.Name) -> bool:
    """Return whether a banned name is assigned here."""
    return isinstance(name.ctx, ast.Store) and name.id in VERBS


def annotated(part: ast.ClassDef) -> Iterator[ast.AnnAssign]:
    """Yield the declarations of a class's fields."""
    return (node for node in part.body if isinstance(node, ast.AnnAssign))


def headless(tree: ast.Module) -> Iterator[str]:
    """Yield the docstrings that begin with a clause instead of a noun or a verb."""
    for node in ast.walk(tree):
        text = ast.get_docstring(node) if isinstance(node, Documented) else None
        if text and HEADLESS.match(text):
            yield text.splitlines()[0]


def sources() -> list[str]:
    """Return the source files that must hold the rules."""
    paths = (path.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
    return sorted(path for path in paths if not path.startswith(tuple(f"{folder}/" for folder in PENDING)))


@pytest.mark.parametrize("rule", [verbs, headless])
def test_sources_name_things_by_nouns(rule):
    failures = {path: list(rule(ast.parse((ROOT / path).read_text()))) for path in sources()}
    assert {path: lines for path, lines in failures.items() if lines} == {}


def test_the_rules_recognize_what_they_ban():
    tree = ast.parse('def f(told):\n    """What is told."""\n    found = [one for one in told]\n    return found\n')
    assert list(headless(tree)) == ["What is told."]
    assert {line.split()[-1] for line in verbs(tree)} == {"told", "found", "one"}


def test_fields_of_a_class_are_no_variables():
    assert list(verbs(ast.parse("class Rung:\n    kept: tuple[int, ...]\n"))) == []
