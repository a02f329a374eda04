"""Makes docs/images/page-*.png from a service of its own: `python -m tests.web.screenshots`."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser, Page, sync_playwright

from tests.web.conftest import address, started
from tests.web.test_digits import STROKES, draw

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDE, NARROW = 1280, 390
SOFTMAX = {"units": 10, "activation": "softmax"}
JOBS: dict[str, dict[str, Any]] = {
    "default": {},
    "exact, one pass for each unit": {"gradient": {"method": "per-neuron"}, "optimizer": {"name": "momentum"}},
    "sixteen random directions": {
        "gradient": {"method": "forward-gradient", "perturb": "activations"},
        "optimizer": {"name": "adam", "learning_rate": 0.003},
    },
    "black box that rounds": {
        "network": {"layers": [{"units": 20, "activation": "relu", "initializer": "he"},
                               {"custom": "quantize"}, SOFTMAX]},
        "gradient": {"method": "spsa", "directions": 32, "step_size": 0.01},
        "optimizer": {"name": "adam", "learning_rate": 0.003},
    },
}  # fmt: skip
STEPS = {"max_steps": 600, "evaluate_every": 50}
LONG = {"name": "default, ten epochs", "epochs": 10, "shards": 4}


def main() -> None:
    """Train the jobs, then photograph every view."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as stack, sync_playwright() as playwright:
        url = address(stack)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        ids = [_trained(url, {"name": name, **spec, **STEPS}) for name, spec in JOBS.items()]
        running = _submitted(url, LONG)
        _running(_page(browser, url, 1500), running)
        _listed(_page(browser, url, 760))
        _form(_page(browser, url, 900))
        _compared(_page(browser, url, 760), ids)
        _epsilon(_page(browser, url, 800, color_scheme="dark", reduced_motion="reduce"), ids[0])
        _drawn(_page(browser, url, 860), ids[1])
        _phone(browser, url, ids[1])
        browser.close()


def _submitted(url: str, spec: dict[str, Any]) -> str:
    return str(httpx2.post(f"{url}/v1/jobs", json=spec).raise_for_status().json()["id"])


def _trained(url: str, spec: dict[str, Any]) -> str:
    job = _submitted(url, spec)
    with httpx2.Client(base_url=url, timeout=70, headers={"Prefer": "wait=60"}) as client:
        while client.get(f"/v1/jobs/{job}").json()["status"] in ("queued", "running"):
            pass
    return job


def _page(browser: Browser, url: str, height: int, width: int = WIDE, **options: Any) -> Page:
    return browser.new_context(base_url=url, viewport={"width": width, "height": height}, **options).new_page()


def _save(page: Page, name: str) -> None:
    page.wait_for_timeout(2500)  # the last wave of the ε arrives after two seconds
    page.screenshot(path=IMAGES / f"page-{name}.png")


def _running(page: Page, job: str) -> None:
    page.goto(f"/#/jobs/{job}")
    page.wait_for_function("() => Number(document.querySelector('progress')?.value) > 300", timeout=120_000)
    _save(page, "job")


def _listed(page: Page) -> None:
    page.goto("/")
    page.wait_for_selector(".job")
    _save(page, "jobs")


def _form(page: Page) -> None:
    page.goto("/#/new")
    page.wait_for_selector(".outcome dd", timeout=60_000)
    _save(page, "form")


def _compared(page: Page, jobs: list[str]) -> None:
    page.goto(f"/#/compare/{','.join(jobs)}")
    page.wait_for_selector(".u-legend")
    _save(page, "compare")


def _epsilon(page: Page, job: str) -> None:
    page.goto(f"/#/jobs/{job}")
    page.get_by_role("button", name="Pick a weight for me").click()
    page.wait_for_selector(".pair")
    page.locator("#epsilon").screenshot(path=IMAGES / "page-epsilon.png")


def _drawn(page: Page, job: str) -> None:
    page.goto(f"/#/draw/{job}")
    draw(page, STROKES[7])
    _save(page, "draw")


def _phone(browser: Browser, url: str, job: str) -> None:
    page = _page(browser, url, 844, NARROW, has_touch=True, color_scheme="dark")
    page.goto(f"/#/draw/{job}")
    draw(page, STROKES[0])
    _save(page, "phone")


if __name__ == "__main__":
    main()
