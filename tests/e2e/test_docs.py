"""/api/docs in a real browser that reaches nothing but this server."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(240)]


def test_docs_show_and_try_every_operation_without_a_network(page: Page, stack: Stack) -> None:
    own = urlsplit(stack.base_url).netloc
    foreign: list[str] = []
    problems: list[str] = []

    def only_own(route: Route) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in {"data", "blob"} or parts.netloc == own:
            route.continue_()
            return
        foreign.append(route.request.url)
        route.abort()

    page.context.route("**/*", only_own)
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{stack.base_url}/api/docs")
    expect(page.get_by_role("heading", name="EuGPT API")).to_be_visible(timeout=60_000)
    schema = page.request.get(f"{stack.base_url}/api/schema").json()
    operations = sum(len(item) for item in schema["paths"].values())
    expect(page.locator(".opblock")).to_have_count(operations, timeout=60_000)
    for tag in schema["tags"]:
        expect(page.get_by_text(tag["description"], exact=True)).to_be_visible()
    health = page.locator("#operations-system-health")
    health.locator(".opblock-summary").click()
    health.get_by_role("button", name="Try it out").click()
    health.get_by_role("button", name="Execute").click()
    expect(health.locator(".live-responses-table")).to_contain_text("eugpt-tiny", timeout=60_000)
    assert foreign == []
    assert problems == []
