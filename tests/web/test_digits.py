import math
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

Point = tuple[float, float]
RING: list[Point] = [(0.5 + 0.22 * math.sin(a / 5), 0.5 - 0.32 * math.cos(a / 5)) for a in range(33)]
STROKES: dict[int, list[list[Point]]] = {
    0: [RING],
    1: [[(0.5, 0.15), (0.5, 0.85)]],
    7: [[(0.25, 0.2), (0.72, 0.2), (0.45, 0.85)]],
}


def draw(page: Page, strokes: list[list[Point]]) -> None:
    box = page.locator("canvas.pen").bounding_box()
    assert box is not None
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=5)
        page.mouse.up()


@pytest.mark.parametrize("digit", STROKES)
def test_a_drawn_digit_is_read(page: Page, trained: str, digit: int) -> None:
    page.goto(f"/#/draw/{trained}")
    expect(page.locator("#model")).to_have_value(trained)
    draw(page, STROKES[digit])
    expect(page.locator(".answer")).to_have_text(f"This is a {digit}.")
    expect(page.locator(".prob.chosen b")).to_have_text(str(digit))
    preview = page.get_by_alt_text("The 12 by 12 pixels that the model saw")
    expect(preview).to_be_visible()
    assert preview.evaluate("async image => (await image.decode(), image.naturalWidth)") == 12


def test_a_tap_leaves_a_dot(page: Page, trained: str) -> None:
    page.goto(f"/#/draw/{trained}")
    draw(page, [[(0.5, 0.5)]])
    shade = "pen => pen.getContext('2d').getImageData(pen.width / 2, pen.height / 2, 1, 1).data[0]"
    assert page.locator("canvas.pen").evaluate(shade) == 255


def test_test_digits_are_read_by_keyboard_alone(page: Page, trained: str) -> None:
    page.goto(f"/#/draw/{trained}")
    samples = page.locator("button.sample")
    expect(samples).to_have_count(10)
    right = 0
    for sample in samples.all():
        label = (sample.get_attribute("aria-label") or "")[-1]
        sample.focus()
        with page.expect_response(re.compile("/predictions")) as answer:
            page.keyboard.press("Enter")
        digit = answer.value.json()["predictions"][0]["digit"]
        expect(page.locator(".answer")).to_have_text(f"This is a {digit}.")
        right += label == str(digit)
    assert right >= 7  # the model is right about 95 % of them


def test_a_drawing_outlives_a_look_elsewhere(page: Page, trained: str) -> None:
    page.goto(f"/#/draw/{trained}")
    draw(page, STROKES[1])
    expect(page.locator(".answer")).to_have_text("This is a 1.")
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.get_by_role("link", name="Draw a digit").click()
    expect(page.locator(".answer")).to_have_text("This is a 1.")


def test_epsilon_arrives_at_the_loss_as_the_finite_difference_says(page: Page, trained: str) -> None:
    page.goto(f"/#/jobs/{trained}")
    page.get_by_role("button", name="Pick a weight for me").click()
    expect(page.locator(".stage")).to_have_count(4)
    derivative, difference, _ = (float(text) for text in page.locator(".pair dd").all_inner_texts())
    assert derivative == pytest.approx(difference, rel=1e-4, abs=1e-8)


def test_a_click_on_the_weights_picks_that_weight(page: Page, trained: str) -> None:
    page.goto(f"/#/jobs/{trained}")
    picture = page.locator("img.weights")
    expect(picture).to_be_visible()
    cells = 8 * 13 + 1  # 64 units: 8 x 8 tiles of 12 pixels, a gap after each and one before
    width = picture.evaluate("image => image.clientWidth")
    x, y = (1 + 13 * 2 + 5.5) * width / cells, (1 + 13 * 1 + 3.5) * width / cells
    picture.click(position={"x": x, "y": y})
    expect(page.locator("#trace-row-i")).to_have_value(str(3 * 12 + 5))
    expect(page.locator("#trace-column-j")).to_have_value(str(8 + 2))
    expect(page.locator(".pair")).to_be_visible()


def test_one_stream_serves_the_whole_page(page: Page, trained: str, submit: Callable[..., str]) -> None:
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if request.resource_type == "eventsource" else None)
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("workers")
    for name in ("New job", "Draw a digit", "Compare", "Jobs"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator("h1")).to_be_visible()
    assert [stream.rpartition("/v1")[2] for stream in streams] == ["/events"]
