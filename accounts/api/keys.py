"""API key routes. Each view parses, calls one service and shapes the answer."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import TooManyKeys
from accounts.keys import key_create, key_list, key_revoke
from accounts.models import KEY_NAME_MAX_CHARS, ApiKey
from accounts.rest import StrictSerializer, error_responses, request_user, shape_example

TAGS = ["keys"]
_KEY = {
    "id": 3,
    "name": "notebook",
    "prefix": "eugpt-Zk3v9Q",
    "created_at": "2026-11-22T12:00:00Z",
    "last_used_at": None,
    "expires_at": "2027-11-22T12:00:00Z",
}
_SECRET = "eugpt-Zk3v9Q1s0mGf2d8b7wT5xYcLrJ4hNnPq6uEaVoIiKtM"


@shape_example({"name": "notebook", "expires_at": "2027-11-22T12:00:00Z"})
class KeyCreateInput(StrictSerializer):
    name = serializers.CharField(max_length=KEY_NAME_MAX_CHARS)
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Without it the key never expires."
    )

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("This moment has passed.")
        return value


@shape_example(_KEY)
class KeyOutput(serializers.ModelSerializer[ApiKey]):
    prefix = serializers.CharField(help_text="How the key begins.")
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="Accurate to about a minute."
    )

    class Meta:
        model = ApiKey
        fields = ["id", "name", "prefix", "created_at", "last_used_at", "expires_at"]
        read_only_fields = fields


@shape_example({**_KEY, "key": _SECRET})
class KeyCreatedOutput(KeyOutput):
    key = serializers.CharField(help_text="Shown this once.")

    class Meta(KeyOutput.Meta):
        fields = [*KeyOutput.Meta.fields, "key"]
        read_only_fields = fields


class KeysView(APIView):
    @extend_schema(
        responses=KeyOutput(many=True),
        operation_id="keys_list",
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """The user's API keys, newest first; at most 20."""
        keys = key_list(user=request_user(request))
        return Response(KeyOutput(keys, many=True).data)

    @extend_schema(
        request=KeyCreateInput,
        responses={201: KeyCreatedOutput, **error_responses(TooManyKeys)},
        operation_id="keys_create",
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Make an API key for /v1. Its text is in this answer and nowhere else."""
        data = KeyCreateInput(data=request.data)
        data.is_valid(raise_exception=True)
        key, secret = key_create(user=request_user(request), **data.validated_data)
        body: dict[str, Any] = {**KeyOutput(key).data, "key": secret}
        response = Response(body, status=status.HTTP_201_CREATED)
        response["Cache-Control"] = "no-store"
        return response


class KeyView(APIView):
    @extend_schema(
        responses={204: OpenApiResponse(description="Revoked.")},
        operation_id="keys_revoke",
        tags=TAGS,
    )
    def delete(self, request: Request, key_id: int) -> Response:
        """Revoke a key: the next request with it is refused."""
        key_revoke(user=request_user(request), key_id=key_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
