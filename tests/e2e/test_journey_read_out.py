"""What a screen reader is told of an answer: how it is doing, and each sentence once."""

import pytest
from playwright.sync_api import expect

from tests.support.answers import (
    ATTEMPTS,
    CRAWL,
    LONG_ANSWERS,
    ask_for_long,
    expect_over,
    letters,
    letters_of,
)
from tests.support.journeys import NewVisitor, fail_with
from tests.support.members import new_member
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.long,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
LISTEN = """(() => {
  window.told = [];
  new MutationObserver((changes) => {
    for (const {target, addedNodes} of changes) {
      const region = (target.nodeType === 1 ? target : target.parentElement)
        ?.closest('[data-testid="announcer"]');
      if (!region) continue;
      if (!addedNodes.length) told.push("CHANGED: " + target.textContent);
      for (const node of addedNodes) told.push(node.textContent);
    }
  }).observe(document, {subtree: true, childList: true, characterData: true});
})()"""
COUNT_SENTENCES = """(text) =>
  [...new Intl.Segmenter("en", {granularity: "sentence"}).segment(text)].length"""
ENDINGS = ("End of the answer.", "The answer was cut short.")
STATES = ("Message sent.", "EuGPT is answering.")


def is_state(text: str) -> bool:
    return text in STATES or "in line" in text


def test_sentences_are_told_once_and_as_a_whole(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    window.context.add_init_script(LISTEN)
    member = new_member(window, stack.base_url, sampling=LONG_ANSWERS)
    page = window.page
    page.goto(stack.base_url)
    for attempt in range(ATTEMPTS):
        page.evaluate("told.length = 0")
        with stack.slow_worker():
            reply = window.ask(f"tell me a story {attempt}")
            expect_over(reply)
        expect(page.get_by_test_id("announcer").locator("p").last).to_have_text(
            ENDINGS[0] if reply.get_by_test_id("footnote").count() == 0 else ENDINGS[1]
        )
        told: list[str] = page.evaluate("told")
        content = member.conversation()["messages"][-1]["content"]
        sentences: int = page.evaluate(COUNT_SENTENCES, content)
        assert told[0] == "Message sent."
        assert "EuGPT is answering." in told
        assert told[-1] in ENDINGS
        said = [text for text in told[:-1] if not is_state(text)]
        assert letters("".join(said)) == letters(content)
        # A part of a text is parted a little differently than the whole; tokens are many more.
        assert len(said) <= 2 * sentences
        if len(said) >= 3:
            break
    else:
        pytest.fail("no answer had three sentences")
    fail_with(window.axe())


def test_a_reload_repeats_nothing_and_goes_on_telling(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    window.context.add_init_script(LISTEN)
    new_member(window, stack.base_url, sampling=LONG_ANSWERS)
    page = window.page
    page.goto(stack.base_url)
    with stack.slow_worker(**CRAWL):
        for _ in range(ATTEMPTS):
            ask_for_long(window)
            page.reload()
            reply = page.get_by_test_id("message-assistant").last
            expect(reply.locator('[dir="auto"]').first).not_to_be_empty()
            if reply.get_attribute("aria-busy") == "true":
                break
        else:
            pytest.fail("every answer was over before the reload")
        expect_over(reply)
    expect(page.get_by_test_id("announcer").locator("p").last).to_be_attached()
    told: list[str] = page.evaluate("told")
    assert told[-1] in ENDINGS
    said = letters("".join(text for text in told[:-1] if not is_state(text)))
    assert letters_of(reply).endswith(said)
    page.reload()
    expect(page.get_by_test_id("message-assistant").last).to_be_visible()
    assert page.evaluate("told") == []


def test_stopping_is_told(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    new_member(window, stack.base_url, sampling=LONG_ANSWERS)
    page = window.page
    page.goto(stack.base_url)
    with stack.slow_worker(**CRAWL):
        for _ in range(ATTEMPTS):
            reply = ask_for_long(window)
            page.get_by_test_id("stop").click()
            expect_over(reply)
            if reply.get_attribute("data-status") == "cancelled":
                break
        else:
            pytest.fail("every answer was over before it could be stopped")
    expect(page.get_by_test_id("announcer").locator("p").last).to_have_text("Stopped.")
    fail_with(window.axe())
