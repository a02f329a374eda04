import pytest
from playwright.sync_api import Page, expect

NAMELESS = """() => [...document
    .querySelectorAll("a, button, input, select, textarea, meter, progress, [role=img], img")]
    .filter(one => !(one.labels?.length || one.ariaLabel || one.getAttribute("alt") || one.textContent.trim()))
    .filter(one => one.checkVisibility()).map(one => one.outerHTML)"""


@pytest.fixture
def places(trained: str) -> list[str]:
    return ["#/", "#/new", "#/sweeps", "#/datasets", "#/draw", "#/compare", f"#/jobs/{trained}"]


def test_everything_one_can_use_has_a_name(page: Page, places: list[str]) -> None:
    for place in places:
        page.goto(f"/{place}")
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate(NAMELESS) == [], place


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_is_wider_than_the_screen(page: Page, places: list[str], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for place in places:
        page.goto(f"/{place}")
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place


def test_the_theme_is_remembered(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/")
    expect(page.locator("body")).to_have_css("background-color", "rgb(246, 247, 249)")
    page.get_by_role("button", name="Theme").click()
    expect(page.locator("body")).to_have_css("background-color", "rgb(18, 21, 27)")
    page.reload()
    expect(page.locator("body")).to_have_css("background-color", "rgb(18, 21, 27)")


def test_the_keyboard_reaches_the_content_first(page: Page) -> None:
    page.goto("/#/new")
    expect(page.locator("h1")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.url.endswith("/#/new")


def test_each_view_has_its_own_title(page: Page, network_may_fail: None) -> None:
    titles = {
        "/": "Jobs",
        "/#/new": "New job",
        "/#/jobs/job-0": "job-0",
        "/#/constructor": "Jobs",
        "/#/draw": "Draw a digit",
    }
    for place, title in titles.items():
        page.goto(place)
        expect(page).to_have_title(f"{title} · dualtrain")
