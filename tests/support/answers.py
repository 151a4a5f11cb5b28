"""Answers as a visitor sees them, step by step, and as the server has stored them.

The tiny model's words are random bytes, and what Markdown makes of them is not what these tests
ask: they compare letters. Some of its answers end after a few tokens, so whoever needs one in the
middle asks for a wilder and longer one (`LONG_ANSWERS`), slows the worker down, and asks again.
"""

import json
from collections.abc import Sequence
from itertools import pairwise

from playwright.sync_api import Locator, Page, expect

from tests.support.journeys import Visitor

ATTEMPTS = 10
ANSWER_MS = 60_000
# A flat distribution hardly ever draws the end.
LONG_ANSWERS = {"temperature": 2.0, "top_k": 0, "max_tokens": 150}
# Long enough for a person to do something else in the middle.
CRAWL = {"run_s": 0.005, "rest_s": 0.3}
BEGUN_LETTERS = 3

_WATCH = """if (!window.shownTexts) {
  window.shownTexts = [];
  const look = () => {
    const answers = document.querySelectorAll('[data-testid="message-assistant"]');
    if (answers.length === 0) return;
    const last = answers[answers.length - 1].querySelector('[dir="auto"]');
    const text = last?.textContent ?? "";
    if (text !== shownTexts[shownTexts.length - 1]) shownTexts.push(text);
  };
  new MutationObserver(look).observe(
    document, {subtree: true, childList: true, characterData: true});
}"""
_BEGUN = """([article, least]) => article.getAttribute("aria-busy") === "false" ||
  (article.querySelector('[dir="auto"]')?.textContent ?? "").length >= least"""


def letters(text: str) -> str:
    """What no Markdown takes away."""
    return "".join(sign for sign in text if sign.isalpha())


def letters_of(reply: Locator) -> str:
    """The letters of an answer as it is shown; "" while it has no text."""
    text = reply.locator('[dir="auto"]')
    return letters(text.first.text_content() or "") if text.count() else ""


def watch_answers(window: Visitor) -> None:
    """From now on all texts that the newest answer shows are kept, until the page is left."""
    window.context.add_init_script(_WATCH)


def shown_steps(page: Page) -> list[str]:
    """The letters that the newest answer has shown since the page was loaded, step by step."""
    texts: list[str] = page.evaluate("window.shownTexts")
    begin = max((at for at, text in enumerate(texts) if text == ""), default=0)
    steps = [letters(text) for text in texts[begin:]]
    return [step for at, step in enumerate(steps) if at == 0 or step != steps[at - 1]]


def assert_only_grew(steps: Sequence[str], whole: str) -> None:
    """Nothing shown was taken back, repeated or left out, and the end is the whole text."""
    for before, after in pairwise(steps):
        assert after.startswith(before), (before, after)
    assert steps[-1] == whole


def wish_long_answers(window: Visitor) -> None:
    """A guest's settings; a member's are set over the API."""
    wish = json.dumps(json.dumps(LONG_ANSWERS))
    window.context.add_init_script(f"localStorage.setItem('eugpt.sampling', {wish})")


def is_under_way(reply: Locator) -> bool:
    """Waits for its first letters; False when it was over before one could look."""
    reply.page.wait_for_function(
        _BEGUN, arg=[reply.element_handle(), BEGUN_LETTERS], timeout=ANSWER_MS
    )
    return reply.get_attribute("aria-busy") == "true"


def ask_for_long(window: Visitor, text: str = "please talk to me") -> Locator:
    """Ask until an answer is being written; the worker should crawl."""
    for attempt in range(ATTEMPTS):
        reply = window.ask(f"{text} {attempt}")
        if is_under_way(reply):
            return reply
    raise AssertionError("every answer was over at once")


def ask_for_text(window: Visitor, text: str = "say something") -> Locator:
    """Ask until a complete answer has a few letters."""
    for attempt in range(ATTEMPTS):
        reply = window.ask(f"{text} {attempt}")
        expect_over(reply)
        if len(letters_of(reply)) >= BEGUN_LETTERS:
            return reply
    raise AssertionError("every answer was empty")


def expect_over(reply: Locator) -> None:
    """The answer is complete, stopped or failed."""
    expect(reply).to_have_attribute("aria-busy", "false", timeout=ANSWER_MS)
