import re
import subprocess
from collections.abc import Callable

import httpx2
import psutil
from playwright.sync_api import Page, expect

LONG = {"epochs": 1000, "gradient": {"method": "per-neuron"}}


def status(page: Page, name: str) -> None:
    expect(page.locator("h1 .badge")).to_have_text(name, timeout=90_000)


def steps(page: Page) -> int:
    found = re.search(r"step ([\d,]+) of", page.locator(".figures").first.inner_text())
    return int(found[1].replace(",", "")) if found else 0


def test_a_stranger_trains_a_network_from_the_form(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Train a network").click()
    expect(page.get_by_text("3,110", exact=True)).to_be_visible()
    page.get_by_label("Maximum steps").fill("300")
    expect(page.locator(".outcome")).to_contain_text("300")
    page.get_by_role("button", name="Start training").click()
    status(page, "succeeded")
    expect(page.locator(".figures").first).to_have_text("step 300 of 300")
    expect(page.locator(".facts").first).to_contain_text(re.compile(r"Test accuracy[678]\d\.\d\d %"))
    expect(page.locator(".plot canvas")).to_have_count(2)
    expect(page.locator("rect.shard").first).to_be_visible()
    expect(page.locator("img.weights")).to_be_visible()
    expect(page.locator("table.confusion td.right")).to_have_count(10)


def test_the_form_says_what_is_wrong_with_a_field(page: Page, network_may_fail: None) -> None:
    page.goto("/#/new")
    expect(page.locator(".outcome")).to_contain_text("3,110")
    page.get_by_label("Batch size").fill("0")
    field = page.locator(".field", has=page.get_by_label("Batch size"))
    expect(field.locator(".wrong")).to_contain_text("greater than or equal to 1")
    page.get_by_label("Batch size").fill("32")
    expect(page.locator(".outcome")).to_contain_text("1,875")
    expect(field.locator(".wrong")).to_be_hidden()


def test_every_preset_can_be_estimated_and_its_choice_brings_its_fields(page: Page) -> None:
    page.goto("/#/new")
    expect(page.locator(".outcome")).to_contain_text("3,110")
    for name, parameters in (("Fast", "9,930"), ("Full size", "79,510"), ("Black box", "3,110"), ("Forward", "3,110")):
        page.get_by_role("button", name=re.compile(f"^{name}")).click()
        expect(page.locator(".outcome")).to_contain_text(parameters)
    expect(page.get_by_label("Directions", exact=True)).to_have_value("16")
    page.get_by_label("Method", exact=True).select_option("per-neuron")
    expect(page.get_by_label("Directions", exact=True)).to_be_hidden()


def test_a_draft_outlives_a_reload(page: Page) -> None:
    page.goto("/#/new")
    expect(page.locator(".outcome")).to_contain_text("3,110")
    page.get_by_label("Name", exact=True).fill("half done")
    page.reload()
    expect(page.get_by_label("Name", exact=True)).to_have_value("half done")


def test_pause_resume_and_cancel(page: Page, submit: Callable[..., str], network_may_fail: None) -> None:
    job = submit(name="long", **LONG)
    page.goto(f"/#/jobs/{job}")
    page.get_by_role("button", name="Pause long").click()
    status(page, "paused")
    page.get_by_role("button", name="Resume long").click()
    status(page, "running")
    before = steps(page)
    page.wait_for_function("before => Number(document.querySelector('progress').value) > before", arg=before)
    page.get_by_role("button", name="Cancel long").click()
    status(page, "cancelled")
    page.get_by_role("button", name="Delete long").click()
    page.wait_for_url("**/#/")
    expect(page.get_by_role("link", name="long", exact=True)).to_have_count(0)


def test_the_list_shows_jobs_of_others_without_a_reload(page: Page, submit: Callable[..., str]) -> None:
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("2 workers")
    job = submit(name="from elsewhere", max_steps=50)
    row = page.locator(".job", has=page.locator(f"a[href='#/jobs/{job}']"))
    expect(row.locator(".badge")).to_have_text("succeeded")
    expect(row.locator(".figures")).to_have_text("step 50 of 50")


def test_the_page_goes_on_after_the_server_was_killed(
    page: Page, stack: subprocess.Popen[str], url: str, submit: Callable[..., str], network_may_fail: None
) -> None:
    job = submit(name="survivor", **LONG)
    page.goto(f"/#/jobs/{job}")
    page.wait_for_function("() => Number(document.querySelector('progress')?.value) > 50")
    _kill_api(stack)
    expect(page.locator("#status")).to_contain_text("reconnecting")
    expect(page.locator("#status")).to_contain_text("2 workers")
    before = steps(page)
    page.wait_for_function("before => Number(document.querySelector('progress').value) > before + 50", arg=before)
    httpx2.post(f"{url}/v1/jobs/{job}/cancel").raise_for_status()
    status(page, "cancelled")


def test_what_a_method_counts_has_one_figure(page: Page, submit: Callable[..., str]) -> None:
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("2 workers")
    page.goto(f"/#/jobs/{submit(gradient={'method': 'spsa'}, max_steps=100)}")
    status(page, "succeeded")
    names = page.locator("dl.facts dt").all_inner_texts()
    assert ("Evaluations" in names, "Passes" in names) == (True, False)


def test_a_job_that_is_over_at_once_has_its_curves(page: Page, submit: Callable[..., str]) -> None:
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("2 workers")
    page.goto(f"/#/jobs/{submit(max_steps=3)}")
    status(page, "succeeded")
    expect(page.locator(".plot canvas")).to_have_count(2)


def test_jobs_lie_over_each_other(page: Page, submit: Callable[..., str], trained: str) -> None:
    other = submit(name="spsa", gradient={"method": "spsa"}, max_steps=200)
    page.goto(f"/#/compare/{trained},{other}")
    legend = page.locator(".u-legend").last
    expect(legend).to_contain_text("trained (per-neuron)")
    expect(legend).to_contain_text("spsa (spsa)")
    page.get_by_label("X axis").select_option("elapsed")
    expect(page.locator(".u-legend").last).to_contain_text("seconds of training")
    page.get_by_role("checkbox", name=re.compile("^trained")).uncheck()
    expect(page.locator(".u-legend").last).not_to_contain_text("trained")


def test_a_running_job_is_shown_though_many_newer_ones_wait(page: Page, url: str, submit: Callable[..., str]) -> None:
    ids = [submit(name=f"{number} of many", **LONG) for number in range(54)]
    page.goto("/")
    row = page.locator(".job", has=page.locator(f"a[href='#/jobs/{ids[0]}']"))
    expect(row.locator(".badge")).to_have_text("running")
    page.wait_for_function("() => document.querySelectorAll('.job.running').length >= 2")
    with httpx2.Client(base_url=url) as client:
        for job_id in reversed(ids):
            client.post(f"/v1/jobs/{job_id}/cancel").raise_for_status()
    page.get_by_role("button", name="Show older jobs").click()
    expect(row.locator(".badge")).to_have_text("cancelled")


def test_a_job_that_is_deleted_elsewhere_is_left(
    page: Page, url: str, submit: Callable[..., str], network_may_fail: None
) -> None:
    job = submit(name="short", max_steps=1)
    page.goto(f"/#/jobs/{job}")
    status(page, "succeeded")
    httpx2.delete(f"{url}/v1/jobs/{job}").raise_for_status()
    page.wait_for_url("**/#/")
    expect(page.get_by_role("link", name="short", exact=True)).to_have_count(0)


def test_what_cannot_be_read_now_is_said_and_read_later(page: Page, trained: str, network_may_fail: None) -> None:
    problem = {"code": "store_unavailable", "detail": "the store does not answer"}
    page.goto("/")
    expect(page.locator("#status")).to_contain_text("2 workers")
    page.route("**/v1/jobs**", lambda route: route.fulfill(status=503, json=problem))
    expect(page.locator("#status")).to_contain_text("not up to date")
    expect(page.locator(".lead")).to_have_text("Not up to date: the store does not answer")
    page.goto("/#/new")
    page.reload()
    page.goto(f"/#/jobs/{trained}")
    expect(page.get_by_role("heading", name="This job cannot be read now")).to_be_visible()
    page.unroute("**/v1/jobs**")
    status(page, "succeeded")
    expect(page.locator("#status")).to_contain_text("2 workers")


def test_an_unknown_job_is_said_in_words(page: Page, network_may_fail: None) -> None:
    page.goto("/#/jobs/job-000000000000")
    expect(page.get_by_role("heading", name="No such job")).to_be_visible()


def _kill_api(stack: subprocess.Popen[str]) -> None:
    children = psutil.Process(stack.pid).children(recursive=True)
    [api] = [child for child in children if "dualtrain.api.server" in " ".join(child.cmdline())]
    api.kill()
