"""Parts of EuGPT die in the middle of an answer; the page goes on without repeating a word."""

import pytest
from playwright.sync_api import expect

from tests.support.answers import (
    CRAWL,
    LONG_ANSWERS,
    ask_for_long,
    assert_only_grew,
    expect_over,
    letters_of,
    shown_steps,
    watch_answers,
    wish_long_answers,
)
from tests.support.journeys import NewVisitor, fail_with
from tests.support.members import new_member
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
AWAY = "ERR_CONNECTION|WebSocket connection|status of 50"


def test_answer_goes_on_after_the_web_server_died(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    window.expects(AWAY)
    watch_answers(window)
    member = new_member(window, stack.base_url, sampling=LONG_ANSWERS)
    page = window.page
    page.goto(stack.base_url)
    with stack.slow_worker(**CRAWL):
        reply = ask_for_long(window)
        stack.kill("web")
        banner = page.get_by_test_id("banner")
        expect(banner).to_contain_text("Reconnecting", timeout=30_000)
        fail_with(window.axe())
        stack.ensure_running()
        expect(banner).to_have_count(0, timeout=60_000)
        expect_over(reply)
    assert_only_grew(shown_steps(page), member.last_text())
    assert letters_of(reply) == member.last_text()
    expect(reply).to_have_attribute("data-status", "completed")
    fail_with(window.axe())


@pytest.mark.long
def test_answer_goes_on_after_the_worker_died(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    watch_answers(window)
    wish_long_answers(window)
    page = window.page
    page.goto(stack.base_url)
    with stack.slow_worker(**CRAWL):
        reply = ask_for_long(window)
        stack.kill_worker()
    before = letters_of(reply)
    stack.restart_worker()
    expect_over(reply)
    expect(reply).to_have_attribute("data-status", "completed")
    whole = letters_of(reply)
    assert whole.startswith(before)
    assert_only_grew(shown_steps(page), whole)
    fail_with(window.axe())


@pytest.mark.long
def test_a_page_opened_while_the_server_is_away_waits_for_it(
    visitor: NewVisitor, stack: Stack
) -> None:
    """What is sent meanwhile goes out once, when the server is back."""
    window = visitor()
    window.expects(AWAY)
    member = new_member(window, stack.base_url)
    page = window.page
    page.goto(stack.base_url)
    window.expect_signed_in(member.name)
    stack.kill("web")
    expect(page.get_by_test_id("banner")).to_contain_text("Reconnecting", timeout=30_000)
    reply = window.ask("are you still there?")
    stack.ensure_running()
    expect_over(reply)
    assert len(member.conversations()) == 1
    texts = [message["content"] for message in member.conversation()["messages"]]
    assert texts[:1] == ["are you still there?"]
    assert len(texts) == 2
    fail_with(window.axe())
