import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from dualtrain.api.security import Scope
from dualtrain.api.security.keys import create

STOP_SECONDS = 60
PATIENCE_MILLISECONDS = 60_000
EXPECT_MILLISECONDS = 30_000
NETWORK = re.compile(r"net::ERR_|Failed to load resource")


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A whole running service; its first line is its address."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "dualtrain.client",
        "up",
        "--port",
        "0",
        "--workers",
        "2",
        "--data-dir",
        str(folder),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    yield process
    process.terminate()
    process.wait(STOP_SECONDS)
    assert process.stdout is not None
    process.stdout.close()


def address(stack: subprocess.Popen[str]) -> str:
    """Wait until the service is ready."""
    assert stack.stdout is not None
    return stack.stdout.readline().strip()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A service without keys."""
    with started(tmp_path_factory.mktemp("page")) as process:
        yield process


@pytest.fixture(scope="session")
def url(stack: subprocess.Popen[str]) -> str:
    """The service's address; it is printed once the service is ready."""
    return address(stack)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and key of a service that asks for one."""
    keys = tmp_path / "keys.json"
    token = create(keys, "ada", frozenset({Scope.ADMIN}))
    with started(tmp_path / "data", DUALTRAIN_API_KEYS_FILE=str(keys)) as process:
        yield address(process), token


@pytest.fixture
def submit(url: str) -> Callable[..., str]:
    """A function that submits a job and returns its id."""

    def post(**spec: object) -> str:
        return str(httpx2.post(f"{url}/v1/jobs", json=spec).raise_for_status().json()["id"])

    return post


@pytest.fixture(scope="session")
def trained(url: str) -> str:
    """The id of a job that has learned enough to read digits."""
    spec = {
        "name": "trained",
        "network": {"layers": [{"units": 64, "activation": "relu", "initializer": "he"},
                               {"units": 10, "activation": "softmax"}]},
        "gradient": {"method": "per-neuron"},
        "optimizer": {"name": "momentum"},
    }  # fmt: skip
    with httpx2.Client(base_url=url, timeout=70) as client:
        job = client.post("/v1/jobs", json=spec).raise_for_status().json()
        while job["status"] in ("queued", "running"):
            job = client.get(f"/v1/jobs/{job['id']}", headers={"Prefer": "wait=60"}).json()
    assert job["status"] == "succeeded"
    return str(job["id"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, else the one that Playwright installed.

    Not for the whole session: as long as Playwright is there, no test of another module can run an event loop.
    """
    expect.set_options(timeout=EXPECT_MILLISECONDS)
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or playwright.chromium.executable_path
        if not Path(program).exists():
            pytest.skip("no browser: apt-get install chromium, or playwright install chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def expected() -> list[re.Pattern[str]]:
    """What the browser's console may complain of."""
    return []


@pytest.fixture
def page(browser: Browser, url: str, expected: list[re.Pattern[str]], tmp_path: Path) -> Iterator[Page]:
    """A fresh page of the service. Whatever else the console complains of fails the test."""
    complaints: list[str] = []
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.text} {message.location['url']}")

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    page.screenshot(path=tmp_path / "last.png")
    context.close()
    assert [text for text in complaints if not any(one.search(text) for one in expected)] == []


@pytest.fixture
def network_may_fail(expected: list[re.Pattern[str]]) -> None:
    """For tests that make requests fail: the browser tells of each one, of the last one maybe after the test."""
    expected.append(NETWORK)
