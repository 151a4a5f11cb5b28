"""Every exported page as Django serves it: its policy, its addresses, access, weight."""

import re

import pytest

from tests.support.journeys import NewVisitor, fail_with
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
]

MAX_SCRIPT_BYTES = 200_000
INJECT = """async () => {
  const add = (tag, fields) =>
    document.body.append(Object.assign(document.createElement(tag), fields));
  add("script", {textContent: "window.injected = 'script'"});
  add("div", {innerHTML: "<img src='/none.png' onerror='window.injected = `handler`'>"});
  add("div", {innerHTML: "<button id='trap' onclick='window.injected = `click`'>x</button>"});
  document.getElementById("trap").click();
  add("style", {textContent: "body { --injected: 1 }"});
  // Later, when it is no more the debugger's code, which may evaluate what it likes.
  setTimeout(() => new Function("window.injected = 'eval'")());
  await new Promise((resolve) => setTimeout(resolve, 500));
  const style = getComputedStyle(document.body).getPropertyValue("--injected");
  return [window.injected ?? null, style];
}"""
SCRIPT_BYTES = """() => performance.getEntriesByType("resource")
  .filter(({name}) => new URL(name).pathname.endsWith(".js"))
  .reduce((sum, {encodedBodySize}) => sum + encodedBodySize, 0)"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_pages_have_no_finding_and_no_error(
    visitor: NewVisitor, stack: Stack, built_front_end: list[str], device: str, theme: str
) -> None:
    window = visitor(device, theme)
    window.expects(r"status of 404 .*/(nowhere|api/shared/)")
    findings = []
    for path in [*built_front_end, "/nowhere"]:
        window.page.goto(stack.base_url + path, wait_until="networkidle")
        findings += [f"{path}: {finding}" for finding in window.axe()]
    fail_with(findings)


def test_pages_send_the_policy_that_is_written_in_them(
    visitor: NewVisitor, stack: Stack, built_front_end: list[str]
) -> None:
    page = visitor().page
    for path in built_front_end:
        response = page.request.get(stack.base_url + path)
        header = response.headers["content-security-policy"]
        written = re.search(
            r'http-equiv="Content-Security-Policy" content="([^"]+)"', response.text()
        )
        assert written is not None, path
        assert header == f"{written[1]}; frame-ancestors 'none'"
        assert "unsafe-inline" not in header
        assert "unsafe-eval" not in header


def test_injected_code_does_not_run(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    window.page.goto(stack.base_url, wait_until="networkidle")
    assert window.page.evaluate(INJECT) == [None, ""]
    refused = [problem for problem in window.problems if problem.startswith("CSP: ")]
    for directive in ("script-src-elem", "script-src-attr", "script-src ", "style-src-elem"):
        assert any(directive in problem for problem in refused), (directive, refused)
    window.expects("Content Security Policy|CSP: |/none.png|EvalError")


def test_unknown_addresses_answer_404_in_their_own_way(
    visitor: NewVisitor, stack: Stack, built_front_end: list[str]
) -> None:
    window = visitor()
    window.expects("status of 404")
    for path in ("/nowhere", "/nowhere/else/", "/404/", "/login/nowhere"):
        response = window.page.goto(stack.base_url + path)
        assert response is not None
        assert response.status == 404, path
        assert window.page.get_by_role("heading", name="Nothing grows here").is_visible()
    window.page.get_by_role("link", name="Go to the chat").click()
    window.page.get_by_test_id("composer").wait_for()
    request = window.page.request
    answer = request.get(f"{stack.base_url}/api/nowhere")
    assert (answer.status, answer.json()["code"]) == (404, "not_found")
    admin = request.get(f"{stack.base_url}/admin/nowhere/", max_redirects=0)
    assert admin.headers["location"].startswith("/admin/login/")


@pytest.mark.parametrize("slash", ["", "/"])
def test_deep_links_keep_their_question(
    visitor: NewVisitor, stack: Stack, built_front_end: list[str], slash: str
) -> None:
    window = visitor()
    for path in built_front_end:
        if path != "/":
            address = stack.base_url + path.rstrip("/")
            window.page.goto(f"{address}{slash}?s=x&tab=privacy#part", wait_until="commit")
            assert window.page.url == f"{address}/?s=x&tab=privacy#part"
    response = window.page.goto(f"{stack.base_url}/?c=12")
    assert response is not None
    assert response.status == 200
    window.expects(r"status of 404 .*/api/shared/")


def test_first_load_is_light_and_compressed(
    visitor: NewVisitor, stack: Stack, built_front_end: list[str]
) -> None:
    for path in built_front_end:
        window = visitor("phone")
        window.expects(r"status of 404 .*/api/shared/")
        window.page.goto(stack.base_url + path, wait_until="load")
        loaded = window.page.evaluate(SCRIPT_BYTES)
        assert 50_000 < loaded <= MAX_SCRIPT_BYTES, path
