"""Readers get every entry once and in order, whatever happens to pokes, connections and readers."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from accounts.store import redis_client
from chat.delivery import streams, tailer
from chat.delivery.streams import POKES, Entry
from chat.delivery.tailer import Reader, Tailer


@pytest.fixture
async def own_tailer() -> AsyncIterator[Tailer]:
    made = Tailer()
    yield made
    await made.close()


@pytest.fixture
def generation() -> str:
    name = str(uuid.uuid4())
    streams.take_over(name, 1)
    streams.append(name, 1, "started", {"model": "m", "context_trimmed": 0})
    return name


def write(generation: str, first: int, count: int) -> None:
    for seq in range(first, first + count):
        streams.append(generation, 1, "token", {"seq": seq, "text": f"{seq} ", "ids": [seq]})


async def read(reader: Reader, count: int) -> list[Entry]:
    entries: list[Entry] = []
    for _ in range(count):
        entry = await reader.next(10)
        assert entry is not None, f"only {len(entries)} of {count} came"
        entries.append(entry)
    return entries


def seqs(entries: list[Entry]) -> list[int]:
    return [entry.data["seq"] for entry in entries if entry.type == "token"]


async def nothing_more(reader: Reader) -> None:
    assert await reader.next(2 * tailer.POLL_S) is None


async def listening() -> None:
    """Wait until the tailer hears pokes."""
    for _ in range(1000):
        counts: Any = redis_client().pubsub_numsub(POKES)
        if counts[0][1]:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the tailer has not subscribed")


async def test_reader_gets_what_was_there_and_what_comes(
    own_tailer: Tailer, generation: str
) -> None:
    write(generation, 0, 5)
    async with own_tailer.reader(generation) as reader:
        entries = await read(reader, 6)
        await asyncio.to_thread(write, generation, 5, 20)
        entries += await read(reader, 20)
        await nothing_more(reader)
    assert entries[0].type == "started"
    assert seqs(entries) == list(range(25))


async def test_entries_come_with_the_poke_alone(
    own_tailer: Tailer, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read for a reader who has the entry before."""
    async with own_tailer.reader(generation) as reader:
        await read(reader, 1)
        await listening()
        looked: list[str] = []
        monkeypatch.setattr(own_tailer, "look_at", looked.append)
        await asyncio.to_thread(write, generation, 0, 10)
        entries = await read(reader, 10)
    assert seqs(entries) == list(range(10))
    assert looked == []


async def test_poke_that_comes_twice_or_out_of_order_gives_nothing_twice(
    own_tailer: Tailer, generation: str
) -> None:
    async with own_tailer.reader(generation) as reader:
        start = (await read(reader, 1))[0].id
        await asyncio.to_thread(write, generation, 0, 3)
        entries = await read(reader, 3)
        before = start
        for entry in entries:
            line = f"{generation} {before} {entry.id} {entry.type} {entry.body}"
            await asyncio.to_thread(redis_client().publish, POKES, line)
            before = entry.id
        await nothing_more(reader)


async def test_lost_poke_is_noticed_with_the_next(
    own_tailer: Tailer, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailer, "POLL_S", 60)  # the look at quiet streams is no help
    async with own_tailer.reader(generation) as reader:
        await read(reader, 1)
        await listening()
        with monkeypatch.context() as lost:
            lost.setattr(streams, "POKES", "eugpt:nobody")
            await asyncio.to_thread(write, generation, 0, 2)
        assert await reader.next(0.2) is None
        await asyncio.to_thread(write, generation, 2, 1)
        assert seqs(await read(reader, 3)) == [0, 1, 2]


async def test_lost_last_poke_is_made_good_by_the_look_at_quiet_streams(
    own_tailer: Tailer, generation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with own_tailer.reader(generation) as reader:
        await read(reader, 1)
        await listening()
        monkeypatch.setattr(streams, "POKES", "eugpt:nobody")
        await asyncio.to_thread(write, generation, 0, 2)
        assert seqs(await read(reader, 2)) == [0, 1]


async def test_broken_connections_lose_nothing(own_tailer: Tailer, generation: str) -> None:
    async with own_tailer.reader(generation) as reader:
        await read(reader, 1)
        entries = []
        for round_ in range(3):
            for kind in ("pubsub", "normal"):
                await asyncio.to_thread(redis_client().client_kill_filter, _type=kind)
            await asyncio.to_thread(write, generation, 50 * round_, 50)
            entries += await read(reader, 50)
    assert seqs(entries) == list(range(150))


async def test_slow_reader_is_left_alone_and_loses_nothing(
    own_tailer: Tailer, generation: str
) -> None:
    count = 5 * tailer._QUEUE
    async with own_tailer.reader(generation) as slow, own_tailer.reader(generation) as quick:
        writing = asyncio.create_task(asyncio.to_thread(write, generation, 0, count))
        entries = await read(quick, count + 1)
        await writing
        assert slow.room == 0
        assert seqs(entries) == list(range(count))
        assert seqs(await read(slow, count + 1)) == list(range(count))


async def test_reader_begins_after_its_cursor(own_tailer: Tailer, generation: str) -> None:
    write(generation, 0, 4)
    async with own_tailer.reader(generation) as reader:
        third = (await read(reader, 4))[-1]
    async with own_tailer.reader(generation, third.id) as reader:
        entries = await read(reader, 1)
        await asyncio.to_thread(write, generation, 4, 1)
        entries += await read(reader, 1)
    assert seqs(entries) == [3, 4]
