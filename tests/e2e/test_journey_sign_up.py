"""A guest signs up and takes the chat along, also in the middle of an answer."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.support.answers import (
    ATTEMPTS,
    CRAWL,
    ask_for_long,
    ask_for_text,
    assert_only_grew,
    expect_over,
    letters_of,
    shown_steps,
    watch_answers,
    wish_long_answers,
)
from tests.support.journeys import PASSWORD, NewVisitor, Visitor, fail_with
from tests.support.members import Member, log_in, new_name
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]


def guest(visitor: NewVisitor, stack: Stack) -> Visitor:
    window: Visitor = visitor()
    watch_answers(window)
    wish_long_answers(window)
    window.page.goto(stack.base_url)
    return window


def sign_up_from_chat(window: Visitor) -> str:
    """Through the button beside the chat; the chat is to come along."""
    page = window.page
    name = new_name()
    page.get_by_test_id("register").click()
    page.get_by_test_id("auth-username").fill(name)
    page.get_by_test_id("auth-password").fill(PASSWORD)
    expect(page.get_by_test_id("keep-chat")).to_be_checked()
    page.get_by_test_id("auth-submit").click()
    window.expect_signed_in(name)
    return name


def test_sign_up_in_mid_answer_keeps_every_word(visitor: NewVisitor, stack: Stack) -> None:
    with stack.slow_worker(**CRAWL):
        for _ in range(ATTEMPTS):
            window = guest(visitor, stack)
            ask_for_long(window)
            name = sign_up_from_chat(window)
            reply = window.page.get_by_test_id("message-assistant").last
            if reply.get_attribute("aria-busy") == "true":
                break
        else:
            pytest.fail("every answer was over before the sign-up")
        expect(window.page).to_have_url(re.compile(r"\?c=\d+$"))
        fail_with(window.axe())
        expect_over(reply)
    with log_in(stack.base_url, name) as api:
        _assert_all_is_there(window, Member(window, stack.base_url, name, api))


@pytest.mark.long
def test_sign_up_keeps_a_finished_chat_and_a_reload_finds_it(
    visitor: NewVisitor, stack: Stack
) -> None:
    window = guest(visitor, stack)
    page = window.page
    ask_for_text(window, "what a nice day")
    page.get_by_test_id("register").click()
    fail_with(window.axe())
    page.go_back()
    name = sign_up_from_chat(window)
    with log_in(stack.base_url, name) as api:
        member = Member(window, stack.base_url, name, api)
        _assert_all_is_there(window, member)
        texts = [message["content"] for message in member.conversation()["messages"]]
    page.reload()
    expect(page.get_by_test_id("conversation-item")).to_have_count(1)
    expect(page.get_by_test_id("message-user").first).to_contain_text("what a nice day 0")
    assert page.locator("article").count() == len(texts)
    fail_with(window.axe())


@pytest.mark.long
def test_a_chat_that_is_not_wanted_stays_behind(visitor: NewVisitor, stack: Stack) -> None:
    window = guest(visitor, stack)
    page = window.page
    expect_over(window.ask("not for my account"))
    page.get_by_test_id("register").click()
    page.get_by_test_id("keep-chat").click()
    name = new_name()
    page.get_by_test_id("auth-username").fill(name)
    page.get_by_test_id("auth-password").fill(PASSWORD)
    page.get_by_test_id("auth-submit").click()
    window.expect_signed_in(name)
    expect(page.get_by_test_id("empty-list")).to_be_visible()
    expect(page.get_by_test_id("message-user")).to_have_count(0)
    with log_in(stack.base_url, name) as api:
        assert Member(window, stack.base_url, name, api).conversations() == []
    fail_with(window.axe())


@pytest.mark.long
def test_a_taken_name_a_weak_password_and_a_wrong_one_are_told(
    visitor: NewVisitor, stack: Stack
) -> None:
    window = visitor()
    window.expects(r"status of (400|401|409)")
    page = window.page
    name = new_name()
    body = {"username": name, "password": PASSWORD}
    assert httpx.post(f"{stack.base_url}/api/auth/register", json=body).status_code == 201
    page.goto(f"{stack.base_url}/register/")
    page.get_by_test_id("auth-username").fill(name)
    page.get_by_test_id("auth-password").fill("short")
    _submit(page)
    expect(page.get_by_text("At least 8 characters", exact=False).first).to_be_visible()
    page.get_by_test_id("auth-password").fill(PASSWORD)
    _submit(page)
    expect(page.get_by_text("This name is taken", exact=False)).to_be_visible()
    fail_with(window.axe())
    page.goto(f"{stack.base_url}/login/")
    page.get_by_test_id("auth-username").fill(name)
    page.get_by_test_id("auth-password").fill("not my password")
    _submit(page)
    expect(page.get_by_text("The name or the password is wrong", exact=False)).to_be_visible()
    fail_with(window.axe())
    page.get_by_test_id("auth-password").fill(PASSWORD)
    _submit(page)
    window.expect_signed_in(name)


def _submit(page: Page) -> None:
    page.get_by_test_id("auth-submit").click()


def _assert_all_is_there(window: Visitor, member: Member) -> None:
    """What is shown is stored, once, and the newest answer never lost or repeated a letter."""
    page = window.page
    expect(page.get_by_test_id("conversation-item")).to_have_count(1)
    stored = member.conversation()["messages"]
    assert len(member.conversations()) == 1
    assert page.locator("article").count() == len(stored)
    assert letters_of(page.get_by_test_id("message-assistant").last) == member.last_text()
    assert_only_grew(shown_steps(page), member.last_text())
