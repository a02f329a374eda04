"""Defects that users met, on the views they met them on."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

SHAPES = ("disc", "square", "triangle")


@pytest.fixture(scope="module")
def shapes(url: str) -> str:
    """The id of a job that was trained on an uploaded data set of three classes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in SHAPES:
            for number in range(14):
                archive.writestr(f"{name}/{number}.png", _shape(name, number % 6))
    layers = [{"units": 8, "activation": "relu"}, {"units": 3, "activation": "softmax"}]
    with httpx2.Client(base_url=url, timeout=70) as client:
        client.put("/v1/datasets/shapes", content=file.getvalue()).raise_for_status()
        spec = {
            "name": "shapes",
            "dataset": {"name": "shapes"},
            "network": {"layers": layers},
            "gradient": {"method": "per-neuron"},
            "epochs": 40,
        }
        job = client.post("/v1/jobs", json=spec).raise_for_status().json()["id"]
        while client.get(f"/v1/jobs/{job}", headers={"Prefer": "wait=60"}).json()["status"] in ("queued", "running"):
            pass
    return str(job)


def _shape(name: str, shift: int) -> bytes:
    image = Image.new("L", (28, 28), 255)
    pen = ImageDraw.Draw(image)
    if name == "disc":
        pen.ellipse((4 + shift, 4, 20 + shift, 20), fill=0)
    elif name == "square":
        pen.rectangle((4 + shift, 4, 20 + shift, 20), fill=0)
    else:
        pen.polygon([(4 + shift, 22), (20 + shift, 22), (12 + shift, 4)], fill=0)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def many(url: str, trained: str) -> Iterator[None]:
    """More jobs than one page of the list has, all newer than `trained`."""
    with httpx2.Client(base_url=url, timeout=60) as client:
        ids = [client.post("/v1/jobs", json={"name": f"new {i}", "epochs": 500}).json()["id"] for i in range(56)]
        yield
        for job in reversed(ids):
            client.post(f"/v1/jobs/{job}/cancel").raise_for_status()
        for job in ids:
            client.delete(f"/v1/jobs/{job}").raise_for_status()


def test_a_new_view_begins_at_its_top(page: Page, trained: str) -> None:
    page.goto("/#/new")
    expect(page.locator(".outcome")).to_contain_text("3,110")
    page.evaluate("window.scrollTo(0, 900)")
    page.evaluate(f"location.hash = '#/jobs/{trained}'")
    expect(page.locator("h1")).to_contain_text("trained")
    assert page.evaluate("window.scrollY") == 0
    expect(page).to_have_title("trained · dualtrain")


def test_counts_and_search_cover_all_jobs(page: Page, url: str, many: None, network_may_fail: None) -> None:
    page.goto("/")
    total = httpx2.get(f"{url}/v1/jobs").json()["total"]
    queued = httpx2.get(f"{url}/v1/jobs?status=queued").json()["total"]
    expect(page.locator(".lead")).to_have_text(f"8 running, {queued} queued, {total} jobs in all.")
    expect(page.locator("tr.job").first).to_have_class(re.compile("running"))
    assert max(row.bounding_box()["height"] for row in page.locator("tr.job").all()[:5]) <= 42  # type: ignore[index]
    page.get_by_label("Search").fill("trained")
    expect(page.get_by_role("link", name="trained", exact=True)).to_be_visible()


def test_compare_and_draw_find_jobs_that_are_not_among_the_newest(
    page: Page, many: None, trained: str, network_may_fail: None
) -> None:
    page.goto("/#/compare")
    page.get_by_label("Find jobs").fill("trained")
    page.get_by_role("checkbox", name=re.compile("^trained")).check()
    expect(page.get_by_role("region", name="Final values").get_by_role("link", name="trained")).to_be_visible()
    page.goto("/#/draw")
    page.get_by_label("Find a job").fill("trained")
    page.locator("#model").select_option(trained)


def test_a_data_set_is_uploaded_and_its_samples_shown(page: Page, tmp_path: Path, network_may_fail: None) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in SHAPES[:2]:
            for number in range(14):
                archive.writestr(f"{name}/{number}.png", _shape(name, number % 6))
    page.goto("/#/datasets")
    page.get_by_label("Name").fill("No Name")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("name")
    page.get_by_label("Name").fill("by-page")
    page.get_by_role("button", name="Upload").click()
    row = page.get_by_role("row", name=re.compile("by-page"))
    expect(row).to_contain_text(SHAPES[0])
    row.get_by_role("button", name="by-page").click()
    expect(page.locator(".thumb")).to_have_count(4)


def test_classes_have_their_names(page: Page, shapes: str) -> None:
    page.goto(f"/#/jobs/{shapes}")
    expect(page.locator(".confusion tbody th")).to_have_text(list(SHAPES))
    page.goto(f"/#/draw/{shapes}")
    expect(page.locator(".prob b")).to_have_text(list(SHAPES))
    page.get_by_role("button", name=re.compile("Test sample .* a (disc|square|triangle)")).first.click()
    expect(page.locator(".answer")).to_have_text(re.compile("This is a (disc|square|triangle)"))


def test_the_form_gives_the_last_layer_a_unit_for_each_class(page: Page, shapes: str) -> None:
    page.goto("/#/new")
    expect(page.locator(".outcome")).to_contain_text("3,110")
    page.get_by_label("Data set").fill("shapes")
    expect(page.locator(".outcome")).to_contain_text("2,963")


def test_a_decimal_comma_is_refused(page: Page, network_may_fail: None) -> None:
    page.goto("/#/new")
    expect(page.locator(".outcome")).to_contain_text("3,110")
    page.get_by_label("Learning rate", exact=True).press_sequentially("0,5")
    field = page.locator(".field", has=page.get_by_label("Learning rate", exact=True))
    expect(field.locator(".wrong")).to_contain_text("0,5 is not a number")


def test_the_confusion_matrix_fits_a_phone(page: Page, trained: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/#/jobs/{trained}")
    expect(page.locator(".confusion")).to_be_visible()
    region = page.get_by_role("region", name="Confusion matrix")
    assert region.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_an_empty_comparison_says_so(page: Page) -> None:
    page.route(
        re.compile(r"/v1/jobs\?"),
        lambda route: route.fulfill(json={"data": [], "has_more": False, "next": None, "total": 0}),
    )
    page.goto("/#/compare")
    expect(page.locator(".choices .empty")).to_be_visible()


def test_an_ended_job_says_how_long_it_took(page: Page, trained: str) -> None:
    page.goto(f"/#/jobs/{trained}")
    expect(page.locator(".facts").first).to_contain_text(re.compile(r"Duration[\d.]+ s"))


def test_a_failed_job_shows_its_reason_and_no_dead_buttons(page: Page, submit: Callable[..., str], url: str) -> None:
    job = submit(
        name="waits", dataset={"name": "ylecun/mnist"}, network={"layers": [{"units": 10, "activation": "softmax"}]}
    )
    state = httpx2.get(f"{url}/v1/jobs/{job}").json()
    failed = {**state, "status": "failed", "status_reason": {"code": "data_unavailable", "message": "no data"},
              "finished_at": state["created_at"], "progress": {**state["progress"], "step": 0}}  # fmt: skip
    page.route(f"**/v1/jobs/{job}", lambda route: route.fulfill(json=failed))
    page.route(
        re.compile(r"/v1/jobs\?"),
        lambda route: route.fulfill(json={"data": [failed], "has_more": False, "next": None, "total": 1}),
    )
    page.goto(f"/#/jobs/{job}")
    expect(page.locator(".job-view .reason")).to_have_css("color", "rgb(179, 38, 30)")
    expect(page.get_by_role("button", name="Follow ε")).to_be_disabled()
    expect(page.get_by_role("link", name="ONNX")).to_have_count(0)
