"""The sidebar: search, rename, pin, archive, delete and undo, many at once, files out and in."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.journeys import NewVisitor, fail_with
from tests.support.members import Member, new_member
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.long,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
TITLES = ["apples and pears", "bread", "cheese"]


@pytest.fixture
def member(visitor: NewVisitor, stack: Stack) -> Member:
    """Has three conversations, newest first: cheese, bread, apples and pears."""
    member = new_member(visitor(), stack.base_url)
    for title in TITLES:
        member.keep(title, f"all about {title}, with xylophones")
    member.window.page.goto(stack.base_url)
    expect(items(member.window.page)).to_have_count(3)
    return member


def items(page: Page) -> Locator:
    return page.get_by_test_id("conversation-item")


def press_in_menu(page: Page, title: str, entry: str) -> None:
    page.get_by_role("button", name=f"Options for {title}").click()
    page.get_by_role("menu").get_by_test_id(entry).click()


def titles(member: Member) -> list[str]:
    return [item["title"] for item in member.conversations()]


def test_search_finds_titles_and_messages_by_keyboard(member: Member, stack: Stack) -> None:
    window = member.window
    page = window.page
    page.keyboard.press("Control+k")
    field = page.get_by_test_id("search")
    expect(field).to_be_focused()
    page.keyboard.type("pea")
    results = page.get_by_test_id("search-result")
    expect(results).to_have_count(1)
    expect(results.locator("mark").first).to_have_text("pea", ignore_case=True)
    fail_with(window.axe())
    field.fill("xyloph")
    expect(results).to_have_count(3)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(field).to_be_focused()
    active = page.locator(f"[id='{field.get_attribute('aria-activedescendant')}']")
    expect(active).to_contain_text("xylophones")
    found = active.locator("xpath=ancestor::*[@data-testid='search-result']")
    title = found.get_attribute("aria-label")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message-user").first).to_contain_text(str(title))
    field.focus()
    page.keyboard.press("Escape")
    expect(field).to_have_value("")
    field.fill("nothing like this")
    expect(page.get_by_test_id("nothing-found")).to_be_visible()
    fail_with(window.axe())


def test_rename_pin_and_archive(member: Member, stack: Stack) -> None:
    window = member.window
    page = window.page
    press_in_menu(page, "bread", "rename")
    field = page.get_by_test_id("title-input")
    expect(field).to_be_focused()
    fail_with(window.axe())
    field.fill("sourdough")
    page.keyboard.press("Enter")
    expect(items(page).nth(1)).to_contain_text("sourdough")
    press_in_menu(page, "apples and pears", "pin")
    expect(items(page).first).to_contain_text("apples and pears")
    press_in_menu(page, "cheese", "archive")
    expect(items(page)).to_have_count(2)
    fail_with(window.axe())
    page.reload()
    expect(items(page)).to_have_count(2)
    expect(items(page).first).to_contain_text("apples and pears")
    assert titles(member) == ["apples and pears", "sourdough"]
    page.get_by_test_id("list-menu").click()
    page.get_by_test_id("show-archive").click()
    expect(items(page)).to_have_count(1)
    fail_with(window.axe())
    press_in_menu(page, "cheese", "archive")
    expect(page.get_by_test_id("empty-list")).to_contain_text("Nothing is archived")
    page.get_by_test_id("archive-back").click()
    expect(items(page)).to_have_count(3)


def test_a_title_is_changed_above_the_chat(member: Member, stack: Stack) -> None:
    page = member.window.page
    items(page).filter(has_text="bread").get_by_role("link").click()
    page.get_by_test_id("title").click()
    page.get_by_test_id("title-field").fill("toast")
    page.keyboard.press("Enter")
    expect(items(page).filter(has_text="toast")).to_have_count(1)
    expect(page).to_have_title("toast · EuGPT")
    expect(page.get_by_test_id("title")).to_be_focused()
    assert "toast" in titles(member)
    fail_with(member.window.axe())


def test_deleted_comes_back_with_undo_and_is_gone_without(member: Member, stack: Stack) -> None:
    window = member.window
    page = window.page
    items(page).filter(has_text="cheese").get_by_role("link").click()
    expect(page.get_by_test_id("message-user")).to_contain_text("cheese")
    address = page.url
    press_in_menu(page, "cheese", "delete")
    expect(items(page)).to_have_count(2)
    expect(page.get_by_test_id("message-user")).to_have_count(0)
    fail_with(window.axe())
    page.get_by_test_id("toast-action").click()
    expect(items(page)).to_have_count(3)
    expect(page).to_have_url(address)
    expect(page.get_by_test_id("message-user")).to_contain_text("cheese")
    press_in_menu(page, "bread", "delete")
    expect(items(page)).to_have_count(2)
    # Leaving the page is the end of the time for undoing.
    page.reload()
    expect(items(page)).to_have_count(2)
    expect(page.get_by_test_id("message-user")).to_contain_text("cheese")
    assert titles(member) == ["cheese", "apples and pears"]


def test_many_at_once(member: Member, stack: Stack) -> None:
    window = member.window
    page = window.page
    page.get_by_test_id("list-menu").click()
    page.get_by_test_id("select-several").click()
    checks = page.get_by_test_id("select-item")
    checks.nth(0).click()
    checks.nth(2).click()
    bar = page.get_by_test_id("selection-bar")
    expect(bar).to_contain_text("2 selected")
    fail_with(window.axe())
    page.get_by_test_id("bulk-pin").click()
    expect(page.get_by_role("heading", name="Pinned")).to_be_visible()
    if bar.count() == 0:
        page.get_by_test_id("list-menu").click()
        page.get_by_test_id("select-several").click()
    page.get_by_test_id("select-all").click()
    expect(bar).to_contain_text("3 selected")
    page.get_by_test_id("bulk-delete").click()
    expect(page.get_by_test_id("empty-list")).to_be_visible()
    page.get_by_test_id("toast-action").click()
    expect(items(page)).to_have_count(3)
    assert sorted(titles(member)) == sorted(TITLES)
    fail_with(window.axe())


def test_an_export_comes_back_as_it_was(member: Member, stack: Stack, tmp_path: Path) -> None:
    window = member.window
    page = window.page
    before = member.conversation(member.conversations()[2]["id"])
    press_in_menu(page, "apples and pears", "export")
    fail_with(window.axe())
    with page.expect_download() as download:
        page.get_by_test_id("export-json").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.suffix == ".json"
    assert "apples and pears" in json.dumps(json.loads(file.read_text()))
    # The same file is the same conversation: nothing is doubled.
    page.get_by_test_id("import-files").set_input_files(file)
    expect(page.get_by_test_id("toast").first).to_be_visible()
    assert len(titles(member)) == 3
    press_in_menu(page, "apples and pears", "delete")
    page.reload()
    expect(items(page)).to_have_count(2)
    page.get_by_test_id("import-files").set_input_files(file)
    expect(items(page)).to_have_count(3)
    [again] = [it for it in member.conversations() if it["title"] == "apples and pears"]
    after = member.conversation(again["id"])
    assert [it["content"] for it in after["messages"]] == [
        it["content"] for it in before["messages"]
    ]
    fail_with(window.axe())


def test_a_file_that_is_no_export_is_refused_with_a_reason(
    member: Member, stack: Stack, tmp_path: Path
) -> None:
    member.window.expects("status of 400")
    page = member.window.page
    file = tmp_path / "holiday.json"
    file.write_text('{"beach": true}')
    page.get_by_test_id("import-files").set_input_files(file)
    expect(page.get_by_test_id("import-problems")).to_contain_text("holiday.json")
    assert len(titles(member)) == 3
    fail_with(member.window.axe())
