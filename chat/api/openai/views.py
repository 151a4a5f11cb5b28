"""The routes under /v1. Each view parses, calls one service and shapes the answer."""

from __future__ import annotations

import json
import logging
import math
import uuid
from typing import Any

import redis.exceptions
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiKeyAuthentication
from accounts.limits import limit_state
from accounts.models import User
from accounts.rest import request_user
from chat.api.openai.messages import turns_from
from chat.api.openai.reply import Reply
from chat.api.openai.request import ChatCompletionRequest, parse_request
from chat.api.openai.shapes import (
    ChatCompletion,
    OpenAIModel,
    OpenAIModelList,
    openai_error_responses,
)
from chat.api.openai.waiting import AwaitedReply, StreamedReply
from chat.errors import ModelNotFound
from chat.generation.checks import chat_format
from chat.generation.submit import Owner, generation_submit_detached
from inference.public import active_checkpoint

logger = logging.getLogger(__name__)

TAGS = ["openai"]
ALIAS = "eugpt"
ANSWER_HEADERS = [
    OpenApiParameter(
        f"x-ratelimit-{name}-requests", OpenApiTypes.STR, OpenApiParameter.HEADER, response=True
    )
    for name in ("limit", "remaining", "reset")
] + [
    OpenApiParameter(
        "x-request-id", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, response=True
    )
]
GENERATION_HEADER = OpenApiParameter(
    "X-Generation-Id", OpenApiTypes.UUID, OpenApiParameter.HEADER, response=[200]
)
REQUEST_EXAMPLE = {
    "model": ALIAS,
    "messages": [{"role": "user", "content": "Hello! How are you?"}],
    "max_tokens": 60,
    "seed": 7,
}
COMPLETION_EXAMPLE = {
    "id": "chatcmpl-5c1d0a3e-2f8f-4a43-9a52-0c5b3d1fb1f0",
    "object": "chat.completion",
    "created": 1795348800,
    "model": "eugpt-36m",
    "system_fingerprint": "fp_1f3a5c7e9b0d",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "I am fine.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14},
}
MODEL_EXAMPLE = {
    "id": "eugpt-36m",
    "object": "model",
    "created": 1795348800,
    "owned_by": ALIAS,
}
_CHUNK = {
    **{name: COMPLETION_EXAMPLE[name] for name in ("id", "created", "model", "system_fingerprint")},
    "object": "chat.completion.chunk",
    "choices": [
        {"index": 0, "delta": {"content": "I am"}, "logprobs": None, "finish_reason": None}
    ],
}
CHUNKS = OpenApiResponse(
    OpenApiTypes.STR,
    description=(
        "With stream = true: lines `data: ChatCompletionChunk`, then `data: [DONE]`; a failure is "
        '`data: {"error": …}` and the end.'
    ),
    examples=[
        OpenApiExample(
            "A chunk and the end",
            f"data: {json.dumps(_CHUNK)}\n\ndata: [DONE]\n\n",
            media_type="text/event-stream",
        )
    ],
)


class OpenAIView(APIView):
    """A route that is asked with an API key. Its errors get their shape in `eugpt.errors`."""

    authentication_classes = (ApiKeyAuthentication,)
    member: User | None = None  # known once the key was accepted

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.member = request.user if isinstance(request.user, User) else None

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["x-request-id"] = f"req_{uuid.uuid4().hex}"
        if self.member is not None:
            for name, value in _limit_headers(self.member).items():
                answer[name] = value
        return answer


def _limit_headers(user: User) -> dict[str, str]:
    """The state of the user's prompt limit; none while limits are off or Redis is."""
    try:
        state = limit_state(name="prompt", key=Owner.member(user).key)
    except redis.exceptions.RedisError:
        logger.warning("the limits cannot be read", exc_info=True)
        return {}
    if state is None:
        return {}
    return {
        "x-ratelimit-limit-requests": str(state.limit),
        "x-ratelimit-remaining-requests": str(state.remaining),
        "x-ratelimit-reset-requests": f"{math.ceil(state.reset_s)}s",
    }


class ModelsView(OpenAIView):
    @extend_schema(
        parameters=ANSWER_HEADERS,
        responses=OpenAIModelList,
        examples=[OpenApiExample("One", {"object": "list", "data": [MODEL_EXAMPLE]})],
        operation_id="openai_models_list",
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """The model that is served, if one is."""
        return Response({"object": "list", "data": _models()})


class ModelView(OpenAIView):
    @extend_schema(
        parameters=ANSWER_HEADERS,
        responses=OpenAIModel,
        examples=[OpenApiExample("The model", MODEL_EXAMPLE)],
        operation_id="openai_models_retrieve",
        tags=TAGS,
    )
    def get(self, request: Request, model_id: str) -> Response:
        """The model by its name or as "eugpt"."""
        found = [model for model in _models() if model_id in (model["id"], ALIAS)]
        if not found:
            raise ModelNotFound(param="model")
        return Response(found[0])


class ChatCompletionsView(OpenAIView):
    @extend_schema(
        request=ChatCompletionRequest,
        parameters=[*ANSWER_HEADERS, GENERATION_HEADER],
        responses={
            (200, "application/json"): ChatCompletion,
            (200, "text/event-stream"): CHUNKS,
            **openai_error_responses(400, 404, 429, 500, 503, 504),
        },
        examples=[
            OpenApiExample("Prompt", REQUEST_EXAMPLE, request_only=True),
            OpenApiExample(
                "Reply",
                COMPLETION_EXAMPLE,
                response_only=True,
                status_codes=["200"],
                media_type="application/json",
            ),
        ],
        operation_id="openai_chat_completions",
        tags=TAGS,
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Answer messages as OpenAI's chat completions do; nothing of the text is kept."""
        asked = parse_request(request.data)
        served = chat_format()
        if asked.model not in (served.name, ALIAS):
            raise ModelNotFound(f"The model here is {served.name}.", param="model")
        user = request_user(request)
        submitted = generation_submit_detached(
            owner=Owner.member(user),
            turns=turns_from(asked.messages),
            params=asked.params(),
        )
        reply = Reply.of(asked, submitted.generation_id, submitted.place, served)
        kind = StreamedReply if asked.stream else AwaitedReply
        return kind(reply, user.pk)


def _models() -> list[dict[str, Any]]:
    checkpoint = active_checkpoint()
    if checkpoint is None:
        return []
    created = int(checkpoint.loaded_at.timestamp())
    return [{"id": checkpoint.name, "object": "model", "created": created, "owned_by": ALIAS}]
