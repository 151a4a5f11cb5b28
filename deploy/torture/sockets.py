"""Pages with a WebSocket: guests', members', and one that asks much and does not read."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException

from deploy.torture.answers import Answer
from deploy.torture.clients import Account, Client, Cut, World, new_http
from deploy.torture.prompts import Prompt

_PING_EVERY_S, _PONG_WITHIN_S = 25.0, 8.0  # as frontend/src/lib/ws/socket.ts
_READY_WITHIN_S = 15.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER 0: the other side sees a reset
_TROUBLES = (ConnectionClosed, WebSocketException, OSError, TimeoutError, httpx.HTTPError, Cut)


class GuestSocket(Client):
    """Sends prompts, resumes from its cursors after each reconnect."""

    transport = "guest socket"
    receive_buffer_bytes = 0  # 0: the system's

    def __init__(self, world: World, number: int) -> None:
        super().__init__(world, number)
        self._socket: ClientConnection | None = None
        self._by_generation: dict[str, Answer] = {}
        self._by_client_id: dict[str, Answer] = {}
        self._later: set[asyncio.Task[None]] = set()

    async def ask(self, answers: list[Answer]) -> None:
        self._by_client_id |= {a.prompt.client_id: a for a in answers}
        is_asked = False
        while not all(a.is_over for a in answers):
            try:
                if self._socket is None:
                    await self._connect()
                    is_asked = False
                if not is_asked:
                    is_asked = True
                    for answer in answers:
                        await self._send_for(answer)
                await self._read(answers)
            except _TROUBLES:
                self.drop()
                await self.back_off()

    def cut(self) -> bool:
        if self._socket is None:
            return False
        raw = self._socket.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.transport.abort()
        return True

    def drop(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()
            self._socket = None

    def suspend(self) -> None:
        super().suspend()
        if self._socket is not None:
            self._socket.transport.pause_reading()

    def wake(self) -> None:
        if self._socket is not None and not self.awake.is_set():
            with suppress(RuntimeError):  # it is closing
                self._socket.transport.resume_reading()
        super().wake()

    async def leave(self) -> None:
        for task in self._later:
            task.cancel()
        if self._socket is not None:
            await self._socket.close()

    async def url(self) -> str:
        """Where to connect; raises httpx.HTTPError when a ticket cannot be had."""
        parts = urlsplit(self.base)
        return f"ws://{parts.netloc}/ws/chat/"

    async def _connect(self) -> None:
        url = await self.url()
        raw = await self._raw_socket(url) if self.receive_buffer_bytes else None
        self._socket = await connect(
            url, sock=raw, proxy=None, compression=None, ping_interval=None,
            open_timeout=_READY_WITHIN_S, close_timeout=1,
            max_queue=1 if self.receive_buffer_bytes else 16,
        )  # fmt: skip
        async with asyncio.timeout(_READY_WITHIN_S):
            ready = json.loads(await self._socket.recv())
        if ready["type"] != "ready":
            raise Cut
        self.connected()

    async def _raw_socket(self, url: str) -> socket.socket:
        """A connection that takes little before the sender has to wait."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer_bytes)
        raw.setblocking(False)
        parts = urlsplit(url)
        try:
            await asyncio.get_running_loop().sock_connect(raw, (parts.hostname, parts.port))
        except OSError:
            raw.close()
            raise
        return raw

    async def _send_for(self, answer: Answer) -> None:
        """The prompt, again if nobody knows whether it arrived; or the wish to go on."""
        if answer.is_over:
            return
        now = time.monotonic()
        answer.connected.append(now)
        answer.base = self.base
        if answer.generation:
            message: dict[str, Any] = {"type": "resume", "generation": answer.generation}
            message |= {"after": answer.cursor} if answer.cursor else {}
        else:
            answer.sent.append(now)
            message = self._prompt_message(answer.prompt)
        assert self._socket is not None
        await self._socket.send(json.dumps(message))

    def _prompt_message(self, prompt: Prompt) -> dict[str, Any]:
        return {
            "type": "prompt",
            "text": prompt.question.text,
            "client_id": prompt.client_id,
            "params": prompt.question.params,
            "history": prompt.history(),
        }

    async def _read(self, answers: list[Answer]) -> None:
        """Take messages until every answer is over; raises when the connection is gone."""
        assert self._socket is not None
        wait_s = _PING_EVERY_S
        while not all(a.is_over for a in answers):
            await self.awake.wait()
            try:
                async with asyncio.timeout(wait_s):
                    raw = await self._socket.recv()
            except TimeoutError:
                if not self.awake.is_set():
                    continue
                if wait_s == _PONG_WITHIN_S:
                    raise
                await self._socket.send('{"type":"ping"}')
                wait_s = _PONG_WITHIN_S
                continue
            await self.awake.wait()
            wait_s = _PING_EVERY_S
            self._take(json.loads(raw), time.monotonic())

    def _take(self, message: dict[str, Any], now: float) -> None:
        kind = message["type"]
        if kind in ("pong", "ready", "conversation"):
            return
        answer = self._answer_of(message)
        if answer is None:
            self.world.strays.append(f"{self.name}: {json.dumps(message)[:200]}")
        elif kind == "accepted":
            self._by_generation[message["generation"]] = answer
            answer.accept(message["generation"], message["conversation"])
        elif kind == "error":
            if not answer.is_over and (wait_s := answer.refuse(message, now)) is not None:
                task = asyncio.create_task(self._again(answer, wait_s))
                self._later.add(task)
                task.add_done_callback(self._later.discard)
        else:
            answer.take(kind, message["id"], message, now)

    def _answer_of(self, message: dict[str, Any]) -> Answer | None:
        if client_id := message.get("client_id"):
            return self._by_client_id.get(client_id)
        return self._by_generation.get(message.get("generation", ""))

    async def _again(self, answer: Answer, wait_s: float) -> None:
        """After a refusal: the same prompt under the same name, when it is time."""
        asked_on = self._socket
        await asyncio.sleep(wait_s)
        if self._socket is asked_on and asked_on is not None:
            with suppress(*_TROUBLES):
                await self._send_for(answer)


class MemberSocket(GuestSocket):
    """The same with a ticket, in stored conversations."""

    transport = "member socket"

    def __init__(self, world: World, number: int) -> None:
        super().__init__(world, number)
        self._http = new_http()
        self.account = Account(f"member_{world.seed}_ws_{number}", self._http)

    async def prepare(self) -> None:
        await self.account.register(self.base)

    async def leave(self) -> None:
        await super().leave()
        await self._http.aclose()

    async def url(self) -> str:
        try:
            ticket = await self.account.ticket(self.base)
        except httpx.HTTPStatusError:
            self.account.forget()
            raise
        return f"{await super().url()}?ticket={ticket}"

    def _prompt_message(self, prompt: Prompt) -> dict[str, Any]:
        message = super()._prompt_message(prompt)
        del message["history"]
        return message | ({"conversation": prompt.conversation} if prompt.conversation else {})


class SilentSocket(GuestSocket):
    """Asks for several long replies at once, with much to send, and does not read for a while."""

    transport = "silent socket"
    receive_buffer_bytes = 4096
    prompts = 6
    silent_s = 35.0  # the server drops whoever takes nothing for 30 s

    async def run(self) -> None:
        """One round; then it reads like everybody else."""
        answers = []
        for _ in range(self.prompts):
            question = self.script.question()
            params = question.params | {"min_tokens": 280, "max_tokens": 300, "logprobs": 5}
            longer = type(question)(question.text, params)
            prompt = Prompt(self.script.client_id(), longer)
            answers.append(Answer(prompt, client=self.name, transport=self.transport))
        self.world.answers += answers
        try:
            async with asyncio.timeout(self.silent_s + 120):
                await self._be_silent(answers)
                await self.ask(answers)
        except TimeoutError:
            for answer in answers:
                answer.notes += [] if answer.is_over else ["no end in time"]
        await self.leave()

    async def _be_silent(self, answers: list[Answer]) -> None:
        self._by_client_id |= {a.prompt.client_id: a for a in answers}
        try:
            await self._connect()
            for answer in answers:
                await self._send_for(answer)
            await asyncio.sleep(self.silent_s)
            await self._read(answers)
        except (*_TROUBLES, InvalidHandshake):
            self.drop()
