"""Parts that the messages of the WebSocket and the events of streams share."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, with_config
from typing_extensions import TypedDict

from accounts.errors import ApiError
from chat import errors
from chat.delivery.endings import ERROR_DETAILS
from chat.delivery.follow import GONE, QUIET

# In examples.
GENERATION = "0c9e0f2e-3a71-4c52-9df5-6d9f1a2f7b10"
LOST = {"code": "worker_lost", "detail": ERROR_DETAILS["worker_lost"]}
AT_GENERATION = {"generation": GENERATION, "id": "1795348800000-0"}
STARTED = {
    "model": "eugpt-36m",
    "context_trimmed": 0,
    "seed": 3141592653,
    "request_id": "5e0c7a1b9d3f4826a1c2e3d4f5061728",
}
LOGPROBS = [
    {
        "id": 9707,
        "text": "Hello",
        "logprob": -0.21,
        "top": [
            {"id": 9707, "text": "Hello", "logprob": -0.21},
            {"id": 13347, "text": "Hi", "logprob": -1.94},
        ],
    }
]
ENDING = {
    "finish_reason": "stop",
    "notice": None,
    "usage": {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9},
    "timings": {"queued_s": 0.004, "ttft_s": 0.05, "total_s": 0.09, "tokens_per_s": 75.0},
}


_RAISED = {
    value.default_code
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, ApiError)
}
CODES = sorted({*_RAISED, *ERROR_DETAILS, GONE["code"], QUIET["code"], "internal"})


def _known(code: str) -> str:
    if code not in CODES:
        raise ValueError("not a known error code")
    return code


def closed(*examples: dict[str, Any]) -> Any:
    """Closed, with examples."""
    extra: Any = {"examples": list(examples)} if examples else None
    return with_config(ConfigDict(extra="forbid", strict=True, json_schema_extra=extra))


GenerationId = Annotated[
    str,
    Field(description="Names the generation; a guest's is known to nobody else."),
    WithJsonSchema({"type": "string", "format": "uuid"}),
]
Cursor = Annotated[
    str, Field(pattern=r"^[0-9]+-[0-9]+$", description="Where the reader stands; resume after it.")
]
ErrorCode = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": CODES})
]
Id = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Logprob = Annotated[float, Field(le=0)]
TokenText = Annotated[
    str,
    Field(description="By itself: a part of a character is U+FFFD, the end of a reply its mark."),
]


@closed()
class Queued(TypedDict):
    """It waits. Told again when the place changes."""

    position: Annotated[int, Field(ge=1, description="1 is next.")]
    eta_s: Annotated[Seconds, Field(description="Estimated from the measured pace.")]


@closed()
class Started(TypedDict):
    """The model reads the prompt. A second one means that the text begins anew, from seq 0."""

    model: str
    context_trimmed: Annotated[Count, Field(description="Old messages that did not fit.")]
    seed: Annotated[Count, Field(description="With the same params it gives the same text.")]
    request_id: NotRequired[
        Annotated[str, Field(description="The X-Request-Id that asked for it; may be empty.")]
    ]


@closed()
class Alternative(TypedDict):
    """A token that could have stood there."""

    id: Count
    text: TokenText
    logprob: Logprob


@closed()
class TokenLogprobs(TypedDict):
    """The chosen token, and the likeliest ones before any filter."""

    id: Count
    text: TokenText
    logprob: Logprob
    top: list[Alternative]


class WithLogprobs(TypedDict):
    logprobs: NotRequired[
        Annotated[list[TokenLogprobs], Field(description="Only when `params.logprobs` asks.")]
    ]


@closed()
class Token(WithLogprobs):
    """The next words."""

    seq: Annotated[Count, Field(description="From 0 without gaps.")]
    text: Annotated[str, Field(min_length=1)]


@closed()
class Usage(TypedDict):
    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count


@closed()
class Timings(TypedDict):
    """null where it never came to that."""

    queued_s: Seconds | None
    ttft_s: Annotated[Seconds | None, Field(description="From joining to the first words.")]
    total_s: Seconds | None
    tokens_per_s: Annotated[Seconds | None, Field(description="After the first token.")]


@closed()
class Notice(TypedDict):
    """What a safety rule tells the reader."""

    category: Literal["crisis", "hate", "sexual", "violence", "private", "illegal", "other"]
    text: Annotated[str, Field(description="For people; it may name an address or a number.")]


class Ending(TypedDict):
    finish_reason: Annotated[
        Literal["stop", "length", "cancelled", "filtered"],
        Field(description="filtered: a safety rule's text stands in the place of all words before"),
    ]
    notice: Annotated[Notice | None, Field(description="Only where it is filtered.")]
    usage: Usage
    timings: Timings


@closed()
class Done(Ending):
    """The end; the text is what is stored."""

    text: str


@closed()
class Error(TypedDict):
    """`code` decides which of the other fields are there."""

    code: ErrorCode
    detail: Annotated[str, Field(description="A sentence for people.")]
    retry_after: NotRequired[Annotated[int, Field(ge=1, description="Seconds to wait.")]]
    fields: NotRequired[
        Annotated[dict[str, Any], Field(description="With `invalid`: messages by field.")]
    ]
    param: NotRequired[Annotated[str, Field(description="With `bad_params`.")]]
    allowed: NotRequired[Annotated[str, Field(description="With `bad_params`.")]]
    category: NotRequired[Annotated[str, Field(description="With `refused`: which rules.")]]
    notice: NotRequired[Annotated[str, Field(description="With `refused`: a text for people.")]]
    tokens: NotRequired[Annotated[int, Field(description="With `prompt_too_long`.")]]
    limit: NotRequired[
        Annotated[int, Field(description="With `prompt_too_long` and `quota_exceeded`.")]
    ]
    reason: NotRequired[Annotated[str, Field(description="With `suspended`; may be empty.")]]
    until: NotRequired[
        Annotated[str | None, Field(description="With `suspended`; null where there is no end.")]
    ]
    generation: NotRequired[
        Annotated[str, Field(description="What it is about, or the one that runs.")]
    ]
