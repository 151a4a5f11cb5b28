"""A new user's key and the `openai` client that holds it."""

from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI

from tests.support.stack import Stack
from tests.v1.clients import client_of, make_key


@pytest.fixture
async def session(stack: Stack) -> tuple[str, str]:
    """The user's session token and API key."""
    return await make_key(stack)


@pytest.fixture
async def client(stack: Stack, session: tuple[str, str]) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(stack.base_url, session[1]) as client:
        yield client
