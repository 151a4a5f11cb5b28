"""People with the page open: guests and members on a WebSocket."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import gevent
import websocket
from locust import task

from deploy.load.people import Person, Unexpected, record
from deploy.load.replies import Reply
from deploy.torture.prompts import Prompt

_REPLY_TIMEOUT_S = 120.0
_BACK_OFF_S, _BACK_OFF_MAX_S = 0.5, 8.0  # as frontend/src/lib/backoff.ts, with a lower cap
_GOES_ON = {4401, 4408, 4429, 1001, 1006, 1012, 1013}  # the page connects again after these
_TRIES = 10
_ASIDE = {"pong", "ready", "conversation"}


class Closed(Exception):
    """The socket is gone; `code` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class SocketPerson(Person):
    """Ticket, ready, prompt, words to the end; Stop, regenerate, a lost line and its resume."""

    abstract = True

    def arrive(self) -> None:
        self._socket: Any = None
        self._cookie = ""
        self._message: int | None = None  # the reply that can be written anew
        self.connect()

    def leave(self) -> None:
        self.hang_up()
        super().leave()

    # --- the socket

    def connect(self) -> None:
        """Open a socket and hear `ready`; tries again as the page does."""
        for attempt in range(_TRIES):
            begin = time.monotonic()
            error = ""
            try:
                self._open()
            except (Closed, OSError, websocket.WebSocketException) as trouble:
                error = str(trouble)
            ms = (time.monotonic() - begin) * 1e3
            record.request("/ws/chat/ ready", ms, error)
            self._fire("socket", "/ws/chat/ ready", ms, error)
            if not error:
                return
            gevent.sleep(min(_BACK_OFF_S * 2**attempt, _BACK_OFF_MAX_S))
        raise Unexpected("no socket after many tries")

    def _open(self) -> None:
        parts = urlsplit(self.host)
        query = f"?ticket={self.ticket()}" if self.is_member() else ""
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._socket = websocket.create_connection(
            f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/ws/chat/{query}",
            timeout=15, cookie=self._cookie or None, origin=f"{parts.scheme}://{parts.netloc}",
        )  # fmt: skip
        if given := self._socket.getheaders().get("set-cookie"):
            self._cookie = given.split(";")[0]
        if (first := self._receive())["type"] != "ready":
            raise Closed(1002 if "code" not in first else 1008)

    def is_member(self) -> bool:
        return False

    def ticket(self) -> str:
        return str(self.post("/api/auth/ws-ticket", {})["ticket"])

    def hang_up(self) -> None:
        """Close it as a browser does."""
        if self._socket is not None:
            with suppress(OSError, websocket.WebSocketException):
                self._socket.close(timeout=2)
            self._socket = None

    def lose_line(self) -> None:
        """The network goes: no goodbye."""
        self._socket.shutdown()
        self._socket = None

    def _send(self, **message: Any) -> None:
        try:
            self._socket.send(json.dumps(message))
        except (OSError, websocket.WebSocketException):
            raise Closed(1006) from None

    def _receive(self) -> dict[str, Any]:
        """The next message; raises Closed."""
        try:
            opcode, raw = self._socket.recv_data()
        except websocket.WebSocketTimeoutException:
            raise Unexpected(f"silent for {self._socket.timeout} s") from None
        except (OSError, websocket.WebSocketException):
            raise Closed(1006) from None
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Closed(int.from_bytes(raw[:2], "big") if len(raw) >= 2 else 1005)
        message: dict[str, Any] = json.loads(raw)
        return message

    # --- replies

    def converse(
        self, first: dict[str, Any], prompt: Prompt, *, stop_after: int = 0, break_after: int = 0
    ) -> Reply:
        """Send what asks for a reply and read it to its end, over as many sockets as it takes."""
        reply = Reply(prompt, self.transport)
        reply.sent.append(time.monotonic())
        message = first
        give_up = time.monotonic() + _REPLY_TIMEOUT_S
        while not reply.is_over:
            if time.monotonic() > give_up:
                reply.fail("timeout", time.monotonic())
                self.lose_line()
                break
            try:
                if self._socket is None:
                    self.connect()
                    message = self._resume(reply) if reply.generation else first
                    reply.resumes += bool(reply.generation)
                reply.connected.append(time.monotonic())
                self._socket.settimeout(60)
                self._send(**message)
                self._read(reply, first, stop_after, break_after)
            except Closed as closed:
                self._socket = None
                if closed.code not in _GOES_ON:
                    reply.fail(f"closed_{closed.code}", time.monotonic())
            if break_after and self._socket is None and not reply.is_over:
                break_after = 0
                self.nap(0.2, 3)
        self.heard(reply, *(("stop", "length", "cancelled") if stop_after else ()))
        return reply

    @staticmethod
    def _resume(reply: Reply) -> dict[str, Any]:
        cursor = {"after": reply.cursor} if reply.cursor else {}
        return {"type": "resume", "generation": reply.generation, **cursor}

    def _read(self, reply: Reply, first: dict[str, Any], stop_after: int, break_after: int) -> None:
        """Take messages until the reply is over or the line is let go."""
        is_stopped = False
        while not reply.is_over:
            message = self._receive()
            kind, now = message["type"], time.monotonic()
            if kind in _ASIDE or message.get("generation", reply.generation) != reply.generation:
                if kind == "accepted" and not reply.generation:
                    self._accepted(reply, message)
                continue
            if kind == "error":
                self._error(reply, message, first)
                continue
            reply.take(kind, message["id"], message, now)
            if break_after and len(reply.words) >= break_after and not reply.is_over:
                self.lose_line()
                return
            if stop_after and len(reply.words) >= stop_after and not is_stopped:
                is_stopped = True
                self._send(type="cancel", generation=reply.generation)

    def _accepted(self, reply: Reply, message: dict[str, Any]) -> None:
        reply.accept(message["generation"], message["conversation"])
        self._message = message["assistant_message"]

    def _error(self, reply: Reply, message: dict[str, Any], first: dict[str, Any]) -> None:
        """Not now: the same prompt again when it is time. Anything else is the end."""
        wait_s = None if reply.generation else self.turned_away(message)
        if wait_s is None:
            reply.fail(str(message.get("code", "no code")), time.monotonic())
            return
        self.sleep(wait_s)
        reply.sent[:] = [time.monotonic()]
        self._send(**first)

    def ask(self, *, stop_after: int = 0, break_after: int = 0) -> None:
        prompt = self.talk.next()
        message = self.prompt_message(prompt)
        reply = self.converse(message, prompt, stop_after=stop_after, break_after=break_after)
        self.talk.heard(reply)

    def prompt_message(self, prompt: Prompt) -> dict[str, Any]:
        return {
            "type": "prompt",
            "text": prompt.question.text,
            "client_id": prompt.client_id,
            "params": prompt.question.params,
        }

    @task(10)
    def talk_on(self) -> None:
        self.ask()

    @task(2)
    def stop_reading(self) -> None:
        self.ask(stop_after=self.rng.randint(1, 6))

    @task(2)
    def lose_the_line(self) -> None:
        self.ask(break_after=self.rng.randint(1, 12))

    @task(1)
    def reload_the_page(self) -> None:
        self.hang_up()
        self.connect()


class SocketGuest(SocketPerson):
    """A page without an account: the turns come along with each prompt."""

    weight = 4
    transport = "socket guest"

    def prompt_message(self, prompt: Prompt) -> dict[str, Any]:
        return super().prompt_message(prompt) | {"history": prompt.history()}


class SocketMember(SocketPerson):
    """A page with an account: stored conversations, replies written anew."""

    weight = 5
    transport = "socket member"

    def arrive(self) -> None:
        self.register()
        super().arrive()
        self.get("/api/conversations", "/api/conversations")

    def is_member(self) -> bool:
        return True

    def prompt_message(self, prompt: Prompt) -> dict[str, Any]:
        message = super().prompt_message(prompt)
        return message | ({"conversation": prompt.conversation} if prompt.conversation else {})

    @task(2)
    def regenerate(self) -> None:
        """The last reply anew; who has none yet asks something."""
        if self._message is None:
            self.ask()
            return
        prompt = self.talk.next()
        message = {"type": "regenerate", "message": self._message, "client_id": prompt.client_id}
        self.converse(message, prompt)
