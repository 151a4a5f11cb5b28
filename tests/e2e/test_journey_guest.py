"""A guest: a starter, words one after another, another answer, an edit, reading further up."""

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
from tests.support.journeys import NewVisitor, Visitor, fail_with
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
MIN_STEPS = 5
DISTANCE_FROM_END = """() => {
  const it = document.querySelector('[aria-label="Messages"]').parentElement.parentElement;
  return it.scrollHeight - it.scrollTop - it.clientHeight;
}"""


def open_as_guest(visitor: NewVisitor, stack: Stack) -> Visitor:
    window: Visitor = visitor()
    watch_answers(window)
    wish_long_answers(window)
    window.page.goto(stack.base_url)
    return window


def test_guest_sees_words_arrive_one_after_another(visitor: NewVisitor, stack: Stack) -> None:
    window = open_as_guest(visitor, stack)
    page = window.page
    fail_with(window.axe())
    starter = page.get_by_test_id("starter").first
    question = starter.inner_text().splitlines()[0]
    with stack.slow_worker():
        starter.click()
        expect(page.get_by_test_id("message-user")).to_contain_text(question)
        for attempt in range(ATTEMPTS):
            reply = page.get_by_test_id("message-assistant").last
            expect_over(reply)
            steps = shown_steps(page)
            assert_only_grew(steps, letters_of(reply))
            if len(steps) >= MIN_STEPS:
                break
            window.ask(f"please talk to me {attempt}")
        else:
            pytest.fail(f"no answer was seen growing: {steps}")
    expect(page.get_by_test_id("register")).to_be_visible()
    fail_with(window.axe())


@pytest.mark.long
def test_guest_gets_another_answer_and_changes_the_question(
    visitor: NewVisitor, stack: Stack
) -> None:
    window = open_as_guest(visitor, stack)
    page = window.page
    reply = ask_for_text(window, "first question")
    before = letters_of(reply)
    replies = page.get_by_test_id("message-assistant")
    count = replies.count()
    for _ in range(ATTEMPTS):
        replies.last.get_by_test_id("regenerate").click()
        expect_over(replies.last)
        assert replies.count() == count
        if letters_of(replies.last) not in ("", before):
            break
    else:
        pytest.fail("the answer never changed")
    # Nothing of a guest is stored, so there are no versions to go back to.
    expect(page.get_by_test_id("versions")).to_have_count(0)
    _change_last_question(page, "another question")
    expect(page.get_by_test_id("message-user").last).to_contain_text("another question")
    expect_over(replies.last)
    assert replies.count() == count
    fail_with(window.axe())


@pytest.mark.long
def test_reading_further_up_is_left_alone_and_a_button_leads_back(
    visitor: NewVisitor, stack: Stack
) -> None:
    window = open_as_guest(visitor, stack)
    page = window.page
    for number in range(3):
        expect_over(window.ask(f"line\n\n\n\n\n\n\n\nquestion {number}"))
    with stack.slow_worker(**CRAWL):
        for _ in range(ATTEMPTS):
            reply = ask_for_long(window)
            page.get_by_test_id("message-user").nth(1).hover()
            page.mouse.wheel(0, -4000)
            button = page.get_by_test_id("new-text")
            expect(button).to_be_visible()
            if reply.get_attribute("aria-busy") == "true":
                break
            button.click()
        else:
            pytest.fail("every answer was over before one could scroll")
        place = page.evaluate(DISTANCE_FROM_END)
        expect(button).to_have_text("New text")
        assert page.evaluate(DISTANCE_FROM_END) >= place
        fail_with(window.axe())
        button.click()
        expect(button).to_be_hidden()
        expect_over(reply)
    assert page.evaluate(DISTANCE_FROM_END) < 40


def _change_last_question(page: Page, text: str) -> None:
    question = page.get_by_test_id("message-user").last
    question.get_by_test_id("edit").click()
    editor = page.get_by_test_id("message-editor")
    editor.get_by_role("textbox").fill(text)
    editor.get_by_test_id("save-edit").click()
