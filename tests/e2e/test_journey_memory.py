"""The model's memory made visible, temporary chats, and a conversation of ten thousand messages."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.answers import expect_over
from tests.support.journeys import NewVisitor, fail_with
from tests.support.members import Member, new_member
from tests.support.stack import Stack, manage

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.long,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
MANY = 10_000
MAX_ARTICLES = 80
WRITE_MANY = """
from django.db import connection
from accounts.models import User
from chat.models import Conversation, Message
user = User.objects.get(username="{name}")
conversation = Conversation.objects.create(user=user, title="a long talk")
with connection.cursor() as cursor:
    cursor.execute("SELECT last_value FROM chat_message_id_seq")
    first = cursor.fetchone()[0] + 1
    Message.objects.bulk_create(
        [
            Message(
                id=first + at,
                conversation=conversation,
                parent_id=first + at - 1 if at else None,
                role=("user", "assistant")[at % 2],
                content=f"message number {{at}} " + "and some more words " * (at % 13),
            )
            for at in range({count})
        ],
        batch_size=1000,
    )
    cursor.execute("SELECT setval('chat_message_id_seq', %s)", [first + {count}])
conversation.head_id = first + {count} - 1
conversation.save()
"""
# Scrolls up by a screen or two; how far what is then in view moves by itself afterwards, in px.
MOVES_AFTER_SCROLL = """async () => {
  const frames = async (count) => {
    for (let at = 0; at < count; at += 1) await new Promise(requestAnimationFrame);
  };
  const list = document.querySelector('[data-testid="long-list"]').parentElement.parentElement;
  const placeOf = (item) => item.getBoundingClientRect().top;
  list.scrollTop -= 1500;
  await frames(3);
  const top = placeOf(list);
  const first = [...list.querySelectorAll("[data-key]")]
    .filter((item) => placeOf(item) >= top)
    .sort((a, b) => placeOf(a) - placeOf(b))[0];
  const places = [];
  for (let at = 0; at < 12; at += 1) {
    places.push(first.isConnected ? placeOf(first) : -1e6);
    await frames(1);
  }
  return Math.max(...places) - Math.min(...places);
}"""
SCREENS = 60


def tokens_used(page: Page) -> int:
    label = page.get_by_test_id("context-label")
    expect(label).to_contain_text(" of 384 tokens")
    found = re.search(r"(\d+) of 384", label.inner_text())
    assert found is not None
    return int(found[1])


def test_the_meter_counts_the_draft_and_shows_what_fell_out(
    visitor: NewVisitor, stack: Stack
) -> None:
    window = visitor()
    member = new_member(window, stack.base_url)
    turns = [f"turn {at}: " + "hello there " * 8 for at in range(12)]
    number = member.keep(*turns)
    page = window.page
    page.goto(f"{stack.base_url}/?c={number}")
    before = tokens_used(page)
    page.get_by_test_id("composer").fill("how are you today? " * 2)
    expect(page.get_by_test_id("context-label")).not_to_contain_text(f"{before} of 384")
    expect(page.get_by_test_id("outside-note")).to_have_count(1)
    fail_with(window.axe())
    page.get_by_test_id("context-open").click()
    expect(page.get_by_test_id("context-parts")).to_be_visible()
    expect(page.get_by_test_id("context-fallen-out")).to_contain_text("turn")
    fail_with(window.axe())
    page.keyboard.press("Escape")
    page.get_by_test_id("composer").fill("much too long " * 200)
    expect(page.get_by_test_id("context-label")).to_contain_text("too long")
    fail_with(window.axe())


def test_the_meter_grows_while_a_guest_writes(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    page = window.page
    page.goto(stack.base_url)
    composer = page.get_by_test_id("composer")
    composer.fill("hello")
    first = tokens_used(page)
    composer.fill("hello there, how are you today? " * 3)
    expect(page.get_by_test_id("context-label")).not_to_contain_text(f"{first} of 384")
    assert tokens_used(page) > first


def test_a_temporary_chat_leaves_nothing_behind(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    member = new_member(window, stack.base_url)
    page = window.page
    page.goto(stack.base_url)
    page.get_by_test_id("temporary-toggle").click()
    expect(page.get_by_test_id("temporary-badge")).to_be_visible()
    fail_with(window.axe())
    expect_over(window.ask("forget this"))
    expect_over(window.ask("and this"))
    expect(page.get_by_test_id("message-user")).to_have_count(2)
    expect(page.get_by_test_id("empty-list")).to_be_visible()
    fail_with(window.axe())
    assert member.conversations() == []
    export = member.api.get("/api/auth/me/export")
    assert export.status_code == 200
    assert "forget this" not in export.text
    page.reload()
    expect(page.get_by_test_id("starter").first).to_be_visible()
    expect(page.get_by_test_id("message-user")).to_have_count(0)


@pytest.fixture
def long_talk(visitor: NewVisitor, stack: Stack) -> Member:
    """A member whose only conversation has ten thousand messages."""
    member = new_member(visitor(), stack.base_url)
    code = WRITE_MANY.format(name=member.name, count=MANY)
    manage(stack.env, "shell", "--command", code)
    return member


def test_ten_thousand_messages_open_at_the_end_and_scroll_without_a_jump(
    long_talk: Member, stack: Stack
) -> None:
    window = long_talk.window
    page = window.page
    number = long_talk.conversations()[0]["id"]
    page.goto(f"{stack.base_url}/?c={number}")
    articles = page.locator("article")
    expect(page.get_by_text(f"message number {MANY - 1} ")).to_be_in_viewport()
    assert articles.count() <= MAX_ARTICLES
    fail_with(window.axe())
    for _ in range(SCREENS):
        moved = page.evaluate(MOVES_AFTER_SCROLL)
        assert 0 <= moved <= 2
        assert articles.count() <= MAX_ARTICLES
    # Older ones were loaded on the way: the page began with the newest hundred or so.
    oldest = re.search(r"message number (\d+)", articles.first.inner_text())
    assert oldest is not None
    assert int(oldest[1]) < MANY - 300
    fail_with(window.axe())
    expect(page.get_by_test_id("new-text")).to_be_visible()
    page.get_by_test_id("new-text").click()
    expect(page.get_by_text(f"message number {MANY - 1} ")).to_be_in_viewport()
    page.get_by_test_id("composer").fill("still there?")
    page.get_by_test_id("send").click()
    # By its place at the end: how many articles are mounted above it changes.
    expect(page.get_by_test_id("message-user").last).to_contain_text("still there?")
    expect_over(page.get_by_test_id("message-assistant").last)
