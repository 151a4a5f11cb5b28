"""What a moderator hides while it is being written: who follows it gets no further words."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from deploy.local.paths import ROOT
from tests.support.stack import Stack
from tests.support.wire import http, sign_up, sse_lines

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

WAIT_S = 60
LONG = {"min_tokens": 300, "max_tokens": 300}
_HIDE = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "eugpt.settings"
django.setup()
from chat.models import Conversation, Message
from chat.services.hiding import conversation_hide, message_hide
Message.objects.exists()
print("ready", flush=True)
kind, pk = input().split()
if kind == "message":
    message_hide(message=Message.objects.get(pk=pk))
else:
    conversation_hide(conversation=Conversation.objects.get(pk=pk))
"""


@contextmanager
def hider(stack: Stack) -> Iterator[Callable[[str, str], None]]:
    """A process that hides what it is told to; the call returns at once."""
    with subprocess.Popen(
        [sys.executable, "-c", _HIDE],
        cwd=ROOT, env=stack.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        stdin = process.stdin

        def hide(kind: str, pk: str) -> None:
            stdin.write(f"{kind} {pk}\n")
            stdin.flush()

        yield hide
        stdin.close()
        assert process.wait(WAIT_S) == 0


@pytest.mark.parametrize("kind", ["message", "conversation"])
async def test_who_follows_a_reply_that_is_hidden_gets_no_further_words(
    stack: Stack, kind: str
) -> None:
    token = await sign_up(stack)
    body = {"message": "hello", "params": LONG}
    with hider(stack) as hide, stack.slow_worker(run_s=0.005, rest_s=0.2):
        async with (
            asyncio.timeout(WAIT_S),
            http(stack, token) as client,
            client.stream("POST", "/api/chat", json=body) as reply,
        ):
            header = "X-Assistant-Message-Id" if kind == "message" else "X-Conversation-Id"
            is_told, last, end = False, "", {}
            async for name, _, data in sse_lines(reply):
                last, end = name, data
                if name == "token" and not is_told:
                    hide(kind, reply.headers[header])
                    is_told = True
    assert is_told
    assert (last, end["finish_reason"]) == ("done", "cancelled")
    assert 0 < end["usage"]["completion_tokens"] < LONG["max_tokens"]
    async with http(stack, token) as client:
        address = f"/api/conversations/{reply.headers['X-Conversation-Id']}"
        answer = await client.get(address)
    assert answer.status_code == (200 if kind == "message" else 404)
    if kind == "message":
        shown = answer.json()["messages"]
        messages = shown["items"] if isinstance(shown, dict) else shown
        assert (messages[-1]["content"], messages[-1]["is_hidden"]) == ("", True)
