"""The glass: tokens with their alternatives, a branch from one of them, an exact replay."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.answers import ATTEMPTS, LONG_ANSWERS, expect_over
from tests.support.journeys import NewVisitor, Visitor, fail_with
from tests.support.members import Member, new_member
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
MIN_TOKENS = 12
SHORT_ANSWERS = LONG_ANSWERS | {"max_tokens": 60}


@pytest.fixture
def member(visitor: NewVisitor, stack: Stack) -> Member:
    window: Visitor = visitor()
    member = new_member(window, stack.base_url, sampling=SHORT_ANSWERS)
    window.page.goto(stack.base_url)
    return member


def last_answer(page: Page) -> Locator:
    return page.get_by_test_id("message-assistant").last


def ask_through_glass(window: Visitor) -> Locator:
    """Ask until the answer has enough tokens; returns its tokens."""
    toggle = window.page.get_by_test_id("glass-toggle")
    if toggle.get_attribute("aria-pressed") != "true":
        toggle.click()
    for attempt in range(ATTEMPTS):
        reply = window.ask(f"look inside {attempt}")
        expect_over(reply)
        tokens = reply.get_by_role("option")
        if tokens.count() >= MIN_TOKENS:
            return tokens
    raise AssertionError("every answer was too short")


def test_a_branch_begins_with_the_old_words_and_the_chosen_one(
    member: Member, stack: Stack
) -> None:
    window = member.window
    page = window.page
    tokens = ask_through_glass(window)
    fail_with(window.axe())
    old = trace(member)
    chosen = open_token_with_words(page, tokens)
    fail_with(window.axe())
    assert page.get_by_test_id("glass-alternatives").get_by_role("listitem").count() >= 5
    words = (chosen.get_attribute("aria-label") or "").split("“")[1].split("”")[0]
    chosen.click()
    expect(last_answer(page).get_by_test_id("versions")).to_contain_text("2/2")
    expect_over(last_answer(page))
    new = trace(member)
    at = next(at for at in range(len(old)) if old[at]["id"] != new[at]["id"])
    assert at >= MIN_TOKENS // 2
    assert new[at]["id"] in [other["id"] for other in old[at]["top"]]
    assert new[at]["text"].strip() == words
    assert last_answer(page).get_by_role("option").filter(has_text=words).count()
    fail_with(window.axe())


@pytest.mark.long
def test_a_replay_says_the_same_letter_for_letter(member: Member, stack: Stack) -> None:
    window = member.window
    page = window.page
    ask_through_glass(window)
    old = stored_text(member)
    last_answer(page).get_by_test_id("reply-details").click()
    expect(page.get_by_test_id("seed")).not_to_be_empty()
    fail_with(window.axe())
    page.get_by_test_id("replay").click()
    expect(last_answer(page).get_by_test_id("versions")).to_contain_text("2/2")
    note = last_answer(page).get_by_test_id("replay-note")
    expect(note).to_contain_text("the same text, letter for letter", timeout=30_000)
    assert stored_text(member) == old
    fail_with(window.axe())


@pytest.mark.long
def test_an_answer_without_a_trace_is_replayed_to_look_inside(member: Member, stack: Stack) -> None:
    window = member.window
    page = window.page
    reply = window.ask("without the glass")
    expect_over(reply)
    old = stored_text(member)
    page.get_by_test_id("glass-toggle").click()
    last_answer(page).get_by_test_id("glass-replay").click()
    expect(last_answer(page).get_by_test_id("glass-text")).to_be_visible(timeout=30_000)
    expect_over(last_answer(page))
    assert stored_text(member) == old
    fail_with(window.axe())


@pytest.mark.long
def test_tokens_are_read_with_the_keyboard(member: Member, stack: Stack) -> None:
    window = member.window
    page = window.page
    tokens = ask_through_glass(window)
    tokens.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tokens.nth(1)).to_be_focused()
    expect(page.get_by_test_id("glass-popover")).to_be_visible()
    fail_with(window.axe())
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("glass-popover")).to_have_count(0)
    expect(tokens.nth(1)).to_be_focused()


@pytest.mark.long
def test_a_guest_looks_but_cannot_branch(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    window.page.goto(stack.base_url)
    tokens = ask_through_glass(window)
    tokens.nth(3).click()
    hint = window.page.get_by_test_id("glass-hint")
    expect(hint).to_contain_text("With an account")
    expect(window.page.get_by_test_id("glass-branch")).to_have_count(0)
    fail_with(window.axe())


def stored_text(member: Member) -> str:
    text: str = member.conversation()["messages"][-1]["content"]
    return text


def trace(member: Member) -> list[dict[str, Any]]:
    """The tokens of the newest stored answer."""
    number = member.conversation()["messages"][-1]["id"]
    found: list[dict[str, Any]] = member.api.get(f"/api/messages/{number}/trace").json()["tokens"]
    return found


def open_token_with_words(page: Page, tokens: Locator) -> Locator:
    """Open the alternatives of a token in the middle; returns one to choose."""
    # A token may be a part of a character: whole ones are what a person reads.
    for at in range(MIN_TOKENS // 2, tokens.count()):
        if not tokens.nth(at).is_visible():
            continue  # a combining mark has no place of its own
        tokens.nth(at).click()
        other = page.get_by_test_id("glass-branch").filter(
            has_text=re.compile("[a-z]{2}"), has_not_text="part of"
        )
        if other.count():
            return other.first
        page.keyboard.press("Escape")
    raise AssertionError("no token had another word beside it")
