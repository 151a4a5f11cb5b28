"""What `POST /v1/chat/completions` takes: OpenAI's fields that mean something here, and ours.

Null is the same as absent. What we do not have is refused by name, not ignored: a client that asks
for tools must not get an answer as if it had none.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from chat.errors import BadParams, Invalid
from inference.public import params_schema

_SAMPLING = params_schema()["properties"]
_MAX_TOKENS: int = _SAMPLING["max_tokens"]["maximum"]
# Ours under the same name; `max_tokens`, `stop` and `logprobs` need a look.
_SAME_NAME = (
    "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "min_tokens", "seed",
    "logit_bias", "stop",
)  # fmt: skip
_NOT_SUPPORTED = {
    "tools": "this model calls no functions",
    "tool_choice": "this model calls no functions",
    "parallel_tool_calls": "this model calls no functions",
    "functions": "this model calls no functions",
    "function_call": "this model calls no functions",
    "audio": "this model writes text only",
    "modalities": "this model writes text only",
    "prediction": "send the whole prompt instead",
    "reasoning_effort": "this model does not reason before it answers",
    "web_search_options": "this model does not search the web",
}
# Values of these that a model without them fulfils: frameworks send them with every request.
_ASKS_NOTHING: dict[str, tuple[Any, ...]] = {
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "reasoning_effort": ("none",),
}

# How pydantic names the members of a union in a place.
_KINDS = ("str", "list[str]")
_CONTENT = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": ["text"]},
                    "text": {"type": "string"},
                },
                "required": ["type", "text"],
            },
        },
    ]
}


def _describe_params(schema: dict[str, Any]) -> None:
    """Our own ranges and defaults, from where they are checked."""
    properties = schema["properties"]
    for name in _SAME_NAME:
        properties[name] = _SAMPLING[name]
    bound = {name: value for name, value in _SAMPLING["max_tokens"].items() if name != "maximum"}
    more = f"What is above {_MAX_TOKENS} counts as {_MAX_TOKENS}."
    properties["max_tokens"] = bound | {"description": more}
    properties["max_completion_tokens"] |= bound
    for superseded in ("anyOf", "default"):
        del properties["max_completion_tokens"][superseded]


def _refuse(message: str) -> PydanticCustomError:
    return PydanticCustomError("not_supported", message)


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


def _as_text(content: Any) -> Any:
    """Parts of text as one text; anything else is left to pydantic."""
    if not isinstance(content, list):
        return content
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            raise _refuse("Content is a text or parts of type text: this model reads nothing else.")
    return "\n".join(part["text"] for part in content)


class ChatMessage(_Input):
    """Fields that OpenAI's replies have and ours leave empty may come back empty."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, BeforeValidator(_as_text), WithJsonSchema(_CONTENT)]
    name: str | None = Field(None, description="Accepted and not used.")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {
            name: value
            for name, value in data.items()
            if name in ("role", "content", "name") or value not in (None, [], {})
        }


class StreamOptions(_Input):
    include_usage: bool | None = None
    include_obfuscation: bool | None = Field(None, description="Accepted and not used.")


class ResponseFormat(_Input):
    type: Literal["text"]


class ChatCompletionRequest(_Input):
    model_config = ConfigDict(json_schema_extra=_describe_params)

    model: str = Field(description='The name that /v1/models tells, or "eugpt".')
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=1)
    max_tokens: int | None = None
    max_completion_tokens: int | None = Field(None, description="The newer name of max_tokens.")
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    min_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=5, description="With logprobs only.")
    presence_penalty: float | None = Field(None, ge=0, le=0)
    frequency_penalty: float | None = Field(None, ge=0, le=0)
    response_format: ResponseFormat | None = None
    user: str | None = Field(None, description="Accepted and not used.")
    metadata: dict[str, Any] | None = Field(None, description="Accepted and not used.")
    store: bool | None = Field(None, description="Accepted; nothing is stored.")
    service_tier: Literal["auto", "default"] | None = Field(None, description="There is one.")
    safety_identifier: str | None = Field(None, description="Accepted and not used.")
    prompt_cache_key: str | None = Field(None, description="Accepted and not used.")

    @model_validator(mode="after")
    def _fit_together(self) -> ChatCompletionRequest:
        if self.stream_options is not None and not self.stream:
            raise BadParams("stream_options needs stream = true.", param="stream_options")
        if self.top_logprobs and not self.logprobs:
            raise BadParams("top_logprobs needs logprobs = true.", param="top_logprobs")
        both = {self.max_tokens, self.max_completion_tokens} - {None}
        if len(both) > 1:
            raise BadParams(
                "max_tokens and max_completion_tokens contradict each other.", param="max_tokens"
            )
        return self

    @property
    def has_usage_chunk(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    def params(self) -> dict[str, Any]:
        """As `generation_submit` takes them; it checks the ranges."""
        params = {name: getattr(self, name) for name in _SAME_NAME}
        newer = self.max_completion_tokens
        wanted = self.max_tokens if newer is None else newer
        # An upper bound, which many programs set to thousands: no longer reply is promised.
        params["max_tokens"] = None if wanted is None else min(wanted, _MAX_TOKENS)
        if self.logprobs:
            params["logprobs"] = max(1, self.top_logprobs or 0)  # the chosen one comes with any
        return params


def parse_request(data: Any) -> ChatCompletionRequest:
    """Check a body; raises BadParams with the name of the param, or Invalid."""
    if not isinstance(data, dict):
        raise Invalid("The body is a JSON object.")
    for name, why in _NOT_SUPPORTED.items():
        if data.get(name) is not None and not _asks_nothing(name, data[name]):
            raise BadParams(f"{name} is not supported: {why}.", param=name)
    known = {name: value for name, value in data.items() if name not in _NOT_SUPPORTED}
    try:
        return ChatCompletionRequest.model_validate(known)
    except ValidationError as error:
        raise _as_bad_params(error.errors(include_url=False)[0]) from None


def _asks_nothing(name: str, value: Any) -> bool:
    if name == "parallel_tool_calls":
        return isinstance(value, bool)  # how many at once: of none
    return value in _ASKS_NOTHING.get(name, ())


def _as_bad_params(problem: ErrorDetails) -> BadParams:
    kind, message, param = problem["type"], problem["msg"], ""
    for part in problem["loc"]:
        if isinstance(part, int):
            param += f"[{part}]"
        elif part not in _KINDS or kind == "extra_forbidden":
            param += f".{part}" if param else part
    if kind == "extra_forbidden":
        message = f"Unknown parameter: '{param}'."
    elif kind == "missing":
        message = f"Missing required parameter: '{param}'."
    elif kind != "not_supported":
        message = f"Invalid value for '{param}': {message}."
    return BadParams(message[:300], param=param[:100])
