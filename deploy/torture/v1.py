"""Programs that use the OpenAI-compatible route with an API key, streaming.

That protocol cannot resume: on a broken stream its caller gets a connection error and asks again.
Its texts are stored nowhere; they are compared with what the others got for the same question.
"""

from __future__ import annotations

import json
import time
from typing import Any

import httpx

from deploy.torture.answers import Answer
from deploy.torture.clients import Account, Cut, World
from deploy.torture.prompts import Prompt
from deploy.torture.sse import GuestSse

BROKEN = "connection_lost"
_END = "[DONE]"


class ApiStream(GuestSse):
    """Streams `/v1/chat/completions`; a stream that breaks is a failure that the caller sees."""

    transport = "/v1 stream"
    can_resume = False

    def __init__(self, world: World, number: int) -> None:
        super().__init__(world, number)
        self.owner = Account(f"member_{world.seed}_v1_{number}", self.http)
        self._key = ""

    async def prepare(self) -> None:
        await self.owner.register(self.base)
        response = await self.http.post(
            f"{self.base}/api/keys",
            json={"name": "torture"},
            headers={"Authorization": f"Bearer {await self.owner.token(self.base)}"},
        )
        response.raise_for_status()
        self._key = response.json()["key"]

    async def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"}

    def post(self, prompt: Prompt) -> tuple[str, dict[str, Any]]:
        messages = [*prompt.history(), {"role": "user", "content": prompt.question.text}]
        more = {"stream": True, "stream_options": {"include_usage": True}}
        body = {"model": "eugpt", "messages": messages, **prompt.question.params, **more}
        return "/v1/chat/completions", body

    async def once(self, answer: Answer) -> None:
        try:
            await super().once(answer)
        except (httpx.HTTPError, Cut, OSError):
            if answer.generation and not answer.is_over:
                answer.fail(BROKEN, time.monotonic())
            raise

    async def refused(self, answer: Answer, body: dict[str, Any]) -> None:
        await super().refused(answer, body.get("error", body))

    async def read(self, answer: Answer, response: httpx.Response) -> None:
        finish = ""
        usage: dict[str, Any] = {"completion_tokens": 0}
        async for line in response.aiter_lines():
            await self.awake.wait()
            name, _, value = line.partition(": ")
            if name != "data":
                continue
            now = time.monotonic()
            if value == _END:
                done = {"text": answer.text, "finish_reason": finish, "usage": usage}
                answer.take("done", "", done, now)
                break
            chunk = json.loads(value)
            if error := chunk.get("error"):
                answer.fail(str(error.get("code", "no code")), now)
                break
            usage = chunk.get("usage") or usage
            for choice in chunk["choices"]:
                finish = choice["finish_reason"] or finish
                if text := choice["delta"].get("content"):
                    answer.take("token", f"{len(answer.words) + 1}-0", {"text": text}, now)
        if not answer.is_over:
            raise Cut
