"""Entries as OpenAI's chunks: silence, what a lost stream left out, an error on the way."""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from accounts.models import User
from chat.api.openai import waiting
from chat.api.openai.reply import DONE, KEEP_ALIVE, Reply
from chat.delivery.streams import Entry
from chat.delivery.threads import in_thread

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
STARTED = Entry.of("1-0", "started", {"model": "tiny", "context_trimmed": 0})
HELLO = Entry.of("2-0", "token", {"seq": 0, "text": "Hel"})
ENDED = Entry.of("3-0", "done", {"text": "Hello", "finish_reason": "cancelled", "usage": USAGE})
FAILED = Entry.of("3-0", "error", {"code": "worker_lost", "detail": "The worker was lost."})


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Stand in for `follow`: give these entries, and wait where a number of seconds stands."""

    def given(*entries: Entry | float) -> None:
        async def follow(*_: Any, **__: Any) -> AsyncGenerator[Entry, None]:
            for entry in entries:
                if isinstance(entry, Entry):
                    yield entry
                else:
                    await asyncio.sleep(entry)

        monkeypatch.setattr(waiting, "follow", follow)

    return given


def reply(*, has_usage_chunk: bool = False) -> Reply:
    return Reply(uuid.uuid4(), None, "tiny", "fp_0", has_usage_chunk, None)


async def chunks_of(asked: Reply) -> list[Any]:
    """The events as JSON; comments and the last one as they are."""
    raw = [chunk async for chunk in waiting._chunks(asked)]
    return [c if c in (DONE, KEEP_ALIVE) else json.loads(c.removeprefix(b"data: ")) for c in raw]


async def test_silence_is_filled_with_comments(
    say: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "KEEP_ALIVE_S", 0.02)
    say(0.3, STARTED, ENDED)
    chunks = await chunks_of(reply())
    assert chunks[:2] == [KEEP_ALIVE, KEEP_ALIVE]
    assert chunks[-1] == DONE


async def test_text_that_the_stream_lacks_follows_before_the_end(say: Callable[..., None]) -> None:
    say(STARTED, HELLO, ENDED)
    chunks = await chunks_of(reply(has_usage_chunk=True))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-2]]
    assert [delta.get("content") for delta in deltas] == ["", "Hel", "lo", None]
    assert chunks[-3]["choices"][0]["finish_reason"] == "stop"
    assert (chunks[-2]["choices"], chunks[-2]["usage"]) == ([], USAGE)
    assert chunks[-1] == DONE


async def test_an_error_is_the_last_event(say: Callable[..., None]) -> None:
    say(STARTED, HELLO, FAILED)
    chunks = await chunks_of(reply())
    assert chunks[-1] == {
        "error": {
            "message": "The worker was lost.",
            "type": "server_error",
            "param": None,
            "code": "worker_lost",
        }
    }


async def test_a_whole_answer_has_the_status_of_its_error(say: Callable[..., None]) -> None:
    say(STARTED, FAILED)
    answer = await waiting.AwaitedReply(reply()).answer()
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "X-Generation-Id" in answer


@pytest.mark.django_db(transaction=True)
async def test_what_a_suspension_has_cancelled_does_not_look_whole(
    say: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch that ends streams looks once a second: the end may be there before."""
    monkeypatch.setattr("accounts.watch.LOOK_S", 60)
    say(STARTED, HELLO, ENDED)
    user = await in_thread(lambda: User.objects.create(username="zoe", is_active=False))
    answer = await waiting.AwaitedReply(reply(), user.pk).answer()
    assert answer.status_code == 403
    assert json.loads(answer.content)["error"]["code"] == "suspended"
    chunks = [chunk async for chunk in waiting._chunks(reply(), user.pk)]
    assert b'"code":"suspended"' in chunks[-1]
    await in_thread(lambda: User.objects.filter(pk=user.pk).update(is_active=True))
    assert (await waiting.AwaitedReply(reply(), user.pk).answer()).status_code == 200


async def test_a_reply_that_begins_again_is_told_once(say: Callable[..., None]) -> None:
    """Worker and stream were lost: the next attempt says the same in other pieces."""
    again = Entry.of("8-0", "started", {"model": "tiny", "context_trimmed": 0})
    pieces = [
        Entry.of(f"9-{n}", "token", {"seq": n, "text": t}) for n, t in enumerate(["H", "ell"])
    ]
    rest = Entry.of("10-0", "token", {"seq": 2, "text": "o"})
    say(STARTED, HELLO, again, *pieces, rest, ENDED)
    chunks = await chunks_of(reply())
    contents = [chunk["choices"][0]["delta"].get("content") for chunk in chunks[:-1]]
    assert contents == ["", "Hel", "l", "o", None]


def test_a_whole_reply_that_begins_again_is_told_once() -> None:
    asked = reply()
    for entry in (STARTED, HELLO, STARTED, HELLO):
        asked.take(entry)
    assert asked.text == "Hel"


async def test_a_reply_that_begins_again_otherwise_is_an_error(say: Callable[..., None]) -> None:
    """What was told cannot be taken back, and what follows does not belong to it."""
    other = Entry.of("9-0", "token", {"seq": 0, "text": "Good day"})
    say(STARTED, HELLO, STARTED, other, ENDED)
    chunks = await chunks_of(reply())
    assert chunks[-1]["error"]["code"] == "unavailable"
