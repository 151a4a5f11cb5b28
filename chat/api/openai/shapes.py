"""What /v1 answers, for the schema; `reply.py` makes it, and the tests compare the two."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers


class _Output(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TokenChance(_Output):
    token: str
    bytes: list[int] | None
    logprob: float


class TokenLogprob(TokenChance):
    top_logprobs: list[TokenChance]


class ChoiceLogprobs(_Output):
    content: list[TokenLogprob]
    refusal: None = None


class CompletionUsage(_Output):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionMessage(_Output):
    role: Literal["assistant"]
    content: str
    refusal: None = None


class CompletionChoice(_Output):
    index: Literal[0]
    message: CompletionMessage
    logprobs: ChoiceLogprobs | None
    finish_reason: Literal["stop", "length", "content_filter"]


class _Head(_Output):
    id: str = Field(description="chatcmpl- and the id of the generation.")
    created: int
    model: str
    system_fingerprint: str


class ChatCompletion(_Head):
    object: Literal["chat.completion"]
    choices: list[CompletionChoice] = Field(description="One.")
    usage: CompletionUsage


class ChunkDelta(_Output):
    role: Literal["assistant"] | None = None
    content: str | None = None
    refusal: None = None


class ChunkChoice(_Output):
    index: Literal[0]
    delta: ChunkDelta
    logprobs: ChoiceLogprobs | None
    finish_reason: Literal["stop", "length", "content_filter"] | None


class ChatCompletionChunk(_Head):
    """One `data:` line of the stream; with include_usage the last one has usage and no choices."""

    object: Literal["chat.completion.chunk"]
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None


class OpenAIModel(_Output):
    id: str
    object: Literal["model"]
    created: int
    owned_by: Literal["eugpt"]


class OpenAIModelList(_Output):
    object: Literal["list"]
    data: list[OpenAIModel]


class OpenAIErrorDetail(serializers.Serializer[Any]):
    message = serializers.CharField(help_text="A sentence for people.")
    type = serializers.CharField(help_text="OpenAI's kind of error.")
    param = serializers.CharField(allow_null=True, help_text="Which part of the request it is.")
    code = serializers.CharField(help_text="A stable word for programs: EuGPT's error code.")
    allowed = serializers.CharField(required=False, help_text="With `bad_params`: what it may be.")
    category = serializers.CharField(required=False, help_text="With `content_filter`.")
    notice = serializers.CharField(required=False, help_text="With `content_filter`: for people.")
    tokens = serializers.IntegerField(required=False, help_text="With `prompt_too_long`.")
    limit = serializers.IntegerField(required=False, help_text="With `prompt_too_long`.")
    limit_bytes = serializers.IntegerField(required=False, help_text="With `too_large`.")
    retry_after = serializers.IntegerField(required=False, help_text="Seconds to wait.")


class OpenAIErrorBody(serializers.Serializer[Any]):
    """Every error of /v1."""

    error = OpenAIErrorDetail()


def openai_error_responses(*statuses: int) -> dict[int, type[OpenAIErrorBody]]:
    return dict.fromkeys(statuses, OpenAIErrorBody)
