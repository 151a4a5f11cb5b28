"""Feedback and reports: one of each by the reader, part of the messages, closed to others."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from chat.models import Conversation, Feedback, Message, Report
from chat.services.messages import messages_delete
from tests.accounts.clients import client_for, error_of, user_make
from tests.chat.factories import conversation_make, exchange_make


@pytest.fixture
def reply(user: User) -> Message:
    return exchange_make(conversation_make(user), "Do dogs bark?", "Dogs have five legs.")


def _address(message: Message, kind: str) -> str:
    return f"/api/messages/{message.pk}/{kind}"


def _shown(api: APIClient, conversation: Conversation, query: str = "") -> list[tuple[Any, Any]]:
    """Feedback and report of each message, as the conversation has them."""
    body = api.get(f"/api/conversations/{conversation.pk}{query}").json()
    return [(m["feedback"], m["is_reported"]) for m in body["messages"]]


def test_feedback_is_set_changed_and_taken_back(api: APIClient, reply: Message) -> None:
    address = _address(reply, "feedback")
    assert api.put(address, {"rating": "down"}).json() == {"rating": "down", "comment": ""}
    said = {"rating": "up", "comment": "Well, four."}
    response = api.put(address, said)
    assert (response.status_code, response.json()) == (200, said)
    assert Feedback.objects.count() == 1
    assert Feedback.objects.get().updated_at > Feedback.objects.get().created_at
    assert api.delete(address).status_code == 204
    assert api.delete(address).status_code == 204
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("query", ["", "?limit=10"])
def test_messages_name_what_was_said_of_them(api: APIClient, reply: Message, query: str) -> None:
    conversation = reply.conversation
    exchange_make(conversation, "and cats?", "They purr.")
    assert _shown(api, conversation, query) == [(None, False)] * 4
    api.put(_address(reply, "feedback"), {"rating": "down", "comment": "Five?"})
    api.post(_address(reply, "report"), {"reason": "wrong"})
    said = ({"rating": "down", "comment": "Five?"}, True)
    assert _shown(api, conversation, query) == [(None, False), said, (None, False), (None, False)]


def test_a_report_keeps_the_text_when_the_message_goes(api: APIClient, reply: Message) -> None:
    body = {"reason": "wrong", "comment": "Dogs have four."}
    response = api.post(_address(reply, "report"), body)
    assert response.status_code == 201
    assert {name: response.json()[name] for name in body} == body
    messages_delete(messages=[reply])
    report = Report.objects.get()
    assert report.message is None
    assert (report.text, report.state, report.note) == ("Dogs have five legs.", "open", "")


def test_a_second_report_is_the_first_one_opened_again(api: APIClient, reply: Message) -> None:
    first = api.post(_address(reply, "report"), {"reason": "wrong"}).json()
    Report.objects.update(state="dismissed", note="It is a joke.")
    Message.objects.filter(pk=reply.pk).update(content="Dogs have six legs.")
    again = api.post(_address(reply, "report"), {"reason": "harmful", "comment": "No joke."})
    assert again.status_code == 200
    assert again.json() == {**first, "reason": "harmful", "comment": "No joke."}
    report = Report.objects.get()
    assert (report.state, report.note, report.text) == (
        "open", "It is a joke.", "Dogs have six legs.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("feedback", {}),
        ("feedback", {"rating": "sideways"}),
        ("feedback", {"rating": "up", "comment": "x" * 2001}),
        ("feedback", {"rating": "up", "comment": "\x00"}),
        ("feedback", {"rating": "up", "stars": 5}),
        ("report", {}),
        ("report", {"reason": "boring"}),
        ("report", {"reason": "other", "comment": "x" * 2001}),
        ("report", {"reason": "other", "comment": 5}),
    ],
)
def test_bad_input_is_refused_and_saves_nothing(
    api: APIClient, reply: Message, kind: str, body: dict[str, Any]
) -> None:
    send = api.put if kind == "feedback" else api.post
    assert error_of(send(_address(reply, kind), body)) == (400, "invalid")
    assert not Feedback.objects.exists()
    assert not Report.objects.exists()


def test_a_prompt_is_not_rated(api: APIClient, reply: Message) -> None:
    prompt = reply.parent
    assert prompt is not None
    answer = api.put(_address(prompt, "feedback"), {"rating": "up"})
    assert error_of(answer) == (400, "invalid")
    assert error_of(api.post(_address(prompt, "report"), {"reason": "wrong"})) == (400, "invalid")


def test_another_users_message_is_not_there(api: APIClient, reply: Message) -> None:
    other = client_for(user_make("ben"))
    api.put(_address(reply, "feedback"), {"rating": "up"})
    for client, code in ((other, (404, "not_found")), (APIClient(), (401, "not_authenticated"))):
        answers = [
            client.put(_address(reply, "feedback"), {"rating": "down"}),
            client.delete(_address(reply, "feedback")),
            client.post(_address(reply, "report"), {"reason": "wrong"}),
        ]
        assert [error_of(answer) for answer in answers] == [code] * 3
    assert Feedback.objects.get().rating == "up"
    assert not Report.objects.exists()


def test_reports_are_limited(api: APIClient, reply: Message, settings: Any) -> None:
    settings.RATE_LIMITS = {
        **settings.RATE_LIMITS,
        "report": "2 per hour",
        "feedback": "1 per hour",
    }
    codes = [api.post(_address(reply, "report"), {"reason": "other"}).status_code for _ in "123"]
    assert codes == [201, 200, 429]
    codes = [api.put(_address(reply, "feedback"), {"rating": "up"}).status_code for _ in "12"]
    assert codes == [200, 429]
