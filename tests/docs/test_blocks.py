"""Every code block of the documents runs: a page's shell blocks as one script, its Python blocks as one program.

A comment before a block may say otherwise: `<!-- not run: REASON -->`, or `<!-- containers -->` for what
`make containers` runs.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
URL = "http://127.0.0.1:8000"
"""Where a reader's service listens; here it is another port."""
BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
SHELL, PYTHON = "bash", "python"
SHOWN = {"", "text", "json", "mermaid", "toml", "yaml", "ini"}
"""Languages of blocks that show something and are not for running."""
PAGE_SECONDS = 100


def blocks(page: Path, language: str, note: str = "") -> list[str]:
    """Return the blocks of a page in a language whose comment begins with `note`; without one: those that run here."""
    found = [match for match in BLOCK.finditer(page.read_text()) if match["language"] == language]
    return [match["code"] for match in found if (match["note"] or "").startswith(note) and (note or not match["note"])]


def _with(language: str) -> list[Path]:
    return [page for page in PAGES if page.exists() and blocks(page, language)]


def _named(page: Path) -> str:
    return page.name


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a whole service, started as the documents say."""
    folder = tmp_path_factory.mktemp("service")
    command = [_program("dualtrain"), "up", "--port", "0", "--workers", "1", "--data-dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("page", _with(SHELL), ids=_named)
def test_shell_blocks(page: Path, service: str, tmp_path: Path) -> None:
    script = "\n".join(["set -euo pipefail", *blocks(page, SHELL)]).replace(URL, service)
    environment = {
        **os.environ,
        "DUALTRAIN_URL": service,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    _run(["bash", "-xc", script], tmp_path, environment)


@pytest.mark.parametrize("page", _with(PYTHON), ids=_named)
def test_python_blocks(page: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    program = "\n".join(_program_of(block) for block in blocks(page, PYTHON))
    if URL in program:
        program = program.replace(URL, request.getfixturevalue("service"))
    _run([sys.executable, "-W", "error", "-c", program], tmp_path, dict(os.environ))


@pytest.mark.parametrize("page", [page for page in PAGES if page.exists()], ids=_named)
def test_every_block_runs_or_says_why_not(page: Path) -> None:
    for match in BLOCK.finditer(page.read_text()):
        if match["language"] in (SHELL, PYTHON):
            assert re.fullmatch(r"|containers|not run: .+", match["note"] or ""), match["note"]
        else:
            assert match["language"] in SHOWN, match["language"]


@pytest.mark.parametrize("page", [page for page in PAGES if page.exists()], ids=_named)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert not [target for target in local if not (page.parent / target).exists()]


def _program_of(block: str) -> str:
    """Return a block as a program; one in the form of a session is a doctest, which shares the page's names."""
    if not block.startswith(">>>"):
        return block
    return (
        f"import doctest; _test = doctest.DocTestParser().get_doctest({block!r}, globals(), 'block', None, 0)\n"
        "_runner = doctest.DocTestRunner(); _runner.run(_test, clear_globs=False)\n"
        "globals().update(_test.globs); assert not _runner.failures\n"
    )


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PAGE_SECONDS, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)
