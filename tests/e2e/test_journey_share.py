"""A link to a copy of a conversation: made, read by somebody else, revoked."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.answers import letters
from tests.support.journeys import NewVisitor, fail_with
from tests.support.members import new_member
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]


def make_link(page: Page) -> str:
    page.get_by_test_id("share-create").click()
    made = page.get_by_test_id("share-made")
    expect(made).to_be_visible()
    return made.locator("p").last.inner_text()


def test_a_shared_copy_is_read_by_a_stranger_until_revoked(
    visitor: NewVisitor, stack: Stack
) -> None:
    window = visitor()
    member = new_member(window, stack.base_url)
    number = member.keep("my secret cake", "flour and **sugar**", "and the oven?", "very hot")
    page = window.page
    page.goto(f"{stack.base_url}/?c={number}")
    page.get_by_test_id("share").click()
    link = make_link(page)
    fail_with(window.axe())

    stranger = visitor("phone", "dark")
    stranger.expects(r"status of 404 .*/api/shared/")
    stranger.page.goto(link)
    copy = stranger.page.get_by_test_id("shared")
    expect(copy).to_contain_text("very hot")
    questions = copy.get_by_test_id("shared-user")
    expect(questions).to_contain_text(["my secret cake", "and the oven?"])
    assert letters("flour and sugar") in letters(copy.inner_text())
    assert member.name not in stranger.page.content()
    fail_with(stranger.axe())

    page.get_by_test_id("revoke").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("share-row")).to_have_count(0)
    stranger.page.reload()
    expect(stranger.page.get_by_test_id("shared-missing")).to_contain_text("leads nowhere")
    expect(stranger.page.get_by_test_id("shared")).to_have_count(0)
    fail_with(stranger.axe())


@pytest.mark.long
def test_a_copy_stays_as_it_was_and_all_links_end_at_once(
    visitor: NewVisitor, stack: Stack
) -> None:
    window = visitor()
    member = new_member(window, stack.base_url)
    number = member.keep("what was said", "long ago")
    page = window.page
    page.goto(f"{stack.base_url}/?c={number}")
    page.get_by_test_id("share").click()
    page.get_by_test_id("expiry-never").check(force=True)
    links = [make_link(page)]
    page.get_by_test_id("expiry-1").check(force=True)
    page.get_by_test_id("share-create").click()
    expect(page.get_by_test_id("share-row")).to_have_count(2)
    expect(page.get_by_test_id("share-row").filter(has_text="Without end")).to_have_count(1)
    links.append(page.get_by_test_id("share-made").locator("p").last.inner_text())
    page.keyboard.press("Escape")
    window.expect_finished(window.ask("something new"))

    stranger = visitor()
    stranger.expects(r"status of 404 .*/api/shared/")
    stranger.page.goto(links[0])
    expect(stranger.page.get_by_test_id("shared-user")).to_have_count(1)
    page.get_by_test_id("share").click()
    page.get_by_test_id("revoke-all").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("share-row")).to_have_count(0)
    for link in links:
        stranger.page.goto(link)
        expect(stranger.page.get_by_test_id("shared-missing")).to_be_visible()
    fail_with(window.axe())
