"""Pages with server-sent events: guests' and members'."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx

from deploy.torture.answers import Answer
from deploy.torture.clients import Account, Client, Cut, World, new_http
from deploy.torture.prompts import Prompt

_RESET = struct.pack("ii", 1, 0)


class GuestSse(Client):
    """Posts a prompt and reads its stream; a broken one is resumed with Last-Event-ID."""

    transport = "guest SSE"

    def __init__(self, world: World, number: int) -> None:
        super().__init__(world, number)
        self.http = new_http()
        self._response: httpx.Response | None = None

    async def ask(self, answers: list[Answer]) -> None:
        for answer in answers:
            while not answer.is_over:
                try:
                    await self.once(answer)
                except (httpx.HTTPError, Cut, OSError):
                    await self.back_off()
                finally:
                    self._response = None

    def cut(self) -> bool:
        if self._response is None:
            return False
        raw = self._response.extensions["network_stream"].get_extra_info("socket")
        if raw is None or raw.fileno() < 0:
            return False
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        raw.shutdown(socket.SHUT_RDWR)
        return True

    def drop(self) -> None:
        self._response = None

    async def leave(self) -> None:
        await self.http.aclose()

    async def headers(self) -> dict[str, str]:
        return {}

    def post(self, prompt: Prompt) -> tuple[str, dict[str, Any]]:
        """Path and body of a new prompt."""
        return "/api/chat/guest", {
            "message": prompt.question.text,
            "history": prompt.history(),
            "params": prompt.question.params,
            "client_id": prompt.client_id,
        }

    async def once(self, answer: Answer) -> None:
        """One request; raises when its stream breaks before the end."""
        headers = await self.headers()
        answer.connected.append(time.monotonic())
        answer.base = self.base
        if answer.generation:
            path = f"/api/generations/{answer.generation}/stream"
            if answer.cursor:
                headers["Last-Event-ID"] = answer.cursor
            request = self.http.stream("GET", self.base + path, headers=headers)
        else:
            path, body = self.post(answer.prompt)
            answer.sent.append(time.monotonic())
            request = self.http.stream("POST", self.base + path, json=body, headers=headers)
        async with request as response:
            if response.status_code != httpx.codes.OK:
                await self._turned_away(answer, response)
                return
            self._response = response
            self.connected()
            conversation = response.headers.get("X-Conversation-Id")
            known = int(conversation) if conversation else answer.conversation
            answer.accept(response.headers["X-Generation-Id"], known)
            await self.read(answer, response)

    async def _turned_away(self, answer: Answer, response: httpx.Response) -> None:
        await response.aread()
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self.signed_out()
            raise Cut
        try:
            body = response.json()
        except ValueError:
            body = {"code": f"http_{response.status_code}"}
        await self.refused(answer, body)

    async def refused(self, answer: Answer, body: dict[str, Any]) -> None:
        """Wait as long as the server says, unless it says that this is the end."""
        wait_s = answer.refuse(body, time.monotonic())
        if wait_s is not None:
            await asyncio.sleep(wait_s)

    def signed_out(self) -> None:
        """The server does not know us any more."""

    async def read(self, answer: Answer, response: httpx.Response) -> None:
        async for event, event_id, data in self._events(response):
            await self.awake.wait()
            now = time.monotonic()
            if event == "error":
                await self.refused(answer, data)
                return
            answer.take(event, event_id, data, now)
        if not answer.is_over:
            raise Cut

    async def _events(
        self, response: httpx.Response
    ) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
        fields: dict[str, str] = {}
        async for line in response.aiter_lines():
            await self.awake.wait()
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                yield fields["event"], fields["id"], json.loads(fields["data"])
                fields = {}


class MemberSse(GuestSse):
    """The same with a token, in stored conversations."""

    transport = "member SSE"

    def __init__(self, world: World, number: int) -> None:
        super().__init__(world, number)
        self.account = Account(f"member_{world.seed}_sse_{number}", self.http)

    async def prepare(self) -> None:
        await self.account.register(self.base)

    async def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self.account.token(self.base)}"}

    def signed_out(self) -> None:
        self.account.forget()

    def post(self, prompt: Prompt) -> tuple[str, dict[str, Any]]:
        return "/api/chat", {
            "message": prompt.question.text,
            "conversation_id": prompt.conversation,
            "params": prompt.question.params,
            "client_id": prompt.client_id,
        }
