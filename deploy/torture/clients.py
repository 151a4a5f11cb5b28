"""What all simulated pages share: when they ask, what they ask, where they connect.

A transport is a subclass with `ask`; `TRANSPORTS` in crowd.py names them all.
"""

from __future__ import annotations

import asyncio
import random
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx

from deploy.torture.answers import Answer
from deploy.torture.prompts import Prompt, Question, Script, Turns

ANSWER_LIMIT_S = 240.0  # with the waits after refusals
_BACK_OFF_S, _BACK_OFF_MAX_S = 0.5, 8.0  # as frontend/src/lib/backoff.ts, with a lower cap
_TOKEN_AGE_S = 300.0  # an access token lives ten minutes
_PASSWORD = "correct horse battery staple"


@dataclass
class World:
    """What a run has in common: the addresses, the questions, every answer, the end."""

    seed: int
    bases: list[str]
    pool: list[Question]
    answers: list[Answer] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)  # events of generations nobody here asked for
    is_ending: bool = False
    begin_within_s: float = 4.0


class Cut(Exception):
    """The connection is gone, whoever ended it."""


class Client(ABC):
    """One page: asks, reads, thinks, asks again; on a lost connection it tries the other web."""

    transport: ClassVar[str]
    can_resume: ClassVar[bool] = True

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"{self.transport.replace(' ', '-')}-{number}"
        self.script = Script(world.seed, self.name, world.pool)
        self.awake = asyncio.Event()
        self.awake.set()
        self.current: Answer | None = None
        self.base_number = number
        self._random = random.Random(f"{world.seed} {self.name} waits")
        self._tries = 0
        self._left = 0  # turns of this conversation
        self._turns: Turns = ()
        self._conversation: int | None = None

    @property
    def base(self) -> str:
        return self.world.bases[self.base_number % len(self.world.bases)]

    async def run(self) -> None:
        """Until the run ends; what is under way then is finished."""
        await asyncio.sleep(self.script.begin_s(self.world.begin_within_s))
        await self.prepare()
        while not self.world.is_ending:
            await self.one_answer(self._next_prompt())
            await asyncio.sleep(self.script.think_s())
        await self.leave()

    async def one_answer(self, prompt: Prompt) -> Answer:
        """Ask and read to the end, or give up after ANSWER_LIMIT_S: then it hangs."""
        answer = Answer(prompt, client=self.name, transport=self.transport)
        answer.can_resume = self.can_resume
        self.world.answers.append(answer)
        self.current = answer
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self.ask([answer])
        except TimeoutError:
            answer.notes.append("no end in time")
            self.drop()
        self.current = None
        self._remember(answer)
        return answer

    @abstractmethod
    async def ask(self, answers: list[Answer]) -> None:
        """Ask all of these and read until each is over, over as many connections as it takes."""

    @abstractmethod
    def cut(self) -> bool:
        """Abort the TCP connection, as a lost network does; False when there is none."""

    async def prepare(self) -> None:
        """Do what must be done once before the first prompt."""
        await asyncio.sleep(0)

    @abstractmethod
    async def leave(self) -> None:
        """Close what is open."""

    @abstractmethod
    def drop(self) -> None:
        """Forget the connection without a word."""

    def suspend(self) -> None:
        """The clock of this client stops: it takes nothing and no timer of its runs."""
        self.awake.clear()

    def wake(self) -> None:
        self.awake.set()

    def connected(self) -> None:
        """A connection stands: the next back-off begins small again."""
        self._tries = 0

    async def back_off(self) -> None:
        """Wait as the page does and take the other web process, as a proxy would give it."""
        span = min(_BACK_OFF_S * 2**self._tries, _BACK_OFF_MAX_S)
        self._tries += 1
        self.base_number += 1
        await asyncio.sleep(span / 2 + span / 2 * self._random.random())

    def _next_prompt(self) -> Prompt:
        if not self._left:
            self._left = self.script.turns_in_conversation()
            self._turns, self._conversation = (), None
        self._left -= 1
        return Prompt(
            self.script.client_id(), self.script.question(), self._turns, self._conversation
        )

    def _remember(self, answer: Answer) -> None:
        """A conversation goes on after an answer; after anything else a new one begins."""
        if answer.end != "done" or not answer.done_text.strip():
            self._left = 0
            return
        turns = ("user", answer.prompt.question.text), ("assistant", answer.done_text)
        self._turns = (*self._turns, *turns)
        self._conversation = answer.conversation


class Account:
    """A member, and its access token over web processes that come and go."""

    def __init__(self, name: str, http: httpx.AsyncClient) -> None:
        self.name = name
        self._http = http
        self._token = ""
        self._since = 0.0

    async def register(self, base: str) -> None:
        await self._sign(base, "register")

    async def token(self, base: str) -> str:
        """A token that is not about to expire; raises httpx.HTTPError."""
        if not self._token or time.monotonic() - self._since > _TOKEN_AGE_S:
            await self._sign(base, "login")
        return self._token

    def forget(self) -> None:
        self._token = ""

    async def ticket(self, base: str) -> str:
        """A ticket for one socket; raises httpx.HTTPError."""
        answer = await self._post(
            f"{base}/api/auth/ws-ticket", {}, {"Authorization": f"Bearer {await self.token(base)}"}
        )
        return str(answer["ticket"])

    async def _sign(self, base: str, how: str) -> None:
        body = {"username": self.name, "password": _PASSWORD}
        answer = await self._post(f"{base}/api/auth/{how}", body, {})
        self._token, self._since = str(answer["token"]), time.monotonic()

    async def _post(self, url: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        response = await self._http.post(url, json=body, headers=headers)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer


def new_http() -> httpx.AsyncClient:
    """A client that goes straight to the loopback and waits long for words, not for headers."""
    timeout = httpx.Timeout(15.0, read=60.0)
    return httpx.AsyncClient(timeout=timeout, trust_env=False)
