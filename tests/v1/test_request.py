"""What /v1/chat/completions takes, and which turns its messages become."""

from typing import Any

import pytest

from chat.api.openai.messages import turns_from
from chat.api.openai.request import ChatCompletionRequest, parse_request
from chat.errors import ApiError, BadParams, Invalid
from chat.generation.history import HISTORY_MAX_CHARS, HISTORY_MAX_TURNS, MESSAGE_MAX_CHARS
from inference.public import Turn, parse_params


def asked(messages: Any = None, **fields: Any) -> ChatCompletionRequest:
    messages = messages or [{"role": "user", "content": "hi"}]
    return parse_request({"model": "eugpt", "messages": messages, **fields})


def turns(*messages: tuple[str, Any]) -> list[Turn]:
    request = asked([{"role": role, "content": content} for role, content in messages])
    return turns_from(request.messages)


def test_params_are_ours_under_openais_names() -> None:
    request = asked(
        max_completion_tokens=9, temperature=0, top_p=0.5, stop="x", seed=3, logprobs=True,
        logit_bias={"5": -100}, top_k=7, min_p=0.1, repetition_penalty=1.5, min_tokens=1,
    )  # fmt: skip
    params = parse_params(request.params())
    assert (params.max_tokens, params.temperature, params.top_p, params.stop) == (9, 0, 0.5, ("x",))
    assert (params.seed, params.logprobs, params.logit_bias) == (3, 1, ((5, -100.0),))
    assert (params.top_k, params.min_p, params.repetition_penalty) == (7, 0.1, 1.5)
    assert params.min_tokens == 1


def test_defaults_are_the_servers() -> None:
    assert parse_params(asked().params()) == parse_params({})


def test_null_is_absent_and_hints_are_harmless() -> None:
    request = asked(
        temperature=None, tools=None, n=1, presence_penalty=0, frequency_penalty=0.0,
        user="u", metadata={"a": "b"}, store=True, response_format={"type": "text"},
        stream=True, stream_options={"include_usage": None},
    )  # fmt: skip
    assert parse_params(request.params()) == parse_params({})
    assert not request.has_usage_chunk


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True},
        {"tool_choice": "none", "parallel_tool_calls": False},
        {"functions": [], "function_call": "none"},
        {"modalities": ["text"]},
        {"reasoning_effort": "none"},
        {"service_tier": "auto", "safety_identifier": "x", "prompt_cache_key": "y"},
        {"logprobs": False, "top_logprobs": 0},
    ],
)
def test_what_asks_for_nothing_is_accepted(fields: dict[str, Any]) -> None:
    assert parse_params(asked(**fields).params()) == parse_params({})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"n": 2}, "n"),
        ({"n": True}, "n"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"parallel_tool_calls": 0}, "parallel_tool_calls"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"frequency_penalty": -1}, "frequency_penalty"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"temperature": "hot"}, "temperature"),
        ({"logprobs": 3}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 6}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": -1}, "top_logprobs"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"more": 1}}, "stream_options.more"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
        ({"max_tokens": 5.5}, "max_tokens"),
        ({"stop": 5}, "stop"),
        ({"stop": [5]}, "stop"),
        ({"logit_bias": {"1": "x"}}, "logit_bias.1"),
        ({"user": 5}, "user"),
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "x", "mood": 1}]}, "messages[0].mood"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content",
        ),
        ({"x" * 5000: 1}, "x" * 100),
    ],
)
def test_bad_fields_are_refused_by_name(fields: dict[str, Any], param: str) -> None:
    body = {"model": "eugpt", "messages": [{"role": "user", "content": "hi"}], **fields}
    with pytest.raises(BadParams) as refused:
        parse_request(body)
    assert refused.value.data["param"] == param
    assert str(refused.value.detail)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("value", [301, 4096, 10**400])
def test_a_higher_bound_of_tokens_counts_as_ours(name: str, value: int) -> None:
    assert parse_params(asked(**{name: value}).params()).max_tokens == 300


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", -1), ("max_completion_tokens", -1),
        ("top_k", -1), ("top_k", 10**400), ("seed", -1), ("seed", 10**400),
    ],
)  # fmt: skip
def test_numbers_out_of_range_reach_the_one_check(name: str, value: int) -> None:
    with pytest.raises(ValueError):
        parse_params(asked(**{name: value}).params())


def test_max_tokens_of_zero_is_not_the_default() -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        assert asked(**{name: 0}).params()["max_tokens"] == 0


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_body_is_an_object(body: Any) -> None:
    with pytest.raises(Invalid):
        parse_request(body)


def test_a_reply_of_openais_client_can_be_sent_back() -> None:
    reply: dict[str, Any] = {
        "role": "assistant", "content": "hello", "refusal": None, "annotations": [], "audio": None,
        "function_call": None, "tool_calls": None,
    }  # fmt: skip
    user = {"role": "user", "content": "hi", "name": "ana"}
    assert len(turns_from(asked([user, reply, user]).messages)) == 3


def test_system_texts_stand_before_the_first_user_message() -> None:
    assert turns(
        ("system", "Be brief."), ("user", "hi"), ("assistant", "hello"),
        ("developer", "In verse."), ("user", "more"),
    ) == [
        Turn("user", "Be brief.\n\nIn verse.\n\nhi"),
        Turn("assistant", "hello"),
        Turn("user", "more"),
    ]  # fmt: skip


def test_messages_of_one_role_in_a_row_are_one() -> None:
    assert turns(
        ("user", "a"), ("user", "b"), ("assistant", "c"), ("assistant", "d"), ("user", "e"),
        ("system", "s"), ("user", "f"),
    ) == [
        Turn("user", "s\n\na\n\nb"),
        Turn("assistant", "c\n\nd"),
        Turn("user", "e\n\nf"),
    ]  # fmt: skip


def test_a_greeting_that_answers_nothing_is_left_out() -> None:
    assert turns(("assistant", "Hello!"), ("user", "hi")) == [Turn("user", "hi")]


def test_parts_of_text_are_one_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert turns(("user", parts)) == [Turn("user", "a\nb")]


@pytest.mark.parametrize(
    "messages",
    [
        [("system", "s")],
        [("assistant", "a")],
        [("user", "u"), ("assistant", "a")],
        [("user", "  ")],
        [("user", [])],
        [("user", "\ud800")],
        [("user", "x" * (MESSAGE_MAX_CHARS + 1))],
        [("system", "x" * MESSAGE_MAX_CHARS), ("user", "x")],
        [("user", "x"), ("assistant", "x" * (MESSAGE_MAX_CHARS + 1)), ("user", "x")],
    ],
)
def test_messages_have_limits(messages: list[tuple[str, Any]]) -> None:
    with pytest.raises(ApiError) as refused:
        turns(*messages)
    assert refused.value.status_code == 400
    assert refused.value.data["param"].startswith("messages")


def test_exchanges_beyond_the_limits_are_left_out_from_the_oldest_on() -> None:
    """A chat program sends all there was, each time: its thirtieth question is no mistake."""
    said = [(role, f"{n}") for n in range(30) for role in ("user", "assistant")]
    kept = turns(("system", "Be brief."), *said, ("user", "now"))
    assert kept[0] == Turn("user", "10")
    assert kept[-1] == Turn("user", "now")
    assert len(kept) == HISTORY_MAX_TURNS + 1
    long = [("user", "x" * 4000), ("assistant", "y" * 4000)] * 4
    kept = turns(*long, ("user", "now"))
    assert len(kept) == 7
    assert sum(len(turn.content) for turn in kept[:-1]) == HISTORY_MAX_CHARS
