"""Streaming routes. Each view parses, calls one service and shapes the answer.

The views are synchronous; the answer's content is an asynchronous generator that Django's ASGI
handler iterates on the event loop.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest
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
from chat.api.guests import GuestView, guest_owner
from chat.api.serializers import GenerationOutput
from chat.api.stream_shapes import (
    AGAIN_ERRORS,
    BUSY_ERRORS,
    CHAT_HEADERS,
    EVENT_STREAM,
    GENERATION_HEADER,
    LAST_EVENT_ID,
    MEMBER_HEADERS,
    PROMPT_ERRORS,
    AgainInput,
    BranchInput,
    ChatInput,
    EditInput,
    GuestChatInput,
)
from chat.delivery import streams
from chat.delivery.sse import sse_response
from chat.errors import CannotContinue, NoTrace, RateLimited
from chat.generation.cancel import generation_cancel
from chat.generation.submit import (
    Owner,
    Submitted,
    generation_branch,
    generation_continue,
    generation_edit,
    generation_regenerate,
    generation_submit,
)
from chat.models import Generation
from chat.places import Place, place_take

TAGS = ["chat"]


class GuestChatView(GuestView):
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
        with _stream_place(request, _owner(request)) as place:
            submitted = generation_submit(
                owner=_owner(request),
                text=data["message"],
                history_input=data.get("history"),
                params=data.get("params"),
                client_id=data.get("client_id"),
            )
            response = sse_response(submitted.generation_id, place=submitted.place)
            response.place = place
        return response


class ChatView(APIView):
    @extend_schema(
        request=ChatInput,
        parameters=[GENERATION_HEADER, *CHAT_HEADERS],
        responses=EVENT_STREAM | error_responses(*AGAIN_ERRORS),
        operation_id="chat",
        tags=TAGS,
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Send a message; without a conversation a new one is begun (see X-Conversation-Id).

        A temporary one begins none: like a guest's it leaves no text in the database.
        """
        data = _validated(ChatInput, request)
        return _member_stream(
            request,
            generation_submit,
            text=data["message"],
            conversation_id=data.get("conversation_id"),
            history_input=data.get("history"),
            is_temporary=data["temporary"],
            params=data.get("params"),
            client_id=data.get("client_id"),
        )


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
        return _member_stream(request, generation_regenerate, message_id=message_id, **data)


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
        data["text"] = data.pop("message")
        return _member_stream(request, generation_edit, message_id=message_id, **data)


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
        return _member_stream(request, generation_continue, message_id=message_id, **data)


class BranchView(APIView):
    @extend_schema(
        request=BranchInput,
        parameters=[GENERATION_HEADER, *MEMBER_HEADERS],
        responses=EVENT_STREAM | error_responses(*AGAIN_ERRORS, NoTrace),
        operation_id="messages_branch",
        tags=TAGS,
    )
    def post(self, request: Request, message_id: int) -> HttpResponseBase:
        """Write the reply again up to its token `at`, then with another one of those recorded
        there (see its trace) and what follows; the end of a reply as token ends it there.
        """
        data = _validated(BranchInput, request)
        return _member_stream(request, generation_branch, message_id=message_id, **data)


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
        responses=EVENT_STREAM | error_responses(RateLimited),
        operation_id="generations_stream",
        tags=TAGS,
    )
    def get(self, request: Request, generation_id: uuid.UUID) -> HttpResponseBase:
        """Follow or resume a reply, from `Last-Event-ID` or from its start."""
        generation = _generation(request, generation_id)
        after = streams.parse_cursor(request.headers.get("Last-Event-ID"))
        reader = request.user if isinstance(request.user, User) else None
        with _stream_place(request, _owner(request)) as place:
            response = sse_response(generation.pk, after or streams.START, reader=reader)
            response.place = place
        return response


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


def _member_stream(
    request: Request, submit: Callable[..., Submitted], **wish: Any
) -> HttpResponseBase:
    reader = request_user(request)
    owner = Owner.member(reader)
    with _stream_place(request, owner) as place:
        submitted = submit(owner=owner, **wish)
        response = sse_response(submitted.generation_id, place=submitted.place, reader=reader)
        response.place = place
    if submitted.conversation_id is not None:
        response["X-Conversation-Id"] = str(submitted.conversation_id)
        response["X-User-Message-Id"] = str(submitted.user_message_id)
        response["X-Assistant-Message-Id"] = str(submitted.assistant_message_id)
    return response


@contextmanager
def _stream_place(request: Request, owner: Owner) -> Iterator[Place | None]:
    """One of the owner's places for streams, which the response holds; raises RateLimited.

    Taken before anything is written: who is refused has sent nothing. Places belong to the event
    loop of a web process; a request that did not come through one has no stream to hold.
    """
    is_served = isinstance(request._request, ASGIRequest)
    place = async_to_sync(place_take)("stream", owner) if is_served else None
    try:
        yield place
    except BaseException:
        if place is not None:
            place.close()
        raise


def _owner(request: Request) -> Owner:
    if isinstance(request.user, User):
        return Owner.member(request.user)
    return guest_owner(request)


def _generation(request: Request, generation_id: uuid.UUID) -> Generation:
    user = request.user if isinstance(request.user, User) else None
    return generation_for_reader(user=user, generation_id=generation_id)
