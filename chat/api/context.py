"""The context meter's route."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.limits import address_key, limit_hit
from accounts.rest import StrictSerializer, error_responses, request_user
from chat.access import conversation_for_user
from chat.api.stream_shapes import HistoryField
from chat.context import context_usage, context_usage_detached
from chat.errors import ModelUnavailable, RateLimited
from chat.generation.history import MESSAGE_MAX_CHARS
from inference.public import SamplingParams, params_schema

_MAX_TOKENS = params_schema()["properties"]["max_tokens"]
_EXAMPLE: dict[str, Any] = {
    "model": "eugpt-36m",
    "limit": 384,
    "reserved": 120,
    "total": 31,
    "draft": {"tokens": 7, "limit": 368, "fits": True},
    "messages": [
        {"id": 40, "tokens": 9, "is_inside": True},
        {"id": 41, "tokens": 15, "is_inside": True},
    ],
}
_DETACHED = {
    "draft": "How are you?",
    "history": [
        {"role": "user", "content": "My name is Ana."},
        {"role": "assistant", "content": "Nice to meet you, Ana!"},
    ],
}
_DETACHED_ANSWER = {
    **_EXAMPLE,
    "messages": [{**message, "id": i} for i, message in enumerate(_EXAMPLE["messages"])],
}


class ContextQuery(StrictSerializer):
    max_tokens = serializers.IntegerField(
        min_value=_MAX_TOKENS["minimum"],
        max_value=_MAX_TOKENS["maximum"],
        default=SamplingParams().max_tokens,
        help_text="As it will be in `params`: room that is kept for the reply.",
    )


class ContextInput(ContextQuery):
    draft = serializers.CharField(
        max_length=MESSAGE_MAX_CHARS, trim_whitespace=False, allow_blank=True
    )


class DetachedContextInput(ContextInput):
    history = HistoryField(required=False, allow_null=True, default=None)


class MessageTokensOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Of a history that is not stored: the place, from 0.")
    tokens = serializers.IntegerField(
        allow_null=True, help_text="null where it was not counted: far outside, or not sent."
    )
    is_inside = serializers.BooleanField(help_text="Whether the model would see it.")


class DraftTokensOutput(serializers.Serializer[Any]):
    tokens = serializers.IntegerField()
    limit = serializers.IntegerField(help_text="Beyond it a message is `prompt_too_long`.")
    fits = serializers.BooleanField()


class ContextOutput(serializers.Serializer[Any]):
    model = serializers.CharField()
    limit = serializers.IntegerField(help_text="The whole window.")
    reserved = serializers.IntegerField(help_text="Kept free for the reply.")
    total = serializers.IntegerField(help_text="The prompt: messages inside, draft, marks.")
    draft = DraftTokensOutput()
    messages = MessageTokensOutput(
        many=True,
        help_text="The newest of the shown branch, oldest first. What is not named is outside.",
    )


class ContextView(APIView):
    @extend_schema(
        parameters=[ContextQuery],
        responses={200: ContextOutput, **error_responses(400, 401, 403, 404, 503)},
        examples=[OpenApiExample("Two short messages", _EXAMPLE, response_only=True)],
        operation_id="conversations_context",
        tags=["conversations"],
    )
    def get(self, request: Request, conversation_id: int) -> Response:
        """What the model would see if a short message were sent now, in tokens.

        A reply that is still being written counts when it has ended.
        """
        query = ContextQuery(data=request.query_params.dict())
        return self._count(request, conversation_id, query, draft="")

    @extend_schema(
        request=ContextInput,
        responses={200: ContextOutput, **error_responses(400, 401, 403, 404, 503)},
        examples=[
            OpenApiExample("A draft", {"draft": "How are you?"}, request_only=True),
            OpenApiExample("Two short messages", _EXAMPLE, response_only=True),
        ],
        operation_id="conversations_context_draft",
        tags=["conversations"],
    )
    def post(self, request: Request, conversation_id: int) -> Response:
        """The same with a draft. Drafts come in a body: addresses end up in logs."""
        return self._count(request, conversation_id, ContextInput(data=request.data))

    def _count(
        self, request: Request, conversation_id: int, data: StrictSerializer, **more: Any
    ) -> Response:
        conversation = conversation_for_user(
            user=request_user(request), conversation_id=conversation_id
        )
        data.is_valid(raise_exception=True)
        usage = context_usage(conversation=conversation, **data.validated_data, **more)
        return Response(ContextOutput(usage).data)


class DetachedContextView(APIView):
    """Counting costs no more than a prompt of a guest, and nothing is written."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        request=DetachedContextInput,
        responses={200: ContextOutput, **error_responses(RateLimited, ModelUnavailable)},
        examples=[
            OpenApiExample("A draft", _DETACHED, request_only=True),
            OpenApiExample("Two short messages", _DETACHED_ANSWER, response_only=True),
        ],
        operation_id="chat_context",
        tags=["chat"],
    )
    def post(self, request: Request) -> Response:
        """What the model would see of a chat that is not stored: a guest's or a temporary one."""
        limit_hit(name="context", key=address_key(request.META.get("REMOTE_ADDR")))
        data = DetachedContextInput(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(ContextOutput(context_usage_detached(**data.validated_data)).data)
