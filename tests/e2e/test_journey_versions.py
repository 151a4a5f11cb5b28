"""Stop and go on, answer again, change a question: versions of an answer, and the way between."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.answers import (
    ATTEMPTS,
    CRAWL,
    LONG_ANSWERS,
    ask_for_long,
    ask_for_text,
    assert_only_grew,
    expect_over,
    letters_of,
    shown_steps,
    watch_answers,
)
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


@pytest.fixture
def member(visitor: NewVisitor, stack: Stack) -> Member:
    window: Visitor = visitor()
    watch_answers(window)
    member = new_member(window, stack.base_url, sampling=LONG_ANSWERS)
    window.page.goto(stack.base_url)
    return member


def last_answer(page: Page) -> Locator:
    return page.get_by_test_id("message-assistant").last


def press_version(page: Page, name: str) -> None:
    last_answer(page).get_by_role("button", name=name).click()


def test_a_stopped_answer_keeps_its_text_and_goes_on(member: Member, stack: Stack) -> None:
    window = member.window
    page = window.page
    with stack.slow_worker(**CRAWL):
        for _ in range(ATTEMPTS):
            reply = ask_for_long(window)
            page.get_by_test_id("stop").click()
            expect_over(reply)
            if reply.get_attribute("data-status") == "cancelled":
                break
        else:
            pytest.fail("every answer was over before it could be stopped")
        expect(reply.get_by_test_id("footnote")).to_contain_text("You stopped this answer.")
        expect(page.get_by_test_id("send")).to_be_visible()
        stopped = letters_of(reply)
        assert stopped == member.last_text() != ""
        fail_with(window.axe())
        reply.get_by_test_id("continue").click()
        expect(reply).to_have_attribute("aria-busy", "true")
    reply = last_answer(page)
    expect_over(reply)
    whole = letters_of(reply)
    assert whole.startswith(stopped)
    assert whole == member.last_text()
    fail_with(window.axe())


@pytest.mark.long
def test_versions_of_an_answer_are_kept_and_can_be_looked_at(member: Member, stack: Stack) -> None:
    window = member.window
    page = window.page
    first = letters_of(ask_for_text(window))
    last_answer(page).get_by_test_id("regenerate").click()
    versions = last_answer(page).get_by_test_id("versions")
    expect(versions).to_contain_text("2/2")
    expect_over(last_answer(page))
    second = letters_of(last_answer(page))
    assert_only_grew(shown_steps(page), member.last_text())
    fail_with(window.axe())
    press_version(page, "Previous version")
    expect(versions).to_contain_text("1/2")
    assert letters_of(last_answer(page)) == first == member.last_text()
    page.keyboard.press("Alt+Shift+.")
    expect(versions).to_contain_text("2/2")
    assert letters_of(last_answer(page)) == second
    page.reload()
    expect(versions).to_contain_text("2/2")
    assert letters_of(last_answer(page)) == second == member.last_text()


@pytest.mark.long
def test_a_changed_question_begins_a_branch_and_the_old_one_stays(
    member: Member, stack: Stack
) -> None:
    window = member.window
    page = window.page
    old = letters_of(ask_for_text(window, "the old question"))
    asked = page.get_by_test_id("message-user").count()
    question = page.get_by_test_id("message-user").last
    question.get_by_test_id("edit").click()
    fail_with(window.axe())
    page.get_by_role("textbox", name="Edit message").fill("the new question")
    page.keyboard.press("Enter")
    expect(question).to_contain_text("the new question")
    expect(question.get_by_test_id("versions")).to_contain_text("2/2")
    expect_over(last_answer(page))
    assert page.get_by_test_id("message-user").count() == asked
    new = letters_of(last_answer(page))
    question.get_by_role("button", name="Previous version").click()
    expect(question).to_contain_text("the old question")
    assert letters_of(last_answer(page)) == old
    question.get_by_role("button", name="Next version").click()
    expect(question).to_contain_text("the new question")
    assert letters_of(last_answer(page)) == new == member.last_text()
    fail_with(window.axe())
