"""The real `openai` client against the real stack: what it reads, raises and leaves."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from chat.api.openai.shapes import ChatCompletion, ChatCompletionChunk
from deploy.local.paths import ROOT
from tests.support.stack import MODEL, Stack
from tests.support.wire import http
from tests.v1.clients import HELLO, ask, ask_stream, client_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def text_of(chunks: list[Any]) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def bytes_of(content: list[Any]) -> bytes:
    return b"".join(bytes(token.bytes) for token in content)


async def test_models(client: AsyncOpenAI) -> None:
    listed = [model async for model in client.models.list()]
    assert [model.id for model in listed] == [MODEL]
    assert (await client.models.retrieve(MODEL)).owned_by == "eugpt"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("gpt-4o")


async def test_stream_text_and_logprobs_say_the_same_for_a_seed(client: AsyncOpenAI) -> None:
    fields: dict[str, Any] = {"seed": 11, "logprobs": True, "top_logprobs": 3}
    whole = await ask(client, **fields)
    again = await ask(client, seed=11)
    chunks = await ask_stream(client, **fields, stream_options={"include_usage": True})
    text = whole.choices[0].message.content
    assert text
    assert again.choices[0].message.content == text == text_of(chunks)
    content = whole.choices[0].logprobs.content
    streamed = [
        token
        for chunk in chunks
        if chunk.choices and chunk.choices[0].logprobs
        for token in chunk.choices[0].logprobs.content
    ]
    assert streamed == content
    assert bytes_of(content).decode(errors="replace") == text
    assert len(content) == whole.usage.completion_tokens
    for token in content:
        assert len(token.top_logprobs) == 3
        assert token.logprob <= token.top_logprobs[0].logprob <= 0
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    assert whole.choices[0].finish_reason == chunks[-2].choices[0].finish_reason == "length"
    assert (await ask(client, seed=12)).choices[0].message.content != text


async def test_answers_have_the_shapes_of_the_schema(stack: Stack, session: Any) -> None:
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 5, "logprobs": True}
    headers = {"Authorization": f"Bearer {session[1]}"}
    url = f"{stack.base_url}/v1/chat/completions"
    async with httpx.AsyncClient(headers=headers, timeout=60) as client:
        whole = await client.post(url, json=body)
        ChatCompletion.model_validate(whole.json(), strict=True)
        assert whole.json()["id"] == f"chatcmpl-{whole.headers['x-generation-id']}"
        assert whole.headers["x-request-id"].startswith("req_")
        for options in ({}, {"stream_options": {"include_usage": True}}):
            streamed = await client.post(url, json={**body, "stream": True, **options})
            lines = streamed.text.strip().split("\n\n")
            assert lines.pop() == "data: [DONE]"
            chunks = [json.loads(line.removeprefix("data: ")) for line in lines]
            for chunk in chunks:
                ChatCompletionChunk.model_validate(chunk, strict=True)
            assert {chunk["id"] for chunk in chunks} == {
                f"chatcmpl-{streamed.headers['x-generation-id']}"
            }
            assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
            usages = [chunk.get("usage", "absent") for chunk in chunks]
            assert set(map(str, usages[:-1])) == ({"None"} if options else {"absent"})
    assert whole.json()["model"] == chunks[0]["model"] == MODEL
    assert whole.json()["system_fingerprint"].startswith("fp_")


async def test_without_logprobs_none_are_told(client: AsyncOpenAI) -> None:
    assert (await ask(client)).choices[0].logprobs is None
    top = await ask(client, logprobs=True)
    assert all(token.top_logprobs == [] for token in top.choices[0].logprobs.content)


async def test_stop_ends_the_text_before_it(client: AsyncOpenAI) -> None:
    text = (await ask(client, seed=11)).choices[0].message.content
    parts = (text[i : i + 2] for i in range(8, len(text) - 2))
    stop = next(part for part in parts if part.isascii() and part.isprintable())
    for choice in [stop, [stop, "\n\n\n\n"]]:
        fields: dict[str, Any] = {"seed": 11, "stop": choice, "logprobs": True}
        whole = await ask(client, **fields)
        assert whole.choices[0].message.content == text[: text.index(stop)]
        assert whole.choices[0].finish_reason == "stop"
        assert text_of(await ask_stream(client, **fields)) == whole.choices[0].message.content


async def test_params_of_openai_and_ours_do_something(client: AsyncOpenAI) -> None:
    greedy = await ask(client, temperature=0)
    assert (await ask(client, temperature=0)).choices[0].message == greedy.choices[0].message
    assert (
        await ask(client, max_completion_tokens=3, max_tokens=openai.omit)
    ).usage.completion_tokens <= 3
    one = await ask(client, extra_body={"top_k": 1})
    assert one.choices[0].message == greedy.choices[0].message
    long = await ask(client, max_tokens=60, extra_body={"min_tokens": 60})
    assert long.usage.completion_tokens == 60
    logprobs = (await ask(client, temperature=0, logprobs=True, top_logprobs=1)).choices[0].logprobs
    first = logprobs.content[0].token
    other = await ask(client, temperature=0, logit_bias={str(i): -100 for i in range(97, 123)})
    assert other.choices[0].message != greedy.choices[0].message, first


async def test_system_and_history_reach_the_model(client: AsyncOpenAI) -> None:
    plain = await ask(client, seed=1)
    told = await ask(client, seed=1, messages=[{"role": "system", "content": "Hi."}, *HELLO])
    joined = [{"role": "user", "content": "Hi."}, *HELLO]
    assert told.usage.prompt_tokens > plain.usage.prompt_tokens
    assert (await ask(client, seed=1, messages=joined)).choices[0].message == told.choices[
        0
    ].message
    chat = [*HELLO, plain.choices[0].message, {"role": "user", "content": "and you?"}]
    assert (await ask(client, messages=chat)).usage.prompt_tokens > told.usage.prompt_tokens


@pytest.mark.parametrize(
    ("fields", "error", "code", "param"),
    [
        ({"n": 2}, openai.BadRequestError, "bad_params", "n"),
        ({"temperature": 3}, openai.BadRequestError, "bad_params", "temperature"),
        ({"extra_body": {"x": 1}}, openai.BadRequestError, "bad_params", "x"),
        ({"presence_penalty": 1}, openai.BadRequestError, "bad_params", "presence_penalty"),
        (
            {"messages": [{"role": "user", "content": "a b c " * 600}]},
            openai.BadRequestError, "prompt_too_long", "messages",
        ),
        ({"model": "gpt-4o"}, openai.NotFoundError, "model_not_found", "model"),
        (
            {"messages": [{"role": "user", "content": "a" * 70_000}]},
            openai.APIStatusError, "too_large", None,
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_stream", [False, True])
async def test_errors_are_the_clients_own(
    client: AsyncOpenAI, fields: Any, error: type[openai.APIStatusError], code: str,
    param: str | None, is_stream: bool,
) -> None:  # fmt: skip
    with pytest.raises(error) as raised:
        await ask(client, stream=is_stream, **fields)
    assert (raised.value.code, raised.value.param) == (code, param)
    assert raised.value.type == "invalid_request_error"


async def test_keys_that_do_not_open(stack: Stack, session: tuple[str, str]) -> None:
    token, key = session
    async with client_of(stack.base_url, "eugpt-wrong") as stranger:
        with pytest.raises(openai.AuthenticationError) as raised:
            await ask(stranger)
        assert raised.value.code == "invalid_api_key"
    async with client_of(stack.base_url, key) as client, http(stack, token) as member:
        await ask(client)
        (listed,) = (await member.get("/api/keys")).json()
        assert listed["last_used_at"] is not None
        await member.delete(f"/api/keys/{listed['id']}")
        with pytest.raises(openai.AuthenticationError):
            await ask(client)


async def test_the_generation_is_the_users_and_in_no_conversation(
    stack: Stack, session: tuple[str, str], client: AsyncOpenAI
) -> None:
    whole = await ask(client)
    async with http(stack, session[0]) as member, http(stack) as stranger:
        path = f"/api/generations/{whole.id.removeprefix('chatcmpl-')}"
        row = (await member.get(path)).json()
        assert (row["status"], row["conversation"], row["message"]) == ("completed", None, None)
        assert (await stranger.get(path)).status_code == 404
        assert (await member.get("/api/conversations")).json() == []


async def test_the_documents_example_runs(stack: Stack, session: tuple[str, str]) -> None:
    document = (ROOT / "docs" / "openai.md").read_text(encoding="utf-8")
    example = document.split("```python\n")[1].split("```")[0]
    assert "http://127.0.0.1:8000" in example
    assert "eugpt-..." in example
    code = example.replace("http://127.0.0.1:8000", stack.base_url)
    code = code.replace("eugpt-...", session[1])
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await asyncio.wait_for(run.communicate(), 60)
    assert run.returncode == 0, err.decode()
    assert out.count(b"\n") >= 1
