"""The route that makes a stored conversation of a chat that was not."""

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.limits import limit_hit
from accounts.rest import StrictSerializer, error_responses, request_user
from chat.api import examples
from chat.api.conversations import conversation_detail
from chat.api.serializers import ConversationDetailOutput
from chat.api.stream_shapes import ClientIdField
from chat.errors import Invalid, NotFound, RateLimited, TooManyReplies
from chat.generation.checks import client_key
from chat.generation.history import KEPT_SCHEMA, check_kept
from chat.generation.owner import Owner
from chat.services.keep import conversation_keep

_EXAMPLE = {
    "turns": [{"role": "user", "content": "Greet me!"}],
    "generation": examples.GENERATION["id"],
    "client_id": "k1",
}


@extend_schema_field(KEPT_SCHEMA)
class TurnsField(serializers.JSONField):
    pass


class KeepInput(StrictSerializer):
    turns = TurnsField(
        help_text="User and assistant in turn, beginning with the user; the last one is the "
        "assistant's, or `generation` names its reply."
    )
    generation = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="The reply to the last prompt. While it is written the last turn is the user's.",
    )
    client_id = ClientIdField()


class KeepView(APIView):
    @extend_schema(
        request=KeepInput,
        responses={
            201: ConversationDetailOutput,
            200: OpenApiResponse(ConversationDetailOutput, description="It was kept already."),
            **error_responses(Invalid, NotFound, RateLimited, TooManyReplies),
        },
        examples=[
            OpenApiExample("A reply that is being written", _EXAMPLE, request_only=True),
            OpenApiExample("The conversation", examples.DETAIL, response_only=True),
        ],
        operation_id="conversations_keep",
        tags=["conversations"],
    )
    def post(self, request: Request) -> Response:
        """Keep a guest's or a temporary chat as a conversation, also in the middle of a reply.

        At most 200 turns of 4,000 characters and 4 MB. A reply that is still written goes on: its
        readers keep their places, and its text is stored in the conversation.
        """
        user = request_user(request)
        limit_hit(name="keep", key=f"u:{user.pk}")
        data = KeepInput(data=request.data)
        data.is_valid(raise_exception=True)
        wish: dict[str, Any] = data.validated_data
        conversation, is_new = conversation_keep(
            user=user,
            turns=check_kept(wish["turns"]),
            generation_id=wish.get("generation"),
            client_id=client_key(Owner.member(user), wish.get("client_id")),
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(conversation_detail(conversation), status=code)
