"""Who runs, what the next step computes, and which slot a prompt gets: queues and counts alone."""

import subprocess
import sys

import numpy as np
import pytest

from inference.engine.detokenizer import Detokenizer
from inference.engine.errors import EngineFull
from inference.engine.params import SamplingParams
from inference.engine.request import Request
from inference.engine.scheduler import Chunk, Scheduler
from inference.engine.slots import Lease, SlotPool

CONTEXT = 384


def request(name: str, length: int, first_id: int = 0) -> Request:
    ids = list(range(first_id, first_id + length))
    return Request(name, ids, SamplingParams(), 0, Detokenizer(()), deadline=0.0)


def scheduler(slots: int = 3, kept: int = 2, queue_limit: int = 99) -> Scheduler:
    return Scheduler(slots, queue_limit, SlotPool(slots + kept, CONTEXT))


def admit_all(s: Scheduler) -> list[Lease]:
    leases = []
    while lease := s.admit():
        leases.append(lease)
    return leases


def compute(s: Scheduler, chunks: list[Chunk]) -> None:
    """Do to the requests what a step does, sampling the id 7."""
    for chunk in chunks:
        r = chunk.request
        ends = chunk.gives_token
        places = np.arange(chunk.start, chunk.start + chunk.count)
        s._pool.wrote(
            np.full(chunk.count, r.slot), places, np.array(r.ids(chunk.start, chunk.count))
        )
        r.computed += chunk.count
        if ends:
            r.generated.append(7)


def test_scheduler_imports_no_torch() -> None:
    code = "import sys, inference.engine.scheduler; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_scheduler_first_come_first_served_within_the_slots() -> None:
    s = scheduler(slots=2)
    requests = [request(str(i), 5) for i in range(4)]
    for r in requests:
        s.add(r)
    assert len(admit_all(s)) == 2
    assert s.running == requests[:2]
    s.release(requests[0])
    admit_all(s)
    assert s.running == [requests[1], requests[2]]
    assert len({r.slot for r in s.running}) == 2


def test_scheduler_refuses_at_the_limit_of_its_line() -> None:
    s = scheduler(queue_limit=1)
    s.add(request("a", 5))
    with pytest.raises(EngineFull):
        s.add(request("b", 5))


def test_scheduler_every_reply_gets_its_token_while_a_prompt_is_read() -> None:
    s = scheduler(slots=3)
    for name in "ab":
        s.add(request(name, 5, ord(name)))
    admit_all(s)
    compute(s, s.plan())
    s.add(request("long", 300, 50))
    admit_all(s)
    long = s.running[-1]
    steps = 0
    while long.left > 1:
        chunks = s.plan()
        assert [c.request.id for c in chunks] == ["a", "b", "long"]
        assert [c.count for c in chunks[:2]] == [1, 1]
        assert chunks[2].count <= 40  # about two decode steps' worth
        compute(s, chunks)
        steps += 1
    assert steps == 9  # 300 tokens in chunks of 36
    assert len(long.generated) == 1


def test_scheduler_a_short_prompt_passes_a_long_one_which_still_gets_on() -> None:
    s = scheduler(slots=4)
    s.add(request("running", 5))
    admit_all(s)
    compute(s, s.plan())
    s.add(request("long", 350, 50))
    s.add(request("short", 10, 900))
    s.add(request("middle", 60, 700))
    admit_all(s)
    counts = {c.request.id: c.count for c in s.plan()}
    assert counts == {"running": 1, "long": 17, "short": 10, "middle": 7}


def test_scheduler_alone_a_prompt_is_read_in_large_pieces() -> None:
    s = scheduler()
    s.add(request("a", 200))
    admit_all(s)
    assert [c.count for c in s.plan()] == [200]


def test_pool_a_next_turn_computes_only_what_is_new() -> None:
    s = scheduler(slots=1, kept=2)
    first = request("first", 40)
    s.add(first)
    admit_all(s)
    compute(s, s.plan())
    s.release(first)
    second = request("second", 40)
    second.prompt_ids += [*first.generated, 500, 501]
    s.add(second)
    (lease,) = admit_all(s)
    assert (lease.reused, lease.source) == (40, None)  # its own slot, as it is
    assert second.left == 3
    assert s.plan()[0].start == 40


def test_pool_copies_where_both_conversations_shall_stay() -> None:
    pool = SlotPool(3, CONTEXT)
    ids = list(range(100))
    lease = pool.acquire(ids)
    pool.wrote(np.full(100, lease.slot), np.arange(100), np.array(ids))
    pool.release(lease.slot)
    branch = pool.acquire([*ids[:50], 900, 901])
    assert (branch.source, branch.reused) == (lease.slot, 50)
    assert branch.slot != lease.slot
    assert pool.tokens[branch.slot, :50].tolist() == ids[:50]
    same = pool.acquire([*ids[:30], 800])  # of a slot in use or not, copied all the same
    assert same.reused == 30
    assert same.slot not in {branch.slot, same.source}


def test_pool_leaves_the_last_token_to_compute() -> None:
    pool = SlotPool(2, CONTEXT)
    ids = list(range(20))
    lease = pool.acquire(ids)
    pool.wrote(np.full(20, lease.slot), np.arange(20), np.array(ids))
    pool.release(lease.slot)
    assert pool.acquire(ids).reused == 19


def test_pool_forgets_the_longest_unused_first() -> None:
    pool = SlotPool(3, CONTEXT)
    talks = [list(range(start, start + 20)) for start in (0, 100, 200, 300)]
    for ids in talks:
        lease = pool.acquire(ids)
        pool.wrote(np.full(20, lease.slot), np.arange(20), np.array(ids))
        pool.release(lease.slot)
    kept = [pool._longest_common(np.array(ids))[1] for ids in talks]
    assert kept == [0, 20, 20, 20]


def test_pool_a_taken_slot_promises_only_what_it_reused() -> None:
    """What a former tenant left behind the reused beginning is not there any more."""
    pool = SlotPool(1, CONTEXT)
    ids = list(range(100))
    lease = pool.acquire(ids)
    pool.wrote(np.full(100, lease.slot), np.arange(100), np.array(ids))
    pool.release(lease.slot)
    pool.acquire([*ids[:90], 700])
    assert pool._longest_common(np.array(ids))[1] == 90
    assert pool.free_count == 0


def test_pool_refuses_when_no_slot_is_free() -> None:
    pool = SlotPool(1, CONTEXT)
    pool.acquire([1, 2])
    with pytest.raises(KeyError):
        pool.acquire([1, 2])


def test_pool_a_shared_beginning_stays_while_it_is_of_use() -> None:
    pool = SlotPool(3, CONTEXT)
    opening = list(range(20))
    for ids in ([*opening, *range(100, 150)], list(range(200, 240))):
        lease = pool.acquire(ids)
        pool.wrote(np.full(len(ids), lease.slot), np.arange(len(ids)), np.array(ids))
        pool.release(lease.slot)
    for other in range(300, 306):
        lease = pool.acquire([*opening, other, other])
        assert lease.reused == 20
        pool.release(lease.slot)
