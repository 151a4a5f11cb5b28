"""An answer goes on after what happens to a page: a reload, no network, a phone's sleep."""

import time

import httpx
import pytest
from playwright.sync_api import Locator, expect

from tests.support.answers import (
    ANSWER_MS,
    ATTEMPTS,
    CRAWL,
    LONG_ANSWERS,
    ask_for_long,
    assert_only_grew,
    expect_over,
    letters_of,
    shown_steps,
    watch_answers,
)
from tests.support.journeys import NewVisitor, Visitor, fail_with
from tests.support.link import linked
from tests.support.members import Member, new_member
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
UNFINISHED = ("queued", "running")


@pytest.fixture
def member(visitor: NewVisitor, stack: Stack) -> Member:
    window: Visitor = visitor()
    watch_answers(window)
    member = new_member(window, stack.base_url, sampling=LONG_ANSWERS)
    window.page.goto(stack.base_url)
    return member


def test_answer_goes_on_after_a_reload(member: Member, stack: Stack) -> None:
    window = member.window
    page = window.page
    with stack.slow_worker(**CRAWL):
        for _ in range(ATTEMPTS):
            reply = ask_for_long(window)
            before = letters_of(reply)
            page.reload()
            reply = page.get_by_test_id("message-assistant").last
            expect(reply.locator('[dir="auto"]').first).not_to_be_empty()
            if reply.get_attribute("aria-busy") == "true":
                break
        else:
            pytest.fail("every answer was over before the reload")
        expect_over(reply)
    assert_as_stored(member, reply)
    steps = shown_steps(page)
    assert steps[0].startswith(before) or before.startswith(steps[0])
    assert len(steps) > 1
    fail_with(window.axe())


@pytest.mark.long
def test_answer_goes_on_after_no_network(visitor: NewVisitor, stack: Stack) -> None:
    """The connection dies without a word, as where a phone loses its network."""
    window = visitor()
    window.expects("ERR_INTERNET_DISCONNECTED|ERR_NETWORK|ERR_CONNECTION|WebSocket connection")
    watch_answers(window)
    page = window.page
    banner = page.get_by_test_id("banner")
    with linked(stack.base_url) as link, stack.slow_worker(**CRAWL):
        member = new_member(window, link.url, sampling=LONG_ANSWERS)
        member.api.base_url = httpx.URL(stack.base_url)
        page.goto(link.url)
        reply = ask_for_long(window)
        link.cut()
        window.context.set_offline(True)
        expect(banner).to_contain_text("You are offline", timeout=30_000)
        assert reply.get_attribute("aria-busy") == "true"
        fail_with(window.axe())
        link.mend()
        window.context.set_offline(False)
        expect(banner).to_have_count(0, timeout=30_000)
        expect_over(reply)
        assert_as_stored(member, reply)


@pytest.mark.long
@pytest.mark.parametrize("is_over_at_waking", [False, True])
def test_answer_goes_on_after_the_page_slept(
    member: Member, stack: Stack, is_over_at_waking: bool
) -> None:
    page = member.window.page
    devtools = member.window.context.new_cdp_session(page)
    with stack.slow_worker(**CRAWL):
        reply = ask_for_long(member.window)
        devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        if is_over_at_waking:
            wait_until_stored(member)
        devtools.send("Page.setWebLifecycleState", {"state": "active"})
        expect_over(reply)
    assert_as_stored(member, reply)
    expect(page.get_by_test_id("banner")).to_have_count(0)
    fail_with(member.window.axe())


@pytest.mark.long
def test_two_windows_show_the_same_answer(
    member: Member, visitor: NewVisitor, stack: Stack
) -> None:
    """The second one opens the conversation in the middle of the answer."""
    page = member.window.page
    second = member.window.context.new_page()
    with stack.slow_worker(**CRAWL):
        reply = ask_for_long(member.window)
        expect(page.get_by_test_id("conversation-item")).to_have_count(1)
        second.goto(page.url)
        other = second.get_by_test_id("message-assistant").last
        expect(other.locator('[dir="auto"]').first).not_to_be_empty()
        expect_over(reply)
        expect_over(other)
    assert_as_stored(member, reply)
    assert_only_grew(shown_steps(second), letters_of(reply))


def assert_as_stored(member: Member, reply: Locator) -> None:
    """Nothing was shown twice or taken back on the way to what is stored."""
    stored = member.last_text()
    assert letters_of(reply) == stored
    assert_only_grew(shown_steps(reply.page), stored)


def wait_until_stored(member: Member) -> None:
    """The server has the whole answer; the page knows nothing of it."""
    generation = member.conversation()["messages"][-1]["generation"]["id"]
    deadline = time.monotonic() + ANSWER_MS / 1_000
    while member.api.get(f"/api/generations/{generation}").json()["status"] in UNFINISHED:
        assert time.monotonic() < deadline, "the answer was never stored"
        time.sleep(0.2)
