"""The export of an account: complete, the user's only, of one moment, limited."""

import asyncio
import json
from typing import Any

import pytest
from django.db import connection
from django.http import StreamingHttpResponse
from rest_framework.test import APIClient

from accounts.errors import NotAuthenticated
from accounts.export import EXAMPLE, account_export
from accounts.keys import key_create
from accounts.models import User
from chat.generation.traces import trace_write
from chat.models import Conversation, Feedback, Generation, Message, Report, Role, Status
from chat.services.imports import conversation_import
from chat.services.shares import share_create
from tests.accounts.clients import error_of, user_make
from tests.accounts.test_own_sessions import FIREFOX, browser
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/auth/me/export"


def download(client: APIClient) -> tuple[Any, dict[str, Any]]:
    response: Any = client.get(URL)
    assert response.status_code == 200

    async def read(response: StreamingHttpResponse) -> bytes:
        return b"".join([chunk async for chunk in response])

    text = asyncio.run(read(response))
    assert len(text) == int(response["Content-Length"])
    response.close()
    document: dict[str, Any] = json.loads(text)
    return response, document


def branched(user: User) -> Conversation:
    """Two replies to one prompt, of which the second is shown."""
    conversation = conversation_make(user, "Dogs „&“ cats")
    first = exchange_make(conversation, "Do you like dogs? 🐕", "I do.")
    second = Message.objects.create(
        conversation=conversation, parent=first.parent, role=Role.ASSISTANT, content="Not at all."
    )
    conversation.head = second
    conversation.save()
    return conversation


def test_export_of_a_new_account_has_every_section() -> None:
    response, document = download(browser(user_make("ana")))
    assert response["Content-Disposition"] == 'attachment; filename="eugpt-ana.json"'
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    assert (document["format"], document["version"]) == ("eugpt.account", 1)
    assert document["profile"]["username"] == "ana"
    assert document["profile"]["last_login"]
    assert document["settings"] == {}
    (session,) = document["sessions"]
    assert session["device"] == "Firefox on Linux"
    assert session["user_agent"] == FIREFOX
    assert set(document) == set(EXAMPLE)
    lists = {name for name, value in EXAMPLE.items() if value == []} - {"sessions"}
    assert {name: document[name] for name in lists} == {name: [] for name in lists}


def test_export_has_everything_of_the_user_and_nothing_of_others() -> None:
    user, other = user_make("ana", settings={"sampling": {"top_k": 3}}), user_make("ben")
    key_create(user=user, name="notebook")
    key_create(user=other, name="secret of ben")
    conversation, empty = branched(user), conversation_make(user, "Empty")
    share_create(conversation=conversation, expires_in_days=7)
    head = conversation.head
    assert head is not None
    Feedback.objects.create(message=head, user=user, rating="down", comment="not kind")
    Report.objects.create(message=head, reporter=user, reason="other", text=head.content)
    Generation.objects.create(owner_key="u:1", user=user, model="m", status=Status.COMPLETED)
    traced = exchange_make(conversation_make(user, "Traced"), "Say no.", "No").generation
    trace_write(generation=traced, rows=[[5, "No", -0.1, [[5, "No", -0.1], [6, "Yes", -2.0]]]])
    exchange_make(conversation_make(other, "of ben"), "secret of ben", "secret of ben")
    _, document = download(browser(user))
    assert document["settings"] == {"sampling": {"top_k": 3}}
    assert [key["name"] for key in document["api_keys"]] == ["notebook"]
    first, second, third = document["conversations"]
    assert [m["content"] for m in first["messages"]] == [
        "Do you like dogs? 🐕",
        "I do.",
        "Not at all.",
    ]
    assert [m["parent"] for m in first["messages"]] == [None, 1, 1]
    assert first["conversation"]["head"] == 3
    assert second["conversation"]["uuid"] == str(empty.uuid)
    (trace,) = document["traces"]
    assert (trace["conversation"], trace["text"]) == (third["conversation"]["uuid"], "No")
    assert [token["text"] for token in trace["tokens"][0]["top"]] == ["No", "Yes"]
    (share,) = document["shares"]
    assert share["conversation"] == str(conversation.uuid)
    assert share["messages"][-1]["content"] == "Not at all."
    (feedback,) = document["feedback"]
    assert (feedback["text"], feedback["comment"]) == ("Not at all.", "not kind")
    (report,) = document["reports"]
    assert (report["text"], report["reason"]) == ("Not at all.", "other")
    (reply,) = document["other_replies"]
    assert reply["model"] == "m"
    assert "secret of ben" not in json.dumps(document)


def test_exported_conversations_can_be_imported_elsewhere() -> None:
    user, other = user_make("ana"), user_make("ben")
    branched(user)
    _, document = download(browser(user))
    conversation, is_new = conversation_import(user=other, document=document["conversations"][0])
    assert is_new
    assert conversation.messages.count() == 3


def test_export_names_no_secret() -> None:
    user = user_make("ana")
    _, secret = key_create(user=user, name="notebook")
    client = browser(user)
    _, document = download(client)
    text = json.dumps(document)
    user.refresh_from_db()
    for value in (secret, user.password, user.api_keys.get().key_hash):
        assert value not in text


def test_a_long_account_is_written_to_disk_and_not_held() -> None:
    """Beyond its first MiB the file has left the memory; rows are read in portions."""
    user = user_make()
    for _ in range(3):
        exchange_make(conversation_make(user), "long", "x" * 600_000)
    file, size = account_export(user=user)
    with file:
        assert size > 1_800_000
        assert getattr(file, "_rolled") is True  # noqa: B009
        document = json.loads(file.read())
    assert len(document["conversations"]) == 3


def test_export_holds_no_database_connection_while_it_is_sent() -> None:
    response: Any = browser(user_make()).get(URL)
    assert response.streaming
    assert connection.connection is None
    response.close()


def test_export_is_limited_for_each_user() -> None:
    client = browser(user_make())
    for _ in range(6):
        response: Any = client.get(URL)
        assert response.status_code == 200
        response.close()
    assert error_of(client.get(URL)) == (429, "rate_limited")
    other: Any = browser(user_make("ben")).get(URL)
    assert other.status_code == 200
    other.close()


def test_export_needs_a_token() -> None:
    assert error_of(APIClient().get(URL)) == (401, "not_authenticated")


def test_an_account_that_has_just_gone_has_nothing_to_export() -> None:
    user = user_make()
    User.objects.all().delete()
    with pytest.raises(NotAuthenticated):
        account_export(user=user)
