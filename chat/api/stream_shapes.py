"""What the streaming routes take and answer, for their views and for the API's schema."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema_field,
)
from rest_framework import serializers

from accounts.rest import (
    StrictBooleanField,
    StrictIntegerField,
    StrictSerializer,
    shape_example,
)
from chat.errors import (
    BadParams,
    GenerationRunning,
    Invalid,
    ModelUnavailable,
    NotFound,
    PromptTooLong,
    QueueFull,
    RateLimited,
    Refused,
    TooManyReplies,
    Unavailable,
)
from chat.generation.checks import CLIENT_ID_PATTERN
from chat.generation.history import HISTORY_SCHEMA, MESSAGE_MAX_CHARS
from chat.wire.schema import sse_example
from inference.public import params_schema

EVENT_STREAM = {
    (200, "text/event-stream"): OpenApiResponse(
        OpenApiTypes.STR,
        description=(
            "Server-sent events `queued`, `started`, `context_cleared`, `token`, `done`, `error`, "
            "the last two at the end: see `SseEvent` in [/api/schema/events](/api/schema/events)."
        ),
        examples=[OpenApiExample("A short reply", sse_example(), media_type="text/event-stream")],
    )
}
GENERATION_HEADER = OpenApiParameter(
    "X-Generation-Id", OpenApiTypes.UUID, OpenApiParameter.HEADER, required=True, response=[200]
)
_STORED_NAMES = ("X-Conversation-Id", "X-User-Message-Id", "X-Assistant-Message-Id")
MEMBER_HEADERS = [
    OpenApiParameter(name, OpenApiTypes.INT, OpenApiParameter.HEADER, required=True, response=[200])
    for name in _STORED_NAMES
]
# A temporary reply has none of them.
CHAT_HEADERS = [
    OpenApiParameter(name, OpenApiTypes.INT, OpenApiParameter.HEADER, response=[200])
    for name in _STORED_NAMES
]
PROMPT_ERRORS = (Invalid, BadParams, PromptTooLong, Refused, RateLimited, TooManyReplies)
BUSY_ERRORS = (QueueFull, ModelUnavailable, Unavailable)
AGAIN_ERRORS = (*PROMPT_ERRORS, NotFound, GenerationRunning, *BUSY_ERRORS)
LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID", OpenApiTypes.STR, OpenApiParameter.HEADER, description="Resume after it."
)
_PARAMS = {"max_tokens": 60, "temperature": 0.7}


# The services check these, for all transports with the same errors; here stands what they accept.


@extend_schema_field(params_schema())
class ParamsField(serializers.JSONField):
    pass


@extend_schema_field(HISTORY_SCHEMA)
class HistoryField(serializers.JSONField):
    pass


@extend_schema_field({"type": "string", "minLength": 1, "maxLength": MESSAGE_MAX_CHARS})
class PromptField(serializers.CharField):
    def __init__(self) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True)


@extend_schema_field({"type": "string", "pattern": CLIENT_ID_PATTERN})
class ClientIdField(serializers.CharField):
    """A repeated one asks for the same reply."""

    def __init__(self) -> None:
        super().__init__(required=False, allow_null=True)


@shape_example(
    {
        "message": "What is my name?",
        "history": [
            {"role": "user", "content": "My name is Ana."},
            {"role": "assistant", "content": "Nice to meet you, Ana!"},
        ],
        "params": _PARAMS,
    }
)
class GuestChatInput(StrictSerializer):
    message = PromptField()
    history = HistoryField(required=False, allow_null=True)
    params = ParamsField(required=False, allow_null=True)
    client_id = ClientIdField()


@shape_example({"message": "Hello!", "conversation_id": 12, "params": _PARAMS, "client_id": "c1"})
class ChatInput(StrictSerializer):
    message = PromptField()
    conversation_id = StrictIntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**63 - 1
    )
    temporary = StrictBooleanField(
        required=False,
        default=False,
        help_text="Nothing of the text is stored; `history` comes along, `conversation_id` cannot.",
    )
    history = HistoryField(required=False, allow_null=True, help_text="Only with `temporary`.")
    params = ParamsField(required=False, allow_null=True)
    client_id = ClientIdField()


@shape_example({"client_id": "c2"})
class AgainInput(StrictSerializer):
    params = ParamsField(required=False, allow_null=True)
    client_id = ClientIdField()


@shape_example({"at": 0, "token": 13347, "client_id": "c5"})
class BranchInput(AgainInput):
    at = StrictIntegerField(min_value=0, max_value=2**31 - 1, help_text="From 0.")
    token = StrictIntegerField(
        min_value=0, max_value=2**31 - 1, help_text="One of those recorded there."
    )


@shape_example({"message": "Hello again!", "client_id": "c3"})
class EditInput(AgainInput):
    message = PromptField()
