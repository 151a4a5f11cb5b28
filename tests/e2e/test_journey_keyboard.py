"""Everything without a pointer: from the first page to signing out, the focus always in sight."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.answers import expect_over
from tests.support.journeys import PASSWORD, NewVisitor, fail_with
from tests.support.members import new_member, new_name
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
MAX_TABS = 40
# An outline or ring on it, or the frame of the field it is in; an entry of a menu is filled.
FOCUS_IS_SEEN = """() => {
  const clear = "rgba(0, 0, 0, 0)";
  const focused = document.activeElement;
  if (focused === document.body) return true;
  for (let it = focused, up = 0; it && up < 4; it = it.parentElement, up += 1) {
    const style = getComputedStyle(it);
    if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) return true;
    if (it.matches("form:focus-within") && parseFloat(style.borderTopWidth) > 0) return true;
  }
  return focused.matches("[role^=menuitem]") &&
    getComputedStyle(focused).backgroundColor !== clear;
}"""
DESCRIBE_FOCUS = "document.activeElement.outerHTML.slice(0, 200)"


def assert_focus_is_seen(page: Page) -> None:
    assert page.evaluate(FOCUS_IS_SEEN), page.evaluate(DESCRIBE_FOCUS)


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab until it has the focus; the focus is seen at every stop on the way."""
    for _ in range(MAX_TABS):
        page.keyboard.press(key)
        assert_focus_is_seen(page)
        if target.count() and target.first.evaluate("it => it === document.activeElement"):
            return
    raise AssertionError(f"never reached {target}: {page.evaluate(DESCRIBE_FOCUS)}")


def choose(page: Page, entry: str) -> None:
    """Walk down the open menu to an entry and press it."""
    expect(page.get_by_role("menu")).to_be_visible()
    focused = page.locator("[role^=menuitem]:focus")
    for _ in range(MAX_TABS):
        if focused.count() and entry in focused.inner_text():
            assert_focus_is_seen(page)
            page.keyboard.press("Enter")
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"no entry {entry} in the menu")


def test_from_the_first_page_to_signing_out_without_a_pointer(
    visitor: NewVisitor, stack: Stack
) -> None:
    window = visitor()
    page = window.page
    page.goto(stack.base_url)
    composer = page.get_by_test_id("composer")
    expect(composer).to_be_focused()
    page.keyboard.type("hello there")
    page.keyboard.press("Enter")
    expect_over(page.get_by_test_id("message-assistant").last)
    tab_to(page, page.get_by_test_id("register"), "Shift+Tab")
    page.keyboard.press("Enter")
    name = new_name()
    expect(page.get_by_test_id("auth-username")).to_be_focused()
    page.keyboard.type(name)
    tab_to(page, page.get_by_test_id("auth-password"))
    page.keyboard.type(PASSWORD)
    tab_to(page, page.get_by_test_id("auth-submit"))
    page.keyboard.press("Enter")
    window.expect_signed_in(name)

    page.keyboard.press("Alt+Shift+M")
    expect(composer).to_be_focused()
    page.keyboard.type("and now?")
    page.keyboard.press("Enter")
    replies = page.get_by_test_id("message-assistant")
    expect(replies).to_have_count(2)
    expect_over(replies.last)

    tab_to(page, page.get_by_test_id("conversation-menu"), "Shift+Tab")
    page.keyboard.press("Enter")
    choose(page, "Rename")
    expect(page.get_by_test_id("title-input")).to_be_focused()
    page.keyboard.type("no pointer")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("conversation-item")).to_contain_text("no pointer")
    fail_with(window.axe())

    tab_to(page, page.get_by_test_id("account-menu"))
    page.keyboard.press("Enter")
    choose(page, "Settings")
    tab_to(page, page.get_by_test_id("settings-look"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/settings/\?tab=look"))
    fail_with(window.axe())
    page.keyboard.press("?")
    expect(page.get_by_test_id("shortcuts")).to_be_visible()
    fail_with(window.axe())
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("shortcuts")).to_have_count(0)
    tab_to(page, page.get_by_test_id("back-to-chat"), "Shift+Tab")
    page.keyboard.press("Enter")
    window.expect_signed_in(name)
    tab_to(page, page.get_by_test_id("account-menu"))
    page.keyboard.press("Enter")
    choose(page, "Sign out")
    expect(page.get_by_test_id("sign-in")).to_be_visible()
    fail_with(window.axe())


@pytest.mark.long
def test_skip_link_shortcuts_and_the_way_back_of_the_focus(
    visitor: NewVisitor, stack: Stack
) -> None:
    window = visitor()
    member = new_member(window, stack.base_url)
    number = member.keep("a question", "an answer")
    page = window.page
    page.goto(f"{stack.base_url}/?c={number}")
    expect(page.get_by_test_id("conversation-item")).to_have_count(1)
    composer = page.get_by_test_id("composer")
    skip = page.get_by_role("link", name="Skip to the message field")
    tab_to(page, skip)
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(composer).to_be_focused()

    page.keyboard.press("Control+k")
    expect(page.get_by_test_id("search")).to_be_focused()
    page.keyboard.press("Alt+Shift+S")
    expect(page.get_by_test_id("sidebar-expand")).to_be_visible()
    page.keyboard.press("Alt+Shift+S")
    expect(page.get_by_test_id("sidebar-expand")).to_have_count(0)
    page.keyboard.press("Alt+Shift+G")
    expect(page.get_by_test_id("glass-toggle")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Alt+Shift+G")
    page.keyboard.press("Alt+Shift+R")
    answer = page.get_by_test_id("message-assistant")
    expect(answer.get_by_test_id("versions")).to_contain_text("2/2")
    expect_over(answer)
    page.keyboard.press("Alt+Shift+,")
    expect(answer).to_contain_text("an answer")

    share = page.get_by_test_id("share")
    tab_to(page, share)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert_focus_is_seen(page)
        assert page.evaluate("document.activeElement.closest('[role=dialog]') !== null")
    page.keyboard.press("Escape")
    expect(share).to_be_focused()
    page.keyboard.press("Alt+Shift+N")
    expect(composer).to_be_focused()
    expect(page.get_by_test_id("starter").first).to_be_visible()
    page.keyboard.press("Alt+Shift+H")
    expect(page.get_by_test_id("shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(composer).to_be_focused()
    page.keyboard.type("what? / is this")
    expect(composer).to_have_value("what? / is this")
    expect(page.get_by_test_id("shortcuts")).to_have_count(0)
    fail_with(window.axe())
