"""Valkey is killed in the middle of a reply and comes back with less than it had.

Readers at every cursor see each word once and in order.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.store import redis_client
from chat.delivery import streams
from chat.delivery.publisher import Publisher
from chat.delivery.reply import RunningReply, write
from chat.delivery.streams import Append, Entry
from chat.delivery.tailer import Reader, Tailer
from chat.generation.fence import held_by_its_end, held_in_database
from chat.generation.submit import Owner
from inference.public import StepOutput, Turn
from tests.chat_delivery.generations import claim, kept_turns, submit
from tests.chat_delivery.valkey import MortalValkey, mortal_valkey
from tests.support.servers import TestServers

WAIT_S = 30


@pytest.fixture
def valkey(
    servers: TestServers, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MortalValkey]:
    with mortal_valkey(servers, settings, monkeypatch, f"mortal-{uuid.uuid4().hex[:6]}") as made:
        yield made


@pytest.fixture
def publisher(valkey: MortalValkey) -> Iterator[Publisher]:
    made = Publisher(lambda key: None, held_by_its_end, lambda: None)
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def own_tailer(valkey: MortalValkey) -> AsyncIterator[Tailer]:
    made = Tailer()
    yield made
    await made.close()


def take(name: str, attempt: int = 1) -> RunningReply:
    """What a worker does first."""
    reply = RunningReply(name, attempt)
    written = streams.take_over(name, attempt)
    assert written is not None
    reply.go_on(written)
    if not written.is_started:
        start = reply.addition("started", '{"model":"m","context_trimmed":0}')
        assert write([(reply, start)], held_by_its_end, WAIT_S) == [Append.OK]
    return reply


def say(publisher: Publisher, reply: RunningReply, first: int, count: int) -> None:
    """Words that become an entry each."""
    for number in range(first, first + count):
        publisher.put([StepOutput(reply.key, (number,), f"{number} ")])
        deadline = time.monotonic() + WAIT_S
        while reply.next_seq <= number or reply.entries[-1].ids != str(number):
            assert time.monotonic() < deadline
            time.sleep(0.002)


async def read(reader: Reader, *, last_seq: int) -> list[Entry]:
    entries: list[Entry] = []
    while not entries or entries[-1].data.get("seq") != last_seq:
        entry = await reader.next(WAIT_S)
        if entry is not None:
            entries.append(entry)
    return entries


def seqs(entries: list[Entry]) -> list[int]:
    return [entry.data["seq"] for entry in entries if entry.type == "token"]


@pytest.mark.parametrize("loss", ["everything", "the end"])
async def test_words_that_redis_lost_are_put_back_for_readers_at_every_cursor(
    valkey: MortalValkey, publisher: Publisher, own_tailer: Tailer, loss: str
) -> None:
    reply = await asyncio.to_thread(take, str(uuid.uuid4()))
    publisher.add(reply)
    async with own_tailer.reader(reply.id) as ahead, own_tailer.reader(reply.id) as lazy:
        await asyncio.to_thread(say, publisher, reply, 0, 5)
        kept = await asyncio.to_thread(valkey.copy)
        await asyncio.to_thread(say, publisher, reply, 5, 5)
        heard = await read(ahead, last_seq=9)
        if loss == "everything":
            await asyncio.to_thread(valkey.forget)
        else:
            await asyncio.to_thread(valkey.restore, kept)
        await asyncio.to_thread(say, publisher, reply, 10, 5)
        heard += await read(ahead, last_seq=14)
        assert seqs(heard) == list(range(15))
        assert [entry.type for entry in heard].count("started") == 1
        assert seqs(await read(lazy, last_seq=14)) == list(range(15))
    for cursor in (heard[3], heard[-2]):
        async with own_tailer.reader(reply.id, cursor.id) as later:
            expected = list(range(cursor.data["seq"] + 1, 15))
            assert seqs(await read(later, last_seq=14)) == expected
    written = streams.read_written(reply.id)
    assert written.token_ids == list(range(15))


async def test_end_is_stored_behind_what_was_lost_before_it(
    valkey: MortalValkey, publisher: Publisher
) -> None:
    reply = await asyncio.to_thread(take, str(uuid.uuid4()))
    publisher.add(reply)
    await asyncio.to_thread(say, publisher, reply, 0, 3)
    publisher.put([StepOutput(reply.key, finish="length")])
    assert await asyncio.to_thread(reply.is_over.wait, WAIT_S)
    await asyncio.to_thread(valkey.forget)
    end = reply.addition("done", '{"text":"0 1 2 "}')
    assert await asyncio.to_thread(write, [(reply, end)], held_by_its_end, WAIT_S) == [Append.OK]
    raw: Any = redis_client().xrange(streams.stream_key(reply.id))
    assert [fields["t"] for _, fields in raw] == ["started", "token", "token", "token", "done"]


async def test_guest_input_is_put_back_with_the_words(
    valkey: MortalValkey, publisher: Publisher
) -> None:
    """So that another attempt can still be made."""
    name = str(uuid.uuid4())
    turns = [Turn("user", "hello")]
    await asyncio.to_thread(streams.keep_input, name, turns)
    reply = await asyncio.to_thread(take, name)
    publisher.add(reply)
    await asyncio.to_thread(say, publisher, reply, 0, 2)
    await asyncio.to_thread(valkey.forget)
    await asyncio.to_thread(say, publisher, reply, 2, 1)
    assert kept_turns(name) == turns
    again = streams.take_over(name, 2)
    assert again is not None
    assert (again.turns, again.token_ids) == (turns, [0, 1, 2])


@pytest.mark.parametrize("loss", ["everything", "the end"])
async def test_reply_begins_anew_when_its_worker_is_lost_with_the_data(
    valkey: MortalValkey, publisher: Publisher, own_tailer: Tailer, loss: str
) -> None:
    """Readers know more than Redis does: they get `started` and all that follows."""
    name = str(uuid.uuid4())
    reply = await asyncio.to_thread(take, name)
    publisher.add(reply)
    async with own_tailer.reader(name) as reader:
        await asyncio.to_thread(say, publisher, reply, 0, 5)
        kept = await asyncio.to_thread(valkey.copy)
        await asyncio.to_thread(say, publisher, reply, 5, 5)
        heard = await read(reader, last_seq=9)
        publisher.remove(reply)
        if loss == "everything":
            await asyncio.to_thread(valkey.forget)
        else:
            await asyncio.to_thread(valkey.restore, kept)
        heir = await asyncio.to_thread(take, name, 2)
        assert heir.next_seq == 0
        publisher.add(heir)
        await asyncio.to_thread(say, publisher, heir, 0, 12)
        anew = await read(reader, last_seq=11)
    assert anew[0].type == "started"
    assert seqs(anew) == list(range(12))
    for cursor in (heard[2], heard[-1]):
        async with own_tailer.reader(name, cursor.id) as later:
            entries = await read(later, last_seq=11)
        begun = max(i for i, entry in enumerate(entries) if entry.type == "started")
        assert seqs(entries[begun:]) == list(range(12))
    assert streams.read_written(name).token_ids == list(range(12))


async def test_reply_goes_on_when_its_worker_is_lost_but_no_data(
    valkey: MortalValkey, publisher: Publisher
) -> None:
    reply = await asyncio.to_thread(take, str(uuid.uuid4()))
    publisher.add(reply)
    await asyncio.to_thread(say, publisher, reply, 0, 5)
    heir = await asyncio.to_thread(take, reply.id, 2)
    assert (heir.next_seq, heir.token_ids) == (5, [0, 1, 2, 3, 4])


async def test_reader_from_the_future_begins_anew(valkey: MortalValkey, own_tailer: Tailer) -> None:
    """Data and worker are lost, and the clock of whoever goes on is an hour behind."""
    name = str(uuid.uuid4())
    beyond = f"{time.time_ns() // 1_000_000 + 3_600_000}-0"
    async with own_tailer.reader(name, beyond) as reader:
        heir = await asyncio.to_thread(take, name)
        token = heir.addition("token", '{"seq":0,"text":"a"}', "1")
        await asyncio.to_thread(write, [(heir, token)], held_by_its_end, WAIT_S)
        entries = await read(reader, last_seq=0)
    assert [entry.type for entry in entries] == ["started", "token"]


@pytest.mark.usefixtures("tiny", "sent")
def test_words_of_a_lost_claim_are_not_put_back(valkey: MortalValkey, member: Owner) -> None:
    """Redis knows nothing any more; the database knows whose it is."""
    zombie_row = claim(submit(member))
    name = str(zombie_row.pk)
    zombie = take(name)
    zombie_row.refresh_from_db()
    zombie_row.status = "queued"
    zombie_row.save()
    heir_row = claim(zombie_row, "w2")
    valkey.forget()
    word = zombie.addition("token", '{"seq":0,"text":"zombie"}', "1")
    assert write([(zombie, word)], held_in_database, WAIT_S) == [Append.REFUSED]
    assert streams.read_written(name).entries == []
    heir = take(name, heir_row.attempt)
    valkey.forget()
    word = heir.addition("token", '{"seq":0,"text":"heir"}', "1")
    assert write([(heir, word)], held_in_database, WAIT_S) == [Append.OK]
    assert streams.read_written(name).text == "heir"
