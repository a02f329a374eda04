from playwright.sync_api import Page, expect


def test_a_key_opens_the_page_until_one_logs_out(page: Page, locked: tuple[str, str], network_may_fail: None) -> None:
    url, key = locked
    page.goto(url)
    page.get_by_label("API key").fill("not the key")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("does not know")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#status")).to_contain_text("2 workers")
    page.reload()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.get_by_role("button", name="Log out ada").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
