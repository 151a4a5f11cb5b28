"""Branches: which one is shown, how to switch, and paging through a long one."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from chat.models import Conversation, Message, Role
from tests.accounts.clients import error_of, user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db


def _address(conversation: Conversation) -> str:
    return f"/api/conversations/{conversation.pk}"


def _reply_to(prompt: Message, text: str) -> Message:
    return Message.objects.create(
        conversation=prompt.conversation, parent=prompt, role=Role.ASSISTANT, content=text
    )


def _long(user: User, count: int) -> Conversation:
    """A conversation of one branch, written at once."""
    conversation = conversation_make(user)
    first = Message.objects.create(conversation=conversation, role=Role.USER, content="0")
    Message.objects.bulk_create(
        Message(
            pk=first.pk + n,
            conversation=conversation,
            parent_id=first.pk + n - 1,
            role=Role.ASSISTANT if n % 2 else Role.USER,
            content=str(n),
        )
        for n in range(1, count)
    )
    Conversation.objects.filter(pk=conversation.pk).update(head=first.pk + count - 1)
    conversation.refresh_from_db()
    return conversation


def _walk(api: APIClient, address: str) -> list[list[str]]:
    """The contents of all pages, from the newest."""
    pages = []
    following: str | None = address
    while following:
        response = api.get(following)
        assert response.status_code == 200, response.content
        pages.append([message["content"] for message in response.json()["messages"]])
        link = re.fullmatch(r'<(.+)>; rel="next"', response.get("Link", ""))
        following = link[1] if link else None
    return pages


def test_head_shows_the_newest_leaf_below_any_message(api: APIClient, user: User) -> None:
    conversation = conversation_make(user)
    first = exchange_make(conversation, "hi", "one")
    exchange_make(conversation, "more", "last of one")
    last_of_one = conversation.head
    assert first.parent is not None
    assert last_of_one is not None
    second = _reply_to(first.parent, "two")
    before = conversation.updated_at

    body = api.patch(_address(conversation), {"head": second.pk})
    assert body.status_code == 200
    assert api.get(_address(conversation)).json()["head"] == second.pk
    api.patch(_address(conversation), {"head": first.pk, "title": "Both"})
    body = api.get(_address(conversation)).json()
    assert (body["head"], body["title"]) == (last_of_one.pk, "Both")
    api.patch(_address(conversation), {"head": first.parent.pk})
    conversation.refresh_from_db()
    assert (conversation.head, conversation.updated_at) == (second, before)


def test_head_of_another_conversation_is_refused_and_nothing_saved(
    api: APIClient, user: User
) -> None:
    conversation = conversation_make(user, "Old")
    own = exchange_make(conversation, "hi", "hello")
    foreign = exchange_make(conversation_make(user_make("ben")), "hi", "hello")
    other = exchange_make(conversation_make(user), "hi", "hello")
    for head in (foreign.pk, other.pk, 10**12):
        response = api.patch(_address(conversation), {"head": head, "title": "New"})
        assert error_of(response) == (400, "invalid")
        assert set(response.json()["fields"]) == {"head"}
    conversation.refresh_from_db()
    assert (conversation.head, conversation.title) == (own, "Old")


def test_pages_of_the_shown_branch_have_siblings(api: APIClient, user: User) -> None:
    conversation = conversation_make(user)
    first = exchange_make(conversation, "hi", "one")
    assert first.parent is not None
    second, third = _reply_to(first.parent, "two"), _reply_to(first.parent, "three")
    api.patch(_address(conversation), {"head": second.pk})
    body = api.get(f"{_address(conversation)}?limit=9").json()
    assert [message["content"] for message in body["messages"]] == ["hi", "two"]
    assert body["messages"][0]["siblings"] == {
        "index": 1, "count": 1, "previous": None, "next": None,
    }  # fmt: skip
    assert body["messages"][1]["siblings"] == {
        "index": 2, "count": 3, "previous": first.pk, "next": third.pk,
    }  # fmt: skip
    whole = api.get(_address(conversation)).json()
    assert [message["content"] for message in whole["messages"]] == ["hi", "one", "two", "three"]
    assert "siblings" not in whole["messages"][0]
    assert set(body) == set(whole)


def test_first_messages_are_siblings_of_each_other(api: APIClient, user: User) -> None:
    conversation = conversation_make(user)
    exchange_make(conversation, "hi", "hello")
    edited = Message.objects.create(conversation=conversation, role=Role.USER, content="hey")
    exchange_make(conversation_make(user), "other", "conversation")
    api.patch(_address(conversation), {"head": edited.pk})
    [message] = api.get(f"{_address(conversation)}?limit=1").json()["messages"]
    assert (message["siblings"]["index"], message["siblings"]["count"]) == (2, 2)


def test_pages_lead_from_the_newest_to_the_first(
    api: APIClient, user: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    conversation = _long(user, 7)
    assert _walk(api, f"{_address(conversation)}?limit=3") == [
        ["4", "5", "6"], ["1", "2", "3"], ["0"],
    ]  # fmt: skip
    assert _walk(api, f"{_address(conversation)}?limit=7") == [[str(n) for n in range(7)]]
    middle = conversation.messages.order_by("id")[4]
    with django_assert_num_queries(1 + 1 + 4):
        assert _walk(api, f"{_address(conversation)}?limit=9&before={middle.pk}") == [
            ["0", "1", "2", "3"]
        ]
    with django_assert_num_queries(1 + 1 + 3):
        api.get(f"{_address(conversation)}?limit=5")


def test_a_very_long_conversation_comes_in_pages_by_itself(
    api: APIClient, user: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    conversation = _long(user, 2001)
    with django_assert_num_queries(1 + 1 + 1 + 3):
        body = api.get(_address(conversation)).json()
    assert len(body["messages"]) == 500
    assert body["messages"][-1]["content"] == "2000"
    pages = _walk(api, _address(conversation))
    assert [n for page in reversed(pages) for n in page] == [str(n) for n in range(2001)]
    conversation.messages.latest("id").delete()
    assert len(api.get(_address(conversation)).json()["messages"]) == 2000


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=x", "before=0", "before=x", "before=1", f"before={2**63}",
     "befor=1"],
)  # fmt: skip
def test_bad_paging_is_refused(api: APIClient, user: User, query: str) -> None:
    address = _address(conversation_make(user))
    exchange_make(conversation_make(user_make("ben")), "hi", "hello")
    assert error_of(api.get(f"{address}?{query}")) == (400, "invalid")


def test_an_empty_conversation_has_an_empty_page(api: APIClient, user: User) -> None:
    body = api.get(f"{_address(conversation_make(user))}?limit=5").json()
    assert (body["head"], body["messages"]) == (None, [])
