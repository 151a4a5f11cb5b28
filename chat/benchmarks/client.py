"""The load: sockets that each send their next prompt when the last reply has ended.

They come one after the other during the warm-up: replies of equal length that began together would
also end together, and every prompt would meet the crowd of all others.

All of them share one event loop, and as little as possible is done for a message: the machine
under test is the one that runs this. Knows the wire only, no Django.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from chat.benchmarks.checker import ReplyCheck
from chat.benchmarks.members import ticket_for_new_member

REPLY_TIMEOUT_S = 120.0
_AGAIN_S = 1.0
_CONNECT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, how often and for how long. `new_tokens` None: replies end by themselves."""

    url: str
    prompts: Sequence[str]
    clients: int = 32
    seconds: float = 30.0
    warmup_s: float = 3.0
    new_tokens: int | None = 60
    members: bool = False
    check_ids: bool = False

    def params(self) -> dict[str, Any]:
        params: dict[str, Any] = {"logprobs": 1} if self.check_ids else {}
        if self.new_tokens is not None:
            params |= {"min_tokens": self.new_tokens, "max_tokens": self.new_tokens}
        return params


def nth_prompt(prompts: Sequence[str], number: int) -> str:
    """The prompts in turn; repeated ones begin with their round, lest a prefix cache know them."""
    turn, index = divmod(number, len(prompts))
    return f"{turn}. {prompts[index]}" if turn else prompts[index]


@dataclass(slots=True, eq=False)
class Reply:
    """Times of one reply (seconds on the client's clock) and what was wrong with it."""

    check: ReplyCheck
    sent: float = 0.0
    accepted: float | None = None
    first: float | None = None
    last: float | None = None
    ended: float | None = None
    gaps: list[float] = field(default_factory=list)
    messages: int = 0
    tokens: int = 0
    queued_s: float | None = None
    served_s: float | None = None
    error: str = ""


@dataclass(slots=True)
class Measured:
    """Every reply of a run and the window in which it was measured."""

    replies: list[Reply]
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def in_window(self) -> list[Reply]:
        """Replies that ended in the window: as many began before it as end after it."""
        ends = ((reply, reply.ended) for reply in self.replies)
        return [reply for reply, end in ends if end is not None and self.start <= end < self.end]


class Load:
    """Run a plan once: connect, warm up, measure, let what is under way end."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._params = plan.params()
        self._number = count()
        self._run_id = secrets.token_hex(4)
        self._is_ending = False
        self.replies: list[Reply] = []

    async def run(self, on_edge: Callable[[], None]) -> Measured:
        """`on_edge` is called in a thread at both ends of the window."""
        apart_s = self._plan.warmup_s / self._plan.clients
        numbers = range(self._plan.clients)
        clients = [asyncio.create_task(self._client(number * apart_s)) for number in numbers]
        try:
            await asyncio.sleep(self._plan.warmup_s)
            await asyncio.to_thread(on_edge)
            start = time.perf_counter()
            await asyncio.sleep(self._plan.seconds)
            end = time.perf_counter()
            await asyncio.to_thread(on_edge)
            self._is_ending = True
            await asyncio.gather(*clients)
        finally:
            for client in clients:
                client.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
        return Measured(self.replies, start, end)

    async def _client(self, begin_s: float) -> None:
        """One browser tab; opens a new socket when its own was closed."""
        await asyncio.sleep(begin_s)
        while not self._is_ending:
            try:
                await self._session()
            except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError) as error:
                self._note(_code(error))
                await asyncio.sleep(_AGAIN_S)

    async def _session(self) -> None:
        url = self._plan.url
        if self._plan.members:
            url += "?ticket=" + await asyncio.to_thread(ticket_for_new_member, url)
        # Compression is offered, as browsers do; the queue is unbounded, as a browser reads.
        async with connect(url, max_queue=None, open_timeout=_CONNECT_TIMEOUT_S) as socket:
            while not self._is_ending:
                reply = Reply(ReplyCheck(self._plan.new_tokens))
                try:
                    async with asyncio.timeout(REPLY_TIMEOUT_S):
                        await self._ask(socket, reply)
                except TimeoutError:
                    reply.error = "no_end"
                except ConnectionClosed as error:
                    reply.error = _code(error)
                self.replies.append(reply)
                if reply.error:
                    await asyncio.sleep(_AGAIN_S)
                if reply.error == "no_end" or socket.close_code is not None:
                    return

    async def _ask(self, socket: ClientConnection, reply: Reply) -> None:
        """Send the next prompt and take messages until its end."""
        number = next(self._number)
        client_id = f"{self._run_id}-{number}"
        prompt = {
            "type": "prompt",
            "text": nth_prompt(self._plan.prompts, number),
            "client_id": client_id,
            "params": self._params,
        }
        reply.sent = time.perf_counter()
        await socket.send(json.dumps(prompt))
        while reply.ended is None:
            take(reply, json.loads(await socket.recv()), time.perf_counter())

    def _note(self, code: str) -> None:
        self.replies.append(Reply(ReplyCheck(), error=code))


def take(reply: Reply, message: dict[str, Any], now: float) -> None:
    """Book one message to the reply that is under way."""
    kind = message["type"]
    if kind == "token":
        if reply.last is None:
            reply.first = now
        else:
            reply.gaps.append(now - reply.last)
        reply.last = now
        reply.messages += 1
        reply.check.token(message)
    elif kind == "done":
        reply.ended = now
        reply.tokens = message["usage"]["completion_tokens"]
        reply.queued_s = message["timings"]["queued_s"]
        reply.served_s = message["timings"]["ttft_s"]
        reply.check.done(message)
    elif kind == "error":
        reply.ended = now
        reply.error = message["code"]
    elif kind == "accepted":
        reply.accepted = now


def _code(error: Exception) -> str:
    if isinstance(error, ConnectionClosed):
        return f"closed_{error.rcvd.code if error.rcvd else 1006}"
    return "refused" if isinstance(error, OSError | InvalidHandshake) else "no_answer"
