"""Visitors for the browser tests: one person's window, and everything that went wrong in it.

A test asks the fixture `visitor` for windows of any size and theme. What the page says on its
console as an error, an exception nobody caught and what its own policy (CSP) refused fail the test
at its end, unless the test said that it expects it.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, expect

from deploy.local.paths import FRONTEND

Device = Literal["phone", "tablet", "desktop"]
Theme = Literal["light", "dark"]

SIZES: dict[Device, ViewportSize] = {
    "phone": {"width": 360, "height": 740},
    "tablet": {"width": 768, "height": 1024},
    "desktop": {"width": 1440, "height": 900},
}
PASSWORD = "correct horse battery"
TIMEOUT_MS = 15_000
AXE = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN_AXE = """async (tags) => (await axe.run(document, {
  runOnly: {type: "tag", values: tags}, resultTypes: ["violations"],
})).violations.flatMap(({id, help, nodes}) => nodes.map(({target, failureSummary}) =>
  `${id} (${help}) at ${target.join(" ")}: ${failureSummary.replace(/\\s+/g, " ")}`))"""
AXE_STYLE = re.compile(r"^Applying inline style .*\(\)$|^CSP: style-src-elem refused inline")
WATCH_POLICY = """addEventListener("securitypolicyviolation", (event) => console.error(
  `CSP: ${event.effectiveDirective} refused ${event.blockedURI} ${event.sample}`))"""


class Visitor:
    """One window of a profile of its own: no cookies, no storage."""

    def __init__(self, browser: Browser, device: Device, theme: Theme) -> None:
        is_phone = device == "phone"
        self.context = browser.new_context(
            viewport=SIZES[device],
            color_scheme=theme,
            has_touch=is_phone,
            is_mobile=is_phone,
            # What is measured must not be half-way through a transition.
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(TIMEOUT_MS)
        self.context.add_init_script(WATCH_POLICY)
        expect.set_options(timeout=TIMEOUT_MS)
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self._expected: list[str] = []
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.problems.append(f"threw {error.error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"{message.text} ({message.location.get('url', '')})")

    def expects(self, pattern: str) -> None:
        """Problems that match are no surprise: a refused request, a server that is away."""
        self._expected.append(pattern)

    def unexpected(self) -> list[str]:
        """What went wrong and was not announced."""
        return [
            problem
            for problem in self.problems
            if not any(re.search(pattern, problem) for pattern in self._expected)
        ]

    def axe(self) -> list[str]:
        """What axe finds on the page as it is: WCAG 2.2 A and AA, and its good practice."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        said = len(self.problems)
        findings: list[str] = self.page.evaluate(RUN_AXE, AXE_RULES)
        # It copies style sheets that others import into the page, which the policy refuses.
        self.problems[said:] = [it for it in self.problems[said:] if not AXE_STYLE.search(it)]
        # What hangs over the page (tooltips, menus) is read with the control it belongs to.
        hanging = "data-radix-popper-content-wrapper"
        return [it for it in findings if not (it.startswith("region ") and hanging in it)]

    def sign_up(self, base_url: str) -> str:
        """Make an account on the sign-up page; returns its name once the chat shows it."""
        name = f"ana_{uuid.uuid4().hex[:8]}"
        self.page.goto(f"{base_url}/register/")
        self.page.get_by_test_id("auth-username").fill(name)
        self.page.get_by_test_id("auth-password").fill(PASSWORD)
        self.page.get_by_test_id("auth-submit").click()
        self.expect_signed_in(name)
        return name

    def expect_signed_in(self, name: str) -> None:
        """The page knows who is using it; on a phone the name is in a drawer behind a button."""
        if self.page.viewport_size == SIZES["phone"]:
            expect(self.page.get_by_test_id("open-menu")).to_be_visible()
        else:
            expect(self.page.get_by_test_id("account-menu")).to_contain_text(name)

    def ask(self, text: str) -> Locator:
        """Send a message; returns the article of its reply."""
        replies = self.page.get_by_test_id("message-assistant")
        before = replies.count()
        self.page.get_by_test_id("composer").fill(text)
        self.page.get_by_test_id("send").click()
        reply = replies.nth(before)
        reply.wait_for()
        return reply

    def expect_finished(self, reply: Locator) -> None:
        """The reply is complete."""
        expect(reply).to_have_attribute("aria-busy", "false", timeout=30_000)

    def close(self) -> None:
        self.context.close()


NewVisitor = Callable[..., Visitor]


@pytest.fixture
def visitor(browser: Browser) -> Iterator[NewVisitor]:
    """Opens windows: `visitor()`, `visitor("phone", "dark")`; their problems fail the test."""
    visitors: list[Visitor] = []

    def new(device: Device = "desktop", theme: Theme = "light") -> Visitor:
        visitors.append(Visitor(browser, device, theme))
        return visitors[-1]

    yield new
    problems = [problem for one in visitors for problem in one.unexpected()]
    for one in visitors:
        one.close()
    assert problems == []


@pytest.fixture
def built_front_end() -> list[str]:
    """The addresses of all exported pages; skips where there is no export."""
    out = FRONTEND / "out"
    if not (out / "index.html").exists():
        pytest.skip("the front end is not built: run `make test`")
    folders = [file.parent.relative_to(out).as_posix() for file in out.rglob("index.html")]
    return sorted("/" if folder == "." else f"/{folder}/" for folder in folders)


def fail_with(problems: list[Any]) -> None:
    """Fail with one line for each problem."""
    if problems:
        pytest.fail("\n".join(map(str, problems)), pytrace=False)
