"""Transcripts: turned over page by page, branch by branch, and entered where a search leads."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from accounts.models import User
from chat.models import Conversation, Feedback, Message, Rating, Role
from moderation.models import AuditEntry
from moderation.reading import PAGE_SIZE
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.moderation.people import staff_client, staff_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    return staff_client(staff_make("mo", "moderator"))


@pytest.fixture
def ana() -> User:
    return user_make("ana")


def _address(chat: Conversation) -> str:
    return f"/admin/chat/conversation/{chat.pk}/change/"


def _page(desk: Client, address: str) -> str:
    response = desk.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def _ids(page: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<li id="m(\d+)" class="bubble', page)]


def _link(page: str, pattern: str) -> str:
    found = re.search(pattern, page)
    assert found is not None, pattern
    return unescape(found[1])


def _long(user: User, count: int) -> Conversation:
    """A line of messages, each under the one before."""
    chat = conversation_make(user, "A long walk")
    for number in range(count):
        role = Role.ASSISTANT if number % 2 else Role.USER
        chat.head = Message.objects.create(
            conversation=chat, parent=chat.head, role=role, content=f"step {number}"
        )
    chat.save(update_fields=["head"])
    return chat


def test_a_long_transcript_is_turned_over_to_its_beginning(desk: Client, ana: User) -> None:
    chat = _long(ana, 2 * PAGE_SIZE + 10)
    every = list(chat.messages.order_by("id").values_list("pk", flat=True))
    page = _page(desk, _address(chat))
    seen = _ids(page)
    assert seen == every[2 * PAGE_SIZE :], "the newest ones first"
    for _ in range(2):
        older = _link(page, r'href="([^"]*)">(?:<svg.*?</svg>)?Older')
        page = _page(desk, _address(chat) + older)
        seen = _ids(page) + seen
    assert seen == every
    assert "Older" not in page
    newer = _link(page, r'href="([^"]*)">Newer')
    assert _ids(_page(desk, _address(chat) + newer)) == every[PAGE_SIZE : 2 * PAGE_SIZE]
    for wrong in ("?page=99", "?page=-1", "?page=x", "?branch=999999999&page=3"):
        assert _ids(_page(desk, _address(chat) + wrong)) == every[2 * PAGE_SIZE :]


def test_branches_lead_to_each_other_and_on_to_their_newest_end(desk: Client, ana: User) -> None:
    chat = conversation_make(ana, "Branches")
    first = exchange_make(chat, "hello", "first answer")
    asked = first.parent
    after = exchange_make(chat, "go on", "more of the first")
    second = Message.objects.create(
        conversation=chat, parent=asked, role=Role.ASSISTANT, content="second answer"
    )
    assert asked is not None
    assert after.parent is not None
    shown = [asked.pk, first.pk, after.parent.pk, after.pk]
    page = _page(desk, _address(chat))
    assert _ids(page) == shown
    following = _link(page, r'href="([^"]*)" aria-label="The next version"')
    page = _page(desk, _address(chat) + following.split("#")[0])
    assert _ids(page) == [asked.pk, second.pk]
    assert following.endswith(f"#m{second.pk}")
    before = _link(page, r'href="([^"]*)" aria-label="The version before"')
    assert _ids(_page(desk, _address(chat) + before.split("#")[0])) == shown


def test_a_message_of_another_conversation_is_no_place_in_this_one(desk: Client, ana: User) -> None:
    chat, other = _long(ana, 4), _long(user_make("ben"), 4)
    foreign = other.messages.order_by("id")[0].pk
    for name in ("at", "branch"):
        page = _page(desk, f"{_address(chat)}?{name}={foreign}")
        assert set(_ids(page)) == set(chat.messages.values_list("pk", flat=True))


def test_a_search_in_all_messages_leads_to_the_place(desk: Client, ana: User) -> None:
    chat = _long(ana, PAGE_SIZE + 50)
    wanted = chat.messages.order_by("id")[7]
    Message.objects.filter(pk=wanted.pk).update(content="a purple <b>walrus</b> sings")
    found = _page(desk, "/admin/chat/message/?q=purple+walr")
    assert "<mark>purple</mark>" in found
    assert "&lt;b&gt;" in found
    link = _link(found, r'field-found[^>]*><a href="([^"?]*)')
    place = desk.get(link)
    assert place.status_code == 302
    assert place.headers["Location"] == f"{_address(chat)}?at={wanted.pk}#m{wanted.pk}"
    page = _page(desk, place.headers["Location"].split("#")[0])
    assert wanted.pk in _ids(page), "on the page where it stands, not the newest"
    assert f'<li id="m{wanted.pk}" class="bubble assistant is-here"' in page
    actions = [entry.action for entry in AuditEntry.objects.order_by("id")]
    assert actions == ["message.search", "conversation.read"]
    assert "walr" not in str(list(AuditEntry.objects.values()))


def test_a_search_in_a_conversation_leads_to_another_branch(desk: Client, ana: User) -> None:
    chat = conversation_make(ana, "Branches")
    shown = exchange_make(chat, "hello", "plain answer")
    hidden_away = Message.objects.create(
        conversation=chat, parent=shown.parent, role=Role.ASSISTANT, content="a rare marmot"
    )
    page = _page(desk, f"{_address(chat)}?find=marm")
    assert hidden_away.pk not in _ids(page)
    hit = _link(page, r'href="([^"#]*)[^"]*" data-testid="hit"')
    assert hidden_away.pk in _ids(_page(desk, _address(chat) + hit))


def test_no_words_are_shown_or_searched_without_the_right(ana: User) -> None:
    chat = _long(ana, 4)
    role = staff_make("ina", "moderator")
    role.groups.clear()
    from django.contrib.auth.models import Permission

    names = ("view_conversation", "view_message")
    role.user_permissions.set(Permission.objects.filter(codename__in=names))
    ina = staff_client(role)
    assert "step 1" not in _page(ina, _address(chat))
    assert ina.get("/admin/chat/message/?q=step").status_code == 403
    assert "step 1" not in _page(ina, "/admin/chat/message/")


def test_what_was_said_of_a_reply_is_there_to_read(desk: Client, ana: User) -> None:
    """A title shows on a phone and to the keyboard nowhere."""
    reply = exchange_make(conversation_make(ana), "p", "r")
    Feedback.objects.create(message=reply, user=ana, rating=Rating.UP, comment="so <kind>")
    page = _page(desk, _address(reply.conversation))
    assert "Comment: so &lt;kind&gt;</p>" in page
    assert 'title="so' not in page
