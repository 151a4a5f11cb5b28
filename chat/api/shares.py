"""Shares: made, listed and revoked by the owner, read by whoever knows the slug."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.limits import address_key, limit_hit
from accounts.rest import (
    StrictIntegerField,
    StrictSerializer,
    error_responses,
    request_user,
    shape_example,
)
from chat.access import conversation_for_user, share_for_anyone, share_for_owner
from chat.api.serializers import NoticeOutput
from chat.errors import RateLimited, TooManyShares
from chat.models import Conversation, Role, Share
from chat.selectors import share_list, share_messages
from chat.services.shares import share_create, share_revoke, shares_revoke_all

TAGS = ["conversations"]
EXPIRES_MAX_DAYS = 365
_SHARE = {
    "slug": "q3vY0m2n8cXvJt1o5bWkZg",
    "path": "/api/shared/q3vY0m2n8cXvJt1o5bWkZg",
    "created_at": "2026-11-22T10:00:00Z",
    "expires_at": "2026-11-29T10:00:00Z",
}
_SHARED = {
    "title": "Dogs",
    "created_at": "2026-11-22T10:00:00Z",
    "expires_at": None,
    "omitted": 0,
    "messages": [
        {
            "role": "user",
            "content": "Do you like dogs?",
            "created_at": "2026-11-22T09:59:00Z",
            "model": "",
            "is_hidden": False,
            "notice": None,
        },
        {
            "role": "assistant",
            "content": "I do.",
            "created_at": "2026-11-22T09:59:01Z",
            "model": "eugpt-36m",
            "is_hidden": False,
            "notice": None,
        },
    ],
}


@shape_example({"expires_in_days": 7})
class ShareInput(StrictSerializer):
    expires_in_days = StrictIntegerField(
        min_value=1,
        max_value=EXPIRES_MAX_DAYS,
        required=False,
        allow_null=True,
        default=None,
        help_text="null: until it is revoked.",
    )


@shape_example(_SHARE)
class ShareOutput(serializers.ModelSerializer[Share]):
    path = serializers.SerializerMethodField(help_text="Where anyone reads it.")

    class Meta:
        model = Share
        fields = ["slug", "path", "created_at", "expires_at"]
        read_only_fields = fields

    def get_path(self, share: Share) -> str:
        return reverse("chat:shared", args=[share.slug])


class SharedMessageOutput(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)
    content = serializers.CharField(allow_blank=True, help_text="Empty where it is hidden.")
    created_at = serializers.DateTimeField()
    model = serializers.CharField(allow_blank=True, help_text="Which one wrote it.")
    is_hidden = serializers.BooleanField(help_text="By a moderator.")
    notice = NoticeOutput(allow_null=True, default=None, help_text="Of a safety rule.")


class SharedOutput(serializers.ModelSerializer[Share]):
    """What a stranger sees: no ids and nobody's name."""

    messages = serializers.SerializerMethodField()

    class Meta:
        model = Share
        fields = ["title", "created_at", "expires_at", "omitted", "messages"]
        read_only_fields = fields
        extra_kwargs = {"omitted": {"help_text": "How many older messages are not in the copy."}}

    @extend_schema_field(SharedMessageOutput(many=True))
    def get_messages(self, share: Share) -> list[dict[str, Any]]:
        return share_messages(share=share)


class _OwnView(APIView):
    def conversation(self, request: Request, conversation_id: int) -> Conversation:
        return conversation_for_user(user=request_user(request), conversation_id=conversation_id)


class SharesView(_OwnView):
    @extend_schema(
        responses=ShareOutput(many=True),
        operation_id="shares_list",
        tags=TAGS,
    )
    def get(self, request: Request, conversation_id: int) -> Response:
        """The conversation's shares that can be read, newest first."""
        shares = share_list(conversation=self.conversation(request, conversation_id))
        return Response(ShareOutput(shares, many=True).data)

    @extend_schema(
        request=ShareInput,
        responses={201: ShareOutput, **error_responses(TooManyShares)},
        operation_id="shares_create",
        tags=TAGS,
    )
    def post(self, request: Request, conversation_id: int) -> Response:
        """Share a copy of what is shown now. At most 20 for one conversation."""
        conversation = self.conversation(request, conversation_id)
        data = ShareInput(data=request.data)
        data.is_valid(raise_exception=True)
        share = share_create(conversation=conversation, **data.validated_data)
        return Response(ShareOutput(share).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        responses={204: OpenApiResponse(description="Revoked.")},
        operation_id="shares_delete_all",
        tags=TAGS,
    )
    def delete(self, request: Request, conversation_id: int) -> Response:
        """Revoke all shares of the conversation."""
        shares_revoke_all(conversation=self.conversation(request, conversation_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ShareView(_OwnView):
    @extend_schema(
        responses={204: OpenApiResponse(description="Revoked.")},
        operation_id="shares_delete",
        tags=TAGS,
    )
    def delete(self, request: Request, conversation_id: int, slug: str) -> Response:
        """Revoke a share: its address leads nowhere from now on."""
        conversation = self.conversation(request, conversation_id)
        share_revoke(share=share_for_owner(conversation=conversation, slug=slug))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SharedView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "X-Robots-Tag", location=OpenApiParameter.HEADER, response=[200],
                description="noindex",
            )
        ],
        responses={200: SharedOutput, **error_responses(RateLimited)},
        examples=[OpenApiExample("A shared conversation", _SHARED, response_only=True)],
        operation_id="shared_retrieve",
        tags=TAGS,
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        """A shared conversation, without an account."""
        limit_hit(name="shared", key=address_key(request.META.get("REMOTE_ADDR")))
        share = share_for_anyone(slug=slug)
        # A copy in a cache or a search engine would outlive its revocation.
        headers = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}
        return Response(SharedOutput(share).data, headers=headers)
