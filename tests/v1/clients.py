"""Asking /v1 of a running stack with the real `openai` client."""

from typing import Any

from openai import AsyncOpenAI

from tests.support.stack import Stack
from tests.support.wire import http, sign_up

HELLO: Any = [{"role": "user", "content": "hello there"}]


async def make_key(stack: Stack) -> tuple[str, str]:
    """A new user's session token and API key."""
    token = await sign_up(stack)
    async with http(stack, token) as client:
        response = await client.post("/api/keys", json={"name": "test"})
        assert response.status_code == 201, response.text
        return token, str(response.json()["key"])


def client_of(base_url: str, key: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0, timeout=60)


async def ask(client: AsyncOpenAI, **fields: Any) -> Any:
    fields = {"model": "eugpt", "messages": HELLO, "max_tokens": 40, **fields}
    return await client.chat.completions.create(**fields)


async def ask_stream(client: AsyncOpenAI, **fields: Any) -> list[Any]:
    async with await ask(client, stream=True, **fields) as stream:
        return [chunk async for chunk in stream]
