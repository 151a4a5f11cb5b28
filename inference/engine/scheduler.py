"""Who waits, who runs, and which tokens the next step computes. Imports no torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from inference.engine.errors import EngineFull
from inference.engine.request import Request
from inference.engine.slots import Lease, SlotPool

# A token of a prefill costs about a thirtieth of a decode step of one reply, which grows by half
# that for each further reply (docs/performance.md). So prefills of this many tokens a step make
# running replies wait for about two decode steps more.
_PREFILL_TOKENS, _PREFILL_TOKENS_PER_REPLY = 32, 2
# Nobody runs: nobody waits either, but whoever comes now should not wait long.
_PREFILL_TOKENS_ALONE = 256


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens of one request for the next step: `count` from position `start` on."""

    request: Request
    start: int
    count: int

    @property
    def gives_token(self) -> bool:
        """Whether its last token is the last that is known, so that the next is sampled."""
        return self.start + self.count == self.request.length


class Scheduler:
    """First come, first served, over a fixed number of slots."""

    def __init__(self, slots: int, queue_limit: int, pool: SlotPool) -> None:
        self.slots = slots
        self.queue_limit = queue_limit
        self.waiting: deque[Request] = deque()
        self.running: list[Request] = []
        self._pool = pool

    def __len__(self) -> int:
        return len(self.waiting) + len(self.running)

    def __iter__(self) -> Iterator[Request]:
        yield from self.waiting
        yield from self.running

    def add(self, request: Request) -> None:
        """Put at the end of the line; raises `EngineFull`."""
        if len(self.waiting) >= self.queue_limit:
            raise EngineFull(f"{self.queue_limit} requests are waiting")
        self.waiting.append(request)

    def admit(self) -> Lease | None:
        """Give the next waiting request a slot; None when nobody waits or all slots are taken.

        The caller must copy what the lease says before the next step.
        """
        if not self.waiting or len(self.running) >= self.slots:
            return None
        request = self.waiting[0]
        lease = self._pool.acquire(request.prompt_ids + request.generated)
        self.waiting.popleft()
        request.slot, request.computed = lease.slot, lease.reused
        self.running.append(request)
        return lease

    def plan(self) -> list[Chunk]:
        """One token for every reply that is being written, and a share of the prompts.

        Replies come first in the list, so their order changes only when somebody leaves or begins.
        Of the prompts, half of the room goes to whoever came first, the rest to those with the
        least left: short prompts pass long ones, and long ones still get on.
        """
        chunks = [Chunk(r, r.computed, 1) for r in self.running if r.left == 1]
        reading = [r for r in self.running if r.left > 1]
        if not reading:
            return chunks
        room = _PREFILL_TOKENS_ALONE
        if chunks:
            room = _PREFILL_TOKENS + _PREFILL_TOKENS_PER_REPLY * len(chunks)
        return chunks + _share(reading, room)

    def release(self, request: Request) -> None:
        """Take a request out, wherever it is; the only way out for finish, abort and error."""
        if request in self.waiting:
            self.waiting.remove(request)
            return
        self.running.remove(request)
        self._pool.release(request.slot)


def _share(reading: list[Request], room: int) -> list[Chunk]:
    first = reading[0]
    counts = {first: min(first.left, max(1, room // 2))}
    room -= counts[first]
    for request in sorted(reading[1:], key=lambda r: r.left):
        if not room:
            break
        counts[request] = min(request.left, room)
        room -= counts[request]
    counts[first] += min(first.left - counts[first], room)
    return [Chunk(request, request.computed, count) for request, count in counts.items()]
