"""People whose words come over HTTP: guests, members with their lists, programs with a key."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import gevent
from locust import task
from requests import RequestException

from deploy.load.people import PASSWORD, Person, record, said
from deploy.load.replies import Reply
from deploy.load.sse import events, v1_events
from deploy.torture.prompts import Prompt

_LINE_TIMEOUT_S = (10, 60)  # to connect; between two pieces of a stream
_RESUMES_MAX = 8
_WORDS = ("cat", "story", "why", "how", "name", "music", "tea", "rain")


class StreamReader(Person):
    """Posts a prompt and reads its stream to the end; a stream that breaks is resumed."""

    abstract = True
    can_resume = True

    def ask(self, *, stop_after: int = 0, break_after: int = 0) -> Reply:
        """One prompt. `stop_after`: words until Stop; `break_after`: until the line goes."""
        reply = Reply(self.talk.next(), self.transport)
        path, body = self.prompt_request(reply.prompt)
        reply.sent.append(time.monotonic())
        while not self._stream("POST", path, body, reply, stop_after, break_after):
            reply.sent[:] = [time.monotonic()]
        self._read_on(reply)
        self.heard(reply, *(("stop", "length", "cancelled") if stop_after else ()))
        self.talk.heard(reply)
        return reply

    def prompt_request(self, prompt: Prompt) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError

    def _read_on(self, reply: Reply) -> None:
        """Go on behind the last word where the line was lost, whoever lost it."""
        path = f"/api/generations/{reply.generation}/stream"
        for _ in range(_RESUMES_MAX):
            if reply.is_over or not self.can_resume:
                break
            self.nap(0.2, 2)
            reply.resumes += 1
            self._stream("GET", path, None, reply, 0, 0)
        if not reply.is_over:
            reply.fail("connection_lost", time.monotonic())

    def _stream(
        self, method: str, path: str, body: Any, reply: Reply, stop_after: int, break_after: int
    ) -> bool:
        """Read one answer into the reply; False when it was refused and it is time to ask again."""
        headers = self.headers()
        name = path if method == "POST" else "/api/generations/…/stream"
        if reply.cursor:
            headers["Last-Event-ID"] = reply.cursor
        reply.connected.append(time.monotonic())
        with self.client.request(
            method, path, json=body, headers=headers, name=name, stream=True,
            timeout=_LINE_TIMEOUT_S, catch_response=True,
        ) as response:  # fmt: skip
            ms = (time.monotonic() - reply.connected[-1]) * 1e3
            if response.status_code == 200:
                record.request(name, ms, "")
                self.begin(reply, response)
                with suppress(RequestException):  # the line is lost: the reply is not over
                    self._read(reply, response, stop_after, break_after)
                response.success()
                return True
            wait_s = self.refused(response, may_be_stale=len(reply.connected) == 1)
            if wait_s is None and response.status_code == 401 and self.token:
                self.sign_in_again()
                wait_s = 0.0
            if wait_s is None:
                error = said(response)
                record.request(name, ms, error)
                response.failure(error)
                reply.fail(f"http_{response.status_code}", time.monotonic())
                return True
            response.success()
        self.sleep(wait_s)
        return False

    def begin(self, reply: Reply, response: Any) -> None:
        conversation = response.headers.get("X-Conversation-Id")
        known = int(conversation) if conversation else reply.conversation
        reply.accept(response.headers["X-Generation-Id"], known)

    def _read(self, reply: Reply, response: Any, stop_after: int, break_after: int) -> None:
        for event, event_id, data in self.events(response):
            now = time.monotonic()
            if event == "error":
                reply.fail(str(data.get("code", "no code")), now)
            else:
                reply.take(event, event_id, data, now)
            if reply.is_over:
                return
            if break_after and len(reply.words) >= break_after:
                response.close()
                return
            if stop_after and len(reply.words) == stop_after and event == "token":
                path = f"/api/generations/{reply.generation}/cancel"
                gevent.spawn(self.post, path, {}, name="/api/generations/…/cancel", good=202)

    def events(self, response: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
        return events(response.iter_lines())


class Guest(StreamReader):
    """Opens the page, talks for a while over server-sent events, and goes."""

    weight = 3
    transport = "sse guest"

    def arrive(self) -> None:
        self.get("/api/quota", "/api/quota")

    @task(8)
    def talk_on(self) -> None:
        self.ask()

    @task(1)
    def stop_reading(self) -> None:
        self.ask(stop_after=self.rng.randint(1, 6))

    @task(1)
    def lose_the_line(self) -> None:
        self.ask(break_after=self.rng.randint(1, 12))

    def prompt_request(self, prompt: Prompt) -> tuple[str, dict[str, Any]]:
        return "/api/chat/guest", {
            "message": prompt.question.text,
            "history": prompt.history(),
            "params": prompt.question.params,
            "client_id": prompt.client_id,
        }


class Member(StreamReader):
    """Signs up, looks through the conversations, searches, reads one, asks over HTTP."""

    weight = 2
    transport = "sse member"

    def arrive(self) -> None:
        self.register()

    @task(4)
    def talk_on(self) -> None:
        self.ask()

    @task(3)
    def look_through(self) -> None:
        found = self.get("/api/conversations", "/api/conversations")
        if found:
            one = self.rng.choice(found)["id"]
            self.get(f"/api/conversations/{one}", "/api/conversations/…")

    @task(2)
    def search(self) -> None:
        word = self.rng.choice(_WORDS)
        self.get(f"/api/conversations?q={word}", "/api/conversations?q=")

    @task(1)
    def come_back(self) -> None:
        """Sign out and in again, with the password."""
        self.leave()
        body = {"username": self.name, "password": PASSWORD}
        self.token = self.post("/api/auth/login", body)["token"]

    def prompt_request(self, prompt: Prompt) -> tuple[str, dict[str, Any]]:
        return "/api/chat", {
            "message": prompt.question.text,
            "conversation_id": prompt.conversation,
            "params": prompt.question.params,
            "client_id": prompt.client_id,
        }


class Program(StreamReader):
    """A program with an API key that streams `/v1/chat/completions`."""

    weight = 1
    transport = "v1 stream"
    can_resume = False

    def arrive(self) -> None:
        self.key = ""
        self.register()
        self.key = self.post("/api/keys", {"name": "load"}, good=201)["key"]

    def leave(self) -> None:
        self.key = ""
        super().leave()

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else super().headers()

    @task(9)
    def complete(self) -> None:
        self.ask()

    def prompt_request(self, prompt: Prompt) -> tuple[str, dict[str, Any]]:
        messages = [*prompt.history(), {"role": "user", "content": prompt.question.text}]
        more = {"stream": True, "stream_options": {"include_usage": True}}
        body = {"model": "eugpt", "messages": messages, **prompt.question.params, **more}
        return "/v1/chat/completions", body

    def begin(self, reply: Reply, response: Any) -> None:
        reply.accept(response.headers.get("X-Generation-Id", "v1"), None)

    def events(self, response: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
        return v1_events(response.iter_lines())
