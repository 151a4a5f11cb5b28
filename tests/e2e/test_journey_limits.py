"""What stands in the way is said: too many questions, a full queue, a suspended account."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.answers import CRAWL, LONG_ANSWERS, ask_for_long, expect_over
from tests.support.journeys import PASSWORD, NewVisitor, fail_with
from tests.support.members import new_member
from tests.support.stack import Stack, manage

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.long,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
SUSPEND = """
from accounts.models import User
from accounts.services import user_suspend
from datetime import timedelta
from django.utils import timezone
until = timezone.now() + timedelta(seconds={seconds})
user_suspend(user=User.objects.get(username="{name}"), reason="Spam & more", until=until)
"""
# These web processes end before the windows do.
AWAY = "ERR_CONNECTION|WebSocket connection"
WAIT_IN_S = re.compile(r"Try again in (\d+) s")


def test_a_rate_limit_counts_down_and_then_lets_the_question_through(
    visitor: NewVisitor, stack: Stack
) -> None:
    limits = {"EUGPT_LIMITS": "on", "EUGPT_GUEST_PROMPT_RATE": "2 per 20 seconds"}
    with stack.more_web(limits) as url:
        window = visitor()
        window.expects(AWAY)
        window.page.goto(url)
        for number in range(2):
            expect_over(window.ask(f"question {number}"))
        reply = window.ask("one too many")
        expect(reply.get_by_test_id("reply-failure")).to_contain_text("a lot in a short time")
        retry = reply.get_by_test_id("retry")
        expect(retry).to_be_disabled()
        fail_with(window.axe())
        assert_counts_down(retry)
        expect(retry).to_have_text("Try again", timeout=60_000)
        retry.click()
        reply = window.page.get_by_test_id("message-assistant").last
        expect(reply).to_have_attribute("data-status", "completed", timeout=60_000)
        expect(window.page.get_by_test_id("message-user")).to_have_count(3)
        fail_with(window.axe())


def test_a_day_that_is_used_up_says_when_it_goes_on(visitor: NewVisitor, stack: Stack) -> None:
    limits = {"EUGPT_LIMITS": "on", "EUGPT_GUEST_QUOTA": "2 per 40 seconds"}
    with stack.more_web(limits) as url:
        window = visitor("phone")
        window.expects(AWAY)
        page = window.page
        page.goto(url)
        for number in range(2):
            expect_over(window.ask(f"question {number}"))
        expect(page.get_by_test_id("quota-hint")).to_contain_text("None left today")
        card = window.ask("one too many").get_by_test_id("quota-spent")
        expect(card).to_contain_text("You have used all 2 messages. It goes on")
        expect(card.get_by_test_id("quota-sign-up")).to_be_visible()
        fail_with(window.axe())
        card.get_by_test_id("retry").tap(timeout=90_000)
        reply = page.get_by_test_id("message-assistant").last
        expect(reply).to_have_attribute("data-status", "completed", timeout=60_000)
        expect(page.get_by_test_id("message-user")).to_have_count(3)
        page.goto(f"{url}/settings/?tab=usage")
        expect(page.get_by_test_id("usage-prompts_per_day")).to_contain_text("of 2 left")
        fail_with(window.axe())
        page.goto("about:blank")


def test_the_place_in_the_queue_is_shown_and_a_full_queue_is_told(
    visitor: NewVisitor, stack: Stack
) -> None:
    limits = {"EUGPT_LIMITS": "on", "EUGPT_QUEUE_LIMIT": "1"}
    with stack.more_web(limits) as url, stack.slow_worker(**CRAWL), many_ask(stack):
        waiting = visitor()
        waiting.page.goto(stack.base_url)
        reply = waiting.ask("am I next?")
        line = reply.get_by_test_id("queue-line")
        expect(line).to_contain_text(re.compile(r"in line(, about \d+ s)?$"), timeout=30_000)
        fail_with(waiting.axe())

        refused = visitor()
        refused.expects(AWAY)
        refused.page.goto(url)
        failed = refused.ask("is there room?")
        expect(failed.get_by_test_id("reply-failure")).to_contain_text("the queue is full")
        expect(failed.get_by_test_id("retry")).to_be_visible()
        fail_with(refused.axe())
    expect(reply).to_have_attribute("data-status", "completed", timeout=90_000)
    retry = failed.get_by_test_id("retry")
    expect(retry).to_be_enabled(timeout=60_000)


def test_a_suspended_member_is_out_at_once_and_told_why(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    window.expects(r"status of (401|403)")
    member = new_member(window, stack.base_url, sampling=LONG_ANSWERS)
    page = window.page
    page.goto(stack.base_url)
    with stack.slow_worker(**CRAWL):
        ask_for_long(window)
        suspend(stack, member.name, seconds=3600)
        expect(page.get_by_test_id("suspended-reason")).to_have_text("Spam & more")
    expect(page.get_by_test_id("suspended-until")).to_contain_text("in less than an hour")
    fail_with(window.axe())
    page.get_by_test_id("suspended-leave").click()
    expect(page.get_by_test_id("sign-in")).to_be_visible()
    expect(page.get_by_test_id("conversation-item")).to_have_count(0)
    expect(page.get_by_test_id("message-user")).to_have_count(0)
    page.get_by_test_id("sign-in").click()
    sign_in(page, member.name)
    expect(page.get_by_test_id("suspended")).to_be_visible()
    suspend(stack, member.name, seconds=5)
    page.get_by_test_id("suspended-leave").click()
    page.goto(f"{stack.base_url}/login/")
    sign_in(page, member.name)
    expect(
        page.get_by_test_id("suspended-sign-in").or_(page.get_by_test_id("account-menu"))
    ).to_be_visible()
    if page.get_by_test_id("suspended-sign-in").is_visible():
        page.get_by_test_id("suspended-sign-in").click()
        sign_in(page, member.name)
    window.expect_signed_in(member.name)


def suspend(stack: Stack, name: str, *, seconds: float) -> None:
    """Through the service that the admin and the command use."""
    manage(stack.env, "shell", "--command", SUSPEND.format(name=name, seconds=seconds))


def sign_in(page: Page, name: str) -> None:
    page.get_by_test_id("auth-username").fill(name)
    page.get_by_test_id("auth-password").fill(PASSWORD)
    page.get_by_test_id("auth-submit").click()


def assert_counts_down(button: Locator) -> None:
    first = WAIT_IN_S.fullmatch(button.inner_text().strip())
    assert first is not None, button.inner_text()
    expect(button).not_to_have_text(first[0])
    second = WAIT_IN_S.fullmatch(button.inner_text().strip())
    assert second is None or int(second[1]) < int(first[1])


@contextmanager
def many_ask(stack: Stack, count: int = 11) -> Iterator[None]:
    """More long answers at once than the engine has slots (8), until the block ends."""
    is_over = threading.Event()

    def ask() -> None:
        body = {"message": "go on and on", "params": LONG_ANSWERS | {"max_tokens": 300}}
        with httpx.Client(base_url=stack.base_url, timeout=90) as client:
            while not is_over.is_set():
                with client.stream("POST", "/api/chat/guest", json=body) as response:
                    for _ in response.iter_lines():
                        if is_over.is_set():
                            return

    threads = [threading.Thread(target=ask, name=f"asker-{at}") for at in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
