"""On a phone: every page fits, the drawer, the message field and the actions are for fingers."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.answers import ask_for_text, expect_over
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
TABS = ("profile", "password", "sessions", "keys", "usage", "answers", "look", "data")
WIDTHS = (320, 360)
# What sticks out of the page to the right, or is not there to be seen.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  const page = document.scrollingElement.scrollWidth;
  const wide = [...document.querySelectorAll("body *")].filter((it) => {
    const {right, width: own} = it.getBoundingClientRect();
    return own > 1 && right > width + 1 && getComputedStyle(it).visibility !== "hidden";
  });
  return page > width ? [`${page} px`, ...wide.slice(0, 5).map((it) => it.outerHTML.slice(0, 120))]
    : [];
}"""
# WCAG 2.2 asks for 24 px; controls in running text are exempt.
TOO_SMALL = """() => [...document.querySelectorAll("button, input, textarea, select")]
  .filter((it) => it.checkVisibility({opacityProperty: true, visibilityProperty: true}))
  .filter((it) => !it.closest("p, label") && !it.classList.contains("sr-only"))
  .filter((it) => {
    const {width, height} = it.getBoundingClientRect();
    return width > 0 && (width < 24 || height < 24);
  })
  .map((it) => it.outerHTML.slice(0, 160))"""


@pytest.fixture
def phone(visitor: NewVisitor, stack: Stack) -> Member:
    """A member with a phone and one conversation."""
    window: Visitor = visitor("phone")
    member = new_member(window, stack.base_url)
    member.keep("supercalifragilistic" * 6, "word " * 60 + "x" * 300)
    return member


def assert_fits(page: Page, where: str) -> None:
    assert page.evaluate(TOO_WIDE) == [], where
    assert page.evaluate(TOO_SMALL) == [], where


def test_chatting_on_a_phone(phone: Member, stack: Stack) -> None:
    window = phone.window
    page = window.page
    page.goto(stack.base_url)
    page.get_by_test_id("open-menu").tap()
    item = page.get_by_test_id("conversation-item")
    expect(item).to_have_count(1)
    fail_with(window.axe())
    item.get_by_role("link").tap()
    expect(page.get_by_test_id("message-assistant")).to_have_count(1)
    expect(item).to_have_count(0)
    assert_fits(page, "a conversation")
    field = page.get_by_test_id("composer")
    field.tap()
    page.keyboard.type("one line")
    page.keyboard.press("Enter")
    page.keyboard.type("another")
    expect(field).to_have_value("one line\nanother")
    page.get_by_test_id("send").tap()
    replies = page.get_by_test_id("message-assistant")
    expect(replies).to_have_count(2)
    expect_over(replies.last)
    # Nothing there is to press may need a pointer that hovers.
    for actions in page.get_by_test_id("message-actions").all():
        expect(actions).to_have_css("opacity", "1")
    assert_fits(page, "an answer")
    fail_with(window.axe())
    replies.last.get_by_test_id("regenerate").tap()
    expect_over(replies.last)
    expect(replies.last.get_by_test_id("versions")).to_contain_text("2/2")


@pytest.mark.long
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_fits_a_phone(
    visitor: NewVisitor, stack: Stack, built_front_end: list[str], theme: str
) -> None:
    window = visitor("phone", theme)
    window.expects(r"status of 404 .*/(nowhere|api/shared/)")
    member = new_member(window, stack.base_url)
    number = member.keep("what is this?", "a long answer " * 40)
    pages = [
        *built_front_end,
        f"/?c={number}",
        "/nowhere",
        *(f"/settings/?tab={it}" for it in TABS),
    ]
    for width in WIDTHS:
        window.page.set_viewport_size({"width": width, "height": 740})
        for path in pages:
            window.page.goto(stack.base_url + path, wait_until="networkidle")
            assert_fits(window.page, f"{path} at {width}")


@pytest.mark.long
def test_dialogs_and_menus_fit_the_smallest_screen(phone: Member, stack: Stack) -> None:
    window = phone.window
    page = window.page
    page.set_viewport_size({"width": 320, "height": 568})
    page.goto(f"{stack.base_url}/?c={phone.conversations()[0]['id']}")
    page.get_by_test_id("share").tap()
    expect(page.get_by_test_id("share-create")).to_be_in_viewport()
    assert_fits(page, "sharing")
    fail_with(window.axe())
    page.keyboard.press("Escape")
    page.get_by_test_id("thumb-down").tap()
    assert_fits(page, "a comment")
    fail_with(window.axe())
    page.keyboard.press("Escape")
    page.get_by_test_id("more").tap()
    page.get_by_test_id("report").tap()
    expect(page.get_by_test_id("report-send")).to_be_attached()
    assert_fits(page, "a report")
    fail_with(window.axe())
    page.keyboard.press("Escape")
    page.get_by_test_id("open-menu").tap()
    page.get_by_role("button", name=re.compile("^Options for")).tap()
    expect(page.get_by_role("menu")).to_be_in_viewport(ratio=1)
    assert_fits(page, "a menu")
    fail_with(window.axe())


@pytest.mark.long
def test_the_newest_message_stays_in_sight_when_the_keyboard_opens(
    phone: Member, stack: Stack
) -> None:
    window = phone.window
    page = window.page
    page.goto(stack.base_url)
    reply = ask_for_text(window)
    page.set_viewport_size({"width": 360, "height": 420})
    expect(page.get_by_test_id("composer")).to_be_in_viewport(ratio=1)
    expect(reply.get_by_test_id("message-actions")).to_be_in_viewport()
