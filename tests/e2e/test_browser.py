"""The product in a real browser, against the real stack: what a person does first."""

import re
import time
import uuid

import pytest
from playwright.sync_api import Locator, Page, expect

from deploy.local.paths import FRONTEND
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
]

REPLY_TIMEOUT_S = 30
# The random model ends some replies after a few tokens: a test may ask again this often.
ATTEMPTS = 6


@pytest.fixture(autouse=True)
def _built_front_end() -> None:
    if not (FRONTEND / "out" / "index.html").exists():
        pytest.skip("the front end is not built: run `make test`")


def ask(page: Page, text: str) -> Locator:
    """Send a message; returns the article of its reply."""
    replies = page.get_by_test_id("message-assistant")
    before = replies.count()
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("send").click()
    reply = replies.nth(before)
    reply.wait_for()
    return reply


def watch(reply: Locator) -> list[str]:
    """The different texts the reply shows until it is over."""
    texts: list[str] = []
    deadline = time.monotonic() + REPLY_TIMEOUT_S
    while True:
        is_over = reply.get_attribute("aria-busy") == "false"
        text = reply.inner_text()
        if not texts or text != texts[-1]:
            texts.append(text)
        if is_over:
            return texts
        assert time.monotonic() < deadline, f"the reply never ended: {texts[-1]!r}"
        time.sleep(0.03)


def assert_words_arrive_one_after_another(page: Page, stack: Stack) -> None:
    """The shown text grows step by step, and what was shown stays."""
    seen: list[list[str]] = []
    with stack.slow_worker():
        for attempt in range(ATTEMPTS):
            texts = watch(ask(page, f"hello, please talk to me {attempt}"))
            lengths = [len(text) for text in texts]
            if len(set(lengths)) >= 5:
                return
            seen.append(texts)
    pytest.fail(f"no reply was shown growing: {seen}")


def sign_up(page: Page, stack: Stack) -> str:
    name = f"ana_{uuid.uuid4().hex[:8]}"
    page.goto(f"{stack.base_url}/register/")
    page.get_by_test_id("auth-username").fill(name)
    page.get_by_test_id("auth-password").fill("correct horse battery")
    page.get_by_test_id("auth-submit").click()
    expect(page.get_by_test_id("account-menu")).to_contain_text(name)
    return name


def test_guest_sees_words_arrive_one_after_another(page: Page, stack: Stack) -> None:
    page.goto(stack.base_url)
    assert_words_arrive_one_after_another(page, stack)
    expect(page.get_by_test_id("register")).to_be_visible()


def test_member_signs_up_chats_and_finds_it_after_a_reload(page: Page, stack: Stack) -> None:
    sign_up(page, stack)
    assert_words_arrive_one_after_another(page, stack)
    answer = page.get_by_test_id("message-assistant").last.inner_text()
    expect(page.get_by_test_id("conversation-item")).to_have_count(1)
    page.reload()
    expect(page.get_by_test_id("message-user").first).to_contain_text("hello, please talk to me 0")
    expect(page.get_by_test_id("message-assistant").last).to_contain_text(_first_word(answer))
    expect(page.get_by_test_id("account-menu")).to_be_visible()


def test_stop_ends_the_reply_and_keeps_its_text(page: Page, stack: Stack) -> None:
    sign_up(page, stack)
    with stack.slow_worker():
        for attempt in range(ATTEMPTS):
            reply = ask(page, f"tell me something long {attempt}")
            if _stopped(page, reply):
                break
        else:
            pytest.fail("every reply ended before it could be stopped")
    expect(reply.get_by_test_id("footnote")).to_contain_text("stopped")
    expect(page.get_by_test_id("send")).to_be_visible()
    assert watch(reply)[-1].strip()


def test_chat_goes_on_after_the_worker_was_killed(page: Page, stack: Stack) -> None:
    page.goto(stack.base_url)
    watch(ask(page, "hi"))
    stack.kill_worker()
    reply = ask(page, "are you still there?")
    stack.restart_worker()
    watch(reply)
    expect(reply).to_have_attribute("data-status", "completed")


def _stopped(page: Page, reply: Locator) -> bool:
    """Press stop once there is some text; False when the reply was quicker."""
    deadline = time.monotonic() + REPLY_TIMEOUT_S
    while not reply.inner_text().replace("EuGPT said", "").strip():
        assert time.monotonic() < deadline, "the reply never began"
        time.sleep(0.02)
    if reply.get_attribute("aria-busy") == "false":
        return False
    page.get_by_test_id("stop").click()
    expect(reply).to_have_attribute("aria-busy", "false")
    return reply.get_attribute("data-status") == "cancelled"


def _first_word(text: str) -> str:
    words = re.findall(r"\w+", text.replace("EuGPT said", ""))
    return words[0] if words else ""
