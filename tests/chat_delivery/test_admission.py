"""The limits are exact, however many requests meet in threads, processes and transports."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import chain
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django.fixtures import Settings
from websockets.asyncio.client import ClientConnection, connect

from accounts.errors import error_describe
from accounts.models import User
from chat.errors import TooManyReplies
from chat.generation import admission
from chat.generation.submit import Owner, generation_submit, generation_submit_detached
from chat.models import Generation
from inference.public import Turn
from tests.accounts.clients import user_make
from tests.support.stack import Stack
from tests.support.wire import receive, send, sign_up

TOGETHER, LIMIT = 50, 5


@pytest.mark.usefixtures("tiny", "sent")
def test_a_member_has_a_share_of_the_queue(member: Owner, guest: Owner, settings: Settings) -> None:
    settings.QUEUE_LIMIT_MEMBER = settings.QUEUE_LIMIT_GUEST = 2
    for owner in (member, guest):
        for _ in range(2):
            generation_submit(owner=owner, text="hi")
        with pytest.raises(TooManyReplies) as caught:
            generation_submit(owner=owner, text="hi")
        assert caught.value.data["retry_after"] >= 1
    assert generation_submit(owner=Owner.member(user_make("ben")), text="hi")
    Generation.objects.filter(owner_key=member.key).update(status="completed")
    assert generation_submit(owner=member, text="hi")


@pytest.mark.usefixtures("tiny", "sent")
def test_shares_are_off_with_the_limits(guest: Owner, settings: Settings) -> None:
    settings.QUEUE_LIMIT_GUEST, settings.LIMITS_ENABLED = 1, False
    for _ in range(3):
        generation_submit(owner=guest, text="hi")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
def test_last_places_are_given_once(tiny_folder: Any, settings: Settings) -> None:
    """Members and guests meet at a queue with five places left: five get in."""
    call_command("load_checkpoint", str(tiny_folder))
    settings.QUEUE_LIMIT = LIMIT
    owners = [Owner.member(user_make(f"user{i}")) for i in range(8)]
    owners += [Owner.guest(f"192.0.2.{i}") for i in range(8)]
    answers = race([partial(generation_submit, owner=owner, text="hi") for owner in owners])
    assert answers == {"accepted": LIMIT, "queue_full": len(owners) - LIMIT}
    assert Generation.objects.count() == LIMIT


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
def test_one_reply_in_a_conversation_however_many_tabs(tiny_folder: Any) -> None:
    call_command("load_checkpoint", str(tiny_folder))
    owner = Owner.member(user_make())
    first = generation_submit(owner=owner, text="hi")
    Generation.objects.update(status="completed", finish_reason="stop")
    again = partial(
        generation_submit, owner=owner, text="hi", conversation_id=first.conversation_id
    )
    assert race([again] * 8) == {"accepted": 1, "generation_running": 7}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
def test_a_request_sent_twice_at_once_is_one(tiny_folder: Any, settings: Settings) -> None:
    """The second neither finds the conversation taken nor the owner's last place."""
    call_command("load_checkpoint", str(tiny_folder))
    settings.QUEUE_LIMIT_MEMBER = 1
    owner = Owner.member(user_make())
    conversation_id = None
    for number in range(4):
        Generation.objects.update(status="completed", finish_reason="stop")
        again = partial(
            generation_submit, owner=owner, text="hi", client_id=f"twice-{number}",
            conversation_id=conversation_id,
        )  # fmt: skip
        assert race([again] * 4) == {"accepted": 4}
        conversation_id = again().conversation_id
    assert Generation.objects.count() == 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
def test_nobody_is_told_of_a_strangers_reply(tiny_folder: Any, guest: Owner) -> None:
    """A member whose account is deleted meanwhile: a guest's id is all one needs to read it."""
    call_command("load_checkpoint", str(tiny_folder))
    generation_submit(owner=guest, text="mine")
    user = user_make()
    owner = Owner.member(user)
    User.objects.filter(pk=user.pk).delete()
    with pytest.raises(IntegrityError):
        generation_submit_detached(owner=owner, turns=[Turn("user", "hi")])


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sent")
def test_a_process_that_stands_still_keeps_nobody_out(
    tiny_folder: Any, guest: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has joined the queue and its transaction never ends."""
    call_command("load_checkpoint", str(tiny_folder))
    monkeypatch.setattr(admission, "HOLD_MS", 500)
    has_joined, go_on = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def stand_still() -> None:
        try:
            with transaction.atomic():
                admission.queue_join(guest)
                has_joined.set()
                go_on.wait(60)
        except DatabaseError as error:
            errors.append(error)
        finally:
            connection.close()

    still = threading.Thread(target=stand_still)
    still.start()
    try:
        assert has_joined.wait(20)
        assert generation_submit(owner=guest, text="hi")
        assert not go_on.is_set()
    finally:
        go_on.set()
        still.join(20)
    assert len(errors) == 1  # what had the lock can write nothing any more


def race(calls: list[Any]) -> Counter[str]:
    """Run all calls at once in threads; counts "accepted" and error codes."""
    barrier = threading.Barrier(len(calls))
    answers: Counter[str] = Counter()

    def run(call: Any) -> None:
        barrier.wait(20)
        try:
            call()
            answers["accepted"] += 1
        except Exception as error:  # noqa: BLE001  (counted by its code)
            answers[error_describe(error).code] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


@pytest.fixture
def limited(stack: Stack) -> Iterator[list[str]]:
    """The addresses of two more web processes of the stack, which have limits."""
    env = {"EUGPT_LIMITS": "on", "EUGPT_PROMPT_RATE": f"{LIMIT} per hour"}
    with stack.more_web(env) as first, stack.more_web(env) as second:
        yield [first, second]


@pytest.mark.e2e
@pytest.mark.timeout(180)
async def test_fifty_prompts_at_once_over_all_transports(stack: Stack, limited: list[str]) -> None:
    """One member, SSE and sockets and the completions route, two processes: five are accepted."""
    token = await sign_up(stack)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=60) as client,
        AsyncExitStack() as closing,
    ):
        created = await client.post(f"{limited[0]}/api/keys", json={"name": "race"})
        key = created.json()["key"]
        sockets = [
            await closing.enter_async_context(open_socket(client, limited[i % 2])) for i in range(8)
        ]
        calls = [over_socket(ws, 2) for ws in sockets]
        calls += [over_sse(client, limited[i % 2]) for i in range(17)]
        calls += [over_v1(client, limited[i % 2], key) for i in range(TOGETHER - 16 - 17)]
        answers = Counter(chain.from_iterable(await asyncio.gather(*calls)))
    assert answers == {"accepted": LIMIT, "rate_limited": TOGETHER - LIMIT}


@asynccontextmanager
async def open_socket(client: httpx.AsyncClient, url: str) -> AsyncIterator[ClientConnection]:
    ticket = (await client.post(f"{url}/api/auth/ws-ticket")).json()["ticket"]
    async with connect(f"{url.replace('http', 'ws')}/ws/chat/?ticket={ticket}") as ws:
        assert (await receive(ws))["type"] == "ready"
        yield ws


async def over_socket(ws: ClientConnection, count: int) -> list[str]:
    """Send prompts all at once; what became of each."""
    ids = {f"{id(ws)}-{number}" for number in range(count)}
    for client_id in ids:
        await send(ws, type="prompt", text="hi", client_id=client_id, params={"max_tokens": 3})
    answers: dict[str, str] = {}
    while len(answers) < count:
        message = await receive(ws)
        if message["type"] in {"accepted", "error"} and "client_id" in message:
            answers[message["client_id"]] = str(message.get("code", "accepted"))
    assert set(answers) == ids
    return list(answers.values())


async def over_sse(client: httpx.AsyncClient, url: str) -> list[str]:
    body = {"message": "hi", "params": {"max_tokens": 3}}
    answer = await client.post(f"{url}/api/chat", json=body)
    return ["accepted" if answer.status_code == 200 else str(answer.json()["code"])]


async def over_v1(client: httpx.AsyncClient, url: str, key: str) -> list[str]:
    body = {"model": "eugpt", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
    headers = {"Authorization": f"Bearer {key}"}
    answer = await client.post(f"{url}/v1/chat/completions", json=body, headers=headers)
    return ["accepted" if answer.status_code == 200 else str(answer.json()["error"]["code"])]
