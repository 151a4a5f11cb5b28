"""Following a reply from any cursor, at any time of its life, to exactly one end."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.store import redis_client
from chat.delivery import board as boards
from chat.delivery import follow as following
from chat.delivery import streams
from chat.delivery.follow import follow
from chat.delivery.streams import START, Entry
from chat.delivery.tailer import Tailer
from chat.delivery.threads import in_thread
from chat.metrics import LIFE
from chat.models import FinishReason, Generation, Status
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "0 1 2 "
PROMPT_S = 3.0  # far below the time after which a silent stream's row is asked


@pytest.fixture(autouse=True)
async def _own_tailer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    made = Tailer()
    monkeypatch.setattr(following, "tailer", lambda: made)
    yield
    if task := boards.board()._task:
        await asyncio.wait_for(task, 10)
    await made.close()


def make_user() -> User:
    return user_make()


def member_row(status: Status = Status.COMPLETED) -> Generation:
    """A member's reply of three tokens; its stream has all of them but not yet an end."""
    reply = exchange_make(conversation_make(make_user()), "hello", TEXT)
    row = Generation.objects.get(message=reply)
    return begin(row, status)


def guest_row(status: Status = Status.COMPLETED, tokens: int = 3) -> Generation:
    row = Generation(owner_key="g:x", finish_reason=FinishReason.STOP, completion_tokens=tokens)
    row.save(force_insert=True)
    return begin(row, status)


def begin(row: Generation, status: Status) -> Generation:
    row.status = status
    row.completion_tokens = 3
    row.save()
    name = str(row.pk)
    streams.take_over(name, 1)
    streams.append(name, 1, "started", {"model": "m", "context_trimmed": 0})
    for seq in range(3):
        streams.append(name, 1, "token", {"seq": seq, "text": f"{seq} ", "ids": [seq]})
    return row


def end(row: Generation) -> None:
    data = {"text": TEXT, "finish_reason": "stop"}
    assert streams.append(str(row.pk), 1, "done", data) == streams.Append.OK


def expire(row: Generation) -> None:
    redis_client().delete(streams.stream_key(str(row.pk)), streams.control_key(str(row.pk)))


async def all_of(row: Generation, after: str = START, within_s: float = PROMPT_S) -> list[Entry]:
    async with asyncio.timeout(within_s):
        return [entry async for entry in follow(row.pk, after)]


def kinds(entries: list[Entry]) -> list[str]:
    return [entry.type for entry in entries]


async def test_ended_reply_is_given_from_every_cursor() -> None:
    row = await in_thread(member_row)
    await in_thread(partial(end, row))
    whole = await all_of(row)
    assert kinds(whole) == ["started", "token", "token", "token", "done"]
    for place, entry in enumerate(whole[:-1], 1):
        assert await all_of(row, entry.id) == whole[place:]


async def test_reader_that_has_the_end_gets_the_end_again() -> None:
    row = await in_thread(member_row)
    await in_thread(partial(end, row))
    whole = await all_of(row)
    again = await all_of(row, whole[-1].id)
    assert kinds(again) == ["done"]
    assert again[0].data["text"] == TEXT
    beyond = await all_of(row, "99999999999999-0")
    assert kinds(beyond) == ["done"]


@pytest.mark.parametrize("after", [START, "1000-0"])
async def test_expired_stream_is_answered_from_the_row_at_once(after: str) -> None:
    row = await in_thread(member_row)
    await in_thread(partial(expire, row))
    entries = await all_of(row, after)
    assert kinds(entries) == ["done"]
    assert entries[0].data["text"] == TEXT


async def test_expired_reply_of_a_guest_is_a_clear_error() -> None:
    """Its words are nowhere: an empty answer would be wrong."""
    row = await in_thread(guest_row)
    await in_thread(partial(expire, row))
    entries = await all_of(row)
    assert kinds(entries) == ["error"]
    assert entries[0].data["code"] == "reply_expired"


async def test_words_come_before_an_end_that_only_the_row_knows() -> None:
    """The end entry was lost."""
    for make in (member_row, guest_row):
        row = await in_thread(make)
        entries = await all_of(row)
        assert kinds(entries) == ["started", "token", "token", "token", "done"]
        assert entries[-1].data["text"] == TEXT


async def test_failed_reply_tells_its_code() -> None:
    def failed() -> Generation:
        row = member_row(Status.FAILED)
        Generation.objects.filter(pk=row.pk).update(error_code="worker_lost")
        return row

    entries = await all_of(await in_thread(failed))
    assert (entries[-1].type, entries[-1].data["code"]) == ("error", "worker_lost")


async def test_reply_that_is_gone_is_told() -> None:
    entries = await all_of(Generation(pk=uuid.uuid4()))
    assert [(entry.type, entry.data["code"]) for entry in entries] == [("error", "not_found")]


def errors_told(code: str) -> float:
    return LIFE.get_sample_value("eugpt_errors_total", {"source": "api", "code": code}) or 0.0


@pytest.mark.parametrize("status", [Status.RUNNING, Status.QUEUED])
async def test_quiet_reply_ends_the_stream(status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "QUIET_LIMIT_S", 2.0)
    monkeypatch.setattr(following, "ROW_LOOK_S", 0.2)
    counted = errors_told("timeout")
    row = await in_thread(partial(guest_row, status))
    entries = await all_of(row, within_s=30)
    assert (entries[-1].type, entries[-1].data["code"]) == ("error", "timeout")
    assert errors_told("timeout") == counted + 1
    assert "token" in kinds(entries)


async def test_reply_that_waits_again_tells_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker was lost after the first words, and no other is free."""
    monkeypatch.setattr(following, "ROW_LOOK_S", 0.2)

    def requeue(row: Generation) -> None:
        earlier = timezone.now() - timedelta(minutes=1)
        Generation(owner_key="g:first", queued_at=earlier).save(force_insert=True)
        Generation.objects.filter(pk=row.pk).update(status=Status.QUEUED)

    row = await in_thread(partial(member_row, Status.RUNNING))
    entries: list[Entry] = []
    async with asyncio.timeout(30):
        events: Any = follow(row.pk)
        async for entry in events:
            entries.append(entry)
            if len(entries) == 4:
                await in_thread(partial(requeue, row))
            if entry.type == "queued":
                break
        await events.aclose()
    assert kinds(entries) == ["started", "token", "token", "token", "queued"]
    assert entries[-1].data["position"] == 2
    assert entries[-1].id == entries[-2].id, "it moves no cursor"
