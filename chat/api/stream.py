"""Streaming routes. Each view parses, calls one service and shapes the answer.

The views are synchronous; the answer's content is an asynchronous generator that Django's ASGI
handler iterates on the event loop.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.rest import StrictSerializer, error_responses, request_user
from chat.access import generation_for_reader
from chat.api import examples
from chat.api.serializers import GenerationOutput
from chat.api.stream_shapes import (
    AGAIN_ERRORS,
    BUSY_ERRORS,
    EVENT_STREAM,
    GENERATION_HEADER,
    LAST_EVENT_ID,
    MEMBER_HEADERS,
    PROMPT_ERRORS,
    AgainInput,
    ChatInput,
    EditInput,
    GuestChatInput,
)
from chat.delivery import streams
from chat.delivery.sse import sse_response
from chat.errors import CannotContinue
from chat.generation.cancel import generation_cancel
from chat.generation.submit import (
    Owner,
    Submitted,
    generation_continue,
    generation_edit,
    generation_regenerate,
    generation_submit,
)
from chat.models import Generation

TAGS = ["chat"]


class GuestChatView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        request=GuestChatInput,
        parameters=[GENERATION_HEADER],
        responses=EVENT_STREAM | error_responses(*PROMPT_ERRORS, *BUSY_ERRORS),
        operation_id="chat_guest",
        tags=TAGS,
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Chat without an account; nothing of the text is kept in the database."""
        data = _validated(GuestChatInput, request)
        submitted = generation_submit(
            owner=Owner.guest(request.META.get("REMOTE_ADDR")),
            text=data["message"],
            history_input=data.get("history"),
            params=data.get("params"),
            client_id=data.get("client_id"),
        )
        return sse_response(submitted.generation_id, place=submitted.place)


class ChatView(APIView):
    @extend_schema(
        request=ChatInput,
        parameters=[GENERATION_HEADER, *MEMBER_HEADERS],
        responses=EVENT_STREAM | error_responses(*AGAIN_ERRORS),
        operation_id="chat",
        tags=TAGS,
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Send a message; without a conversation a new one is begun (see X-Conversation-Id)."""
        data = _validated(ChatInput, request)
        submitted = generation_submit(
            owner=Owner.member(request_user(request)),
            text=data["message"],
            conversation_id=data.get("conversation_id"),
            params=data.get("params"),
            client_id=data.get("client_id"),
        )
        return _member_stream(request, submitted)


class RegenerateView(APIView):
    @extend_schema(
        request=AgainInput,
        parameters=[GENERATION_HEADER, *MEMBER_HEADERS],
        responses=EVENT_STREAM | error_responses(*AGAIN_ERRORS),
        operation_id="messages_regenerate",
        tags=TAGS,
    )
    def post(self, request: Request, message_id: int) -> HttpResponseBase:
        """Write another reply as a branch; without params those of the old one, with a new seed."""
        data = _validated(AgainInput, request)
        owner = Owner.member(request_user(request))
        return _member_stream(
            request, generation_regenerate(owner=owner, message_id=message_id, **data)
        )


class EditView(APIView):
    @extend_schema(
        request=EditInput,
        parameters=[GENERATION_HEADER, *MEMBER_HEADERS],
        responses=EVENT_STREAM | error_responses(*AGAIN_ERRORS),
        operation_id="messages_edit",
        tags=TAGS,
    )
    def post(self, request: Request, message_id: int) -> HttpResponseBase:
        """Ask something else in the place of an own message, as a branch."""
        data = _validated(EditInput, request)
        owner, text = Owner.member(request_user(request)), data.pop("message")
        return _member_stream(
            request, generation_edit(owner=owner, message_id=message_id, text=text, **data)
        )


class ContinueView(APIView):
    @extend_schema(
        request=AgainInput,
        parameters=[GENERATION_HEADER, *MEMBER_HEADERS],
        responses=EVENT_STREAM | error_responses(*AGAIN_ERRORS, CannotContinue),
        operation_id="messages_continue",
        tags=TAGS,
    )
    def post(self, request: Request, message_id: int) -> HttpResponseBase:
        """Go on with a reply that was cut short, as a branch that begins with its words."""
        data = _validated(AgainInput, request)
        owner = Owner.member(request_user(request))
        return _member_stream(
            request, generation_continue(owner=owner, message_id=message_id, **data)
        )


class GenerationView(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(
        responses=GenerationOutput,
        operation_id="generations_retrieve",
        tags=TAGS,
    )
    def get(self, request: Request, generation_id: uuid.UUID) -> Response:
        """The state of a generation; guests' are known by their secret id alone."""
        return Response(GenerationOutput(_generation(request, generation_id)).data)


class GenerationStreamView(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(
        parameters=[LAST_EVENT_ID, GENERATION_HEADER],
        responses=EVENT_STREAM,
        operation_id="generations_stream",
        tags=TAGS,
    )
    def get(self, request: Request, generation_id: uuid.UUID) -> HttpResponseBase:
        """Follow or resume a reply, from `Last-Event-ID` or from its start."""
        generation = _generation(request, generation_id)
        after = streams.parse_cursor(request.headers.get("Last-Event-ID"))
        reader = request.user if isinstance(request.user, User) else None
        return sse_response(generation.pk, after or streams.START, reader=reader)


class GenerationCancelView(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(
        request=None,
        responses={
            202: OpenApiResponse(
                GenerationOutput,
                "It stops; it may take another step.",
                [OpenApiExample("Example", examples.GENERATION)],
            )
        },
        operation_id="generations_cancel",
        tags=TAGS,
    )
    def post(self, request: Request, generation_id: uuid.UUID) -> Response:
        """Stop writing; what is written stays."""
        generation = _generation(request, generation_id)
        generation_cancel(generation=generation)
        generation.refresh_from_db()
        return Response(GenerationOutput(generation).data, status=status.HTTP_202_ACCEPTED)


def _validated(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    data = serializer(data=request.data)
    data.is_valid(raise_exception=True)
    return dict(data.validated_data)


def _member_stream(request: Request, submitted: Submitted) -> HttpResponseBase:
    reader = request_user(request)
    response = sse_response(submitted.generation_id, place=submitted.place, reader=reader)
    response["X-Conversation-Id"] = str(submitted.conversation_id)
    response["X-User-Message-Id"] = str(submitted.user_message_id)
    response["X-Assistant-Message-Id"] = str(submitted.assistant_message_id)
    return response


def _generation(request: Request, generation_id: uuid.UUID) -> Generation:
    user = request.user if isinstance(request.user, User) else None
    return generation_for_reader(user=user, generation_id=generation_id)
