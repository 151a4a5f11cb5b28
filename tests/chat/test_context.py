"""The context meter: it counts what the worker is given, and no more than it must."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import User
from chat.generation.history import reply_turns
from chat.models import Conversation, Message, Role
from inference.public import active_chat_format
from tests.accounts.clients import error_of, user_make
from tests.chat.conftest import CONTEXT_TOKENS
from tests.chat.factories import conversation_make, exchange_make
from tests.support.stack import Stack
from tests.support.wire import http, sign_up, sse

WORDS = "hello there my friend how are you"


def _address(conversation: Conversation) -> str:
    return f"/api/conversations/{conversation.pk}/context"


def _worker_prompt(conversation: Conversation, text: str, max_tokens: int) -> tuple[int, int]:
    """Tokens and trimmed turns of what a worker would be given for this prompt."""
    prompt = Message.objects.create(
        conversation=conversation, parent=conversation.head, role=Role.USER, content=text
    )
    reply = Message.objects.create(conversation=conversation, parent=prompt, role=Role.ASSISTANT)
    chat_format = active_chat_format()
    assert chat_format is not None
    fitted = chat_format.fit(reply_turns(reply.pk), max_tokens)
    prompt.delete()
    return len(fitted.token_ids), fitted.trimmed


@pytest.mark.usefixtures("small_model")
class TestContext:
    def test_an_empty_conversation_has_only_the_marks(self, api: APIClient, user: User) -> None:
        body = api.get(_address(conversation_make(user))).json()
        assert body == {
            "model": "small",
            "limit": CONTEXT_TOKENS,
            "reserved": CONTEXT_TOKENS // 2,
            "total": 2,
            "draft": {"tokens": 2, "limit": CONTEXT_TOKENS - 16, "fits": True},
            "messages": [],
        }

    @pytest.mark.parametrize("exchanges", [0, 1, 2, 5, 12])
    @pytest.mark.parametrize("max_tokens", [1, 20, 300])
    @pytest.mark.parametrize("draft", ["hi", WORDS * 2, WORDS * 4])
    def test_it_says_what_the_worker_is_given(
        self, api: APIClient, user: User, exchanges: int, max_tokens: int, draft: str
    ) -> None:
        conversation = conversation_make(user)
        for number in range(exchanges):
            exchange_make(conversation, f"{WORDS} {number}", "" if number == 1 else "fine, and you")
        body = api.post(_address(conversation), {"draft": draft, "max_tokens": max_tokens})
        usage = body.json()
        total, trimmed = _worker_prompt(conversation, draft, max_tokens)
        assert usage["total"] == total
        assert usage["total"] + min(usage["reserved"], 16) <= usage["limit"]
        # What failed is shown on the page but never sent.
        sent = [m for m in usage["messages"] if m["is_inside"]]
        failed = 2 if exchanges > 1 else 0
        assert len(sent) == 2 * exchanges - failed - trimmed
        inside = sum(message["tokens"] for message in sent)
        assert inside + usage["draft"]["tokens"] == total

    def test_only_the_newest_are_counted(
        self, api: APIClient, user: User, django_assert_num_queries: Callable[..., Any]
    ) -> None:
        conversation = conversation_make(user)
        for _ in range(120):
            exchange_make(conversation, WORDS, WORDS)
        with django_assert_num_queries(1 + 1 + 2):  # who asks, the conversation, its line, model
            messages = api.get(_address(conversation)).json()["messages"]
        assert len(messages) == 199
        assert messages[-1]["id"] == conversation.head_id
        inside = [m["is_inside"] for m in messages]
        assert inside == sorted(inside)
        assert 2 <= sum(inside) <= 20
        # One exchange beyond the window had to be counted to know that it does not fit.
        assert sum(m["tokens"] is not None for m in messages) == sum(inside) + 2

    def test_a_draft_that_is_too_long_is_told_as_it_would_be_refused(
        self, api: APIClient, user: User
    ) -> None:
        conversation = conversation_make(user)
        exchange_make(conversation, "hi", "hello")
        text = WORDS * 20
        draft = api.post(_address(conversation), {"draft": text}).json()["draft"]
        refused = api.post("/api/chat", {"message": text, "conversation_id": conversation.pk})
        assert error_of(refused) == (400, "prompt_too_long")
        assert draft == {
            "tokens": refused.json()["tokens"],
            "limit": refused.json()["limit"],
            "fits": False,
        }
        assert str(draft["tokens"]) in refused.json()["detail"]
        assert Message.objects.count() == 2

    @pytest.mark.parametrize(
        "body",
        [{}, {"draft": None}, {"draft": "x" * 4001}, {"draft": "x", "max_tokens": 301},
         {"draft": "x", "other": 1}, {"draft": "\x00"}],
    )  # fmt: skip
    def test_bad_input_is_refused(self, api: APIClient, user: User, body: dict[str, Any]) -> None:
        answer = api.post(_address(conversation_make(user)), body)
        assert error_of(answer) == (400, "invalid")
        address = _address(conversation_make(user))
        assert error_of(api.get(f"{address}?draft=x")) == (400, "invalid")

    def test_another_users_conversation_is_not_there(self, api: APIClient) -> None:
        foreign = conversation_make(user_make("ben"))
        assert error_of(api.get(_address(foreign))) == (404, "not_found")
        assert error_of(api.post(_address(foreign), {"draft": ""})) == (404, "not_found")


DETACHED = "/api/chat/context"


@pytest.mark.usefixtures("small_model")
class TestDetachedContext:
    """Of a history that the client brings along, without an account."""

    @pytest.mark.parametrize("exchanges", [0, 1, 5, 12])
    @pytest.mark.parametrize("draft", ["", "hi", WORDS * 4, WORDS * 20])
    def test_it_says_what_the_meter_of_a_stored_one_says(
        self, api: APIClient, user: User, exchanges: int, draft: str
    ) -> None:
        conversation = conversation_make(user)
        history = []
        for number in range(exchanges):
            turns = f"{WORDS} {number}", "" if number == 1 else "fine, and you"
            exchange_make(conversation, *turns)
            roles = zip(("user", "assistant"), turns, strict=True)
            history += [{"role": role, "content": text} for role, text in roles]
        body = {"draft": draft, "max_tokens": 20}
        stored = api.post(_address(conversation), body).json()
        for place, message in enumerate(stored["messages"]):
            message["id"] = place
        answer = APIClient().post(DETACHED, {**body, "history": history})
        assert answer.status_code == 200
        assert answer.json() == stored

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"draft": "hi", "history": "none"},
            {"draft": "hi", "history": [{"role": "user", "content": "hi"}]},
            {"draft": "hi", "history": [{"role": "user", "content": "x" * 4001}, {}]},
            {"draft": "hi", "history": [{"role": "user", "content": "hi"}] * 42},
            {"draft": "hi", "max_tokens": 0},
            {"draft": "hi", "other": 1},
        ],
    )
    def test_bad_input_is_refused(self, body: dict[str, Any]) -> None:
        assert error_of(APIClient().post(DETACHED, body)) == (400, "invalid")

    def test_an_address_counts_only_so_often(self, settings: Settings) -> None:
        settings.RATE_LIMITS = {**settings.RATE_LIMITS, "context": "2 per minute"}
        body = {"draft": "hi"}
        codes = [APIClient().post(DETACHED, body).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        other = APIClient(REMOTE_ADDR="192.0.2.9")
        assert other.post(DETACHED, body).status_code == 200


def test_without_a_model_nothing_can_be_counted(api: APIClient, user: User) -> None:
    answer = api.get(_address(conversation_make(user)))
    assert error_of(answer) == (503, "model_unavailable")
    answer = APIClient().post(DETACHED, {"draft": "hi"})
    assert error_of(answer) == (503, "model_unavailable")


@pytest.mark.e2e
@pytest.mark.timeout(180)
async def test_the_meter_and_the_workers_prompt_are_equal(stack: Stack) -> None:
    token = await sign_up(stack)
    async with http(stack, token) as client:
        conversation = (await client.post("/api/conversations", json={})).json()["id"]
        trimmed = [await _send_and_compare(client, conversation) for _ in range(6)]
    assert trimmed[0] == 0
    assert trimmed[-1] > 0


async def _send_and_compare(client: httpx.AsyncClient, conversation: int) -> int:
    text = WORDS * 6
    address = f"/api/conversations/{conversation}/context"
    usage = (await client.post(address, json={"draft": text, "max_tokens": 10})).json()
    body = {"message": text, "conversation_id": conversation, "params": {"max_tokens": 10}}
    done = (await sse(client, "POST", "/api/chat", json=body))[-1][2]
    assert done["usage"]["prompt_tokens"] == usage["total"]
    detail = (await client.get(f"/api/conversations/{conversation}")).json()
    trimmed = detail["messages"][-1]["generation"]["context_trimmed"]
    assert [m["is_inside"] for m in usage["messages"]].count(False) == trimmed
    return int(trimmed)
