"""Sweeps on the page, and choosing many jobs."""

import re
from collections.abc import Callable

import httpx2
from playwright.sync_api import Page, expect

SPEC = """{"name": "page sweep", "base": {"max_steps": 20, "evaluate_every": 10, "gradient": {"method": "per-neuron"}},
"grid": {"optimizer.learning_rate": [0.3, 0.1]}, "seeds": 2}"""


def test_a_sweep_from_the_form_to_its_table_and_the_comparison(page: Page, network_may_fail: None) -> None:
    page.goto("/#/sweeps")
    text = page.get_by_label("Base job, variants")
    text.fill(SPEC.replace('"seeds": 2', '"seds": 2'))
    page.get_by_role("button", name="Start sweep").click()
    expect(page.get_by_role("alert")).to_contain_text("seds")
    text.fill(SPEC)
    page.get_by_role("button", name="Estimate").click()
    expect(page.get_by_text("2 cells, 4 jobs")).to_be_visible()
    page.get_by_role("button", name="Start sweep").click()
    expect(page.locator("h1")).to_have_text("page sweep")
    expect(page.locator(".lead")).to_contain_text("4 succeeded of 4 jobs")
    row = page.get_by_role("row", name=re.compile("learning_rate=0.3"))
    expect(row.get_by_role("cell").nth(1)).to_have_text(re.compile(r"%.± |% ±"))
    expect(page.locator(".plot canvas")).to_have_count(2)
    page.get_by_role("link", name="Compare").last.click()
    values = page.get_by_role("region", name="Final values")
    expect(values.get_by_role("link", name=re.compile("page sweep: learning_rate=0.1"))).to_be_visible()
    page.get_by_label("Loss axis").select_option("log")
    page.get_by_label("Smoothing").select_option("0.6")
    expect(page.locator(".u-legend").first).to_contain_text("n = 2")
    page.goto("/#/sweeps")
    page.get_by_role("link", name="page sweep").first.click()
    page.get_by_role("button", name="Delete sweep").click()
    page.wait_for_url("**/#/sweeps")
    expect(page.get_by_role("link", name="page sweep")).to_have_count(0)


def test_many_jobs_are_chosen_and_deleted(page: Page, url: str, submit: Callable[..., str]) -> None:
    kept = submit(name="kept", max_steps=1)
    ids = [submit(name=f"unwanted {i}", max_steps=1, gradient={"method": "per-neuron"}) for i in range(4)]
    page.goto("/")
    page.get_by_label("Search").fill("unwanted")
    expect(page.locator(".lead")).to_contain_text("4 match.")
    expect(page.locator("tr.job.succeeded")).to_have_count(4)
    page.get_by_role("button", name="Job", exact=True).click()
    expect(page.locator("tr.job .title").first).to_have_text("unwanted 0")
    page.get_by_label("Choose unwanted 0").check()
    expect(page.get_by_role("group", name="Chosen jobs")).to_contain_text("1 chosen")
    page.get_by_role("button", name="Choose all 4").click()
    page.get_by_role("button", name="Delete jobs").click()
    expect(page.locator(".lead")).to_contain_text("None matches")
    assert {httpx2.get(f"{url}/v1/jobs/{job}").status_code for job in ids} == {404}
    assert httpx2.get(f"{url}/v1/jobs/{kept}").status_code == 200
