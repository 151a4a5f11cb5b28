"""One action on many conversations."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import StrictBooleanField, StrictIntegerField, StrictSerializer, request_user
from chat.services.conversations import BulkAction, conversations_bulk

IDS_MAX = 100


class BulkInput(StrictSerializer):
    """Either `ids` or `all: true`."""

    ids = serializers.ListField(
        child=StrictIntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        min_length=1,
        max_length=IDS_MAX,
    )
    all = StrictBooleanField(required=False, help_text="All of them, archived ones too.")
    action = serializers.ChoiceField(choices=[action.value for action in BulkAction])

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == attrs.get("all", False):
            raise serializers.ValidationError({"ids": ["Give either ids or all: true."]})
        return attrs


class BulkOutput(serializers.Serializer[Any]):
    changed = serializers.IntegerField()
    not_found = serializers.IntegerField()


class BulkView(APIView):
    @extend_schema(
        request=BulkInput,
        responses=BulkOutput,
        examples=[
            OpenApiExample("Archive two", {"ids": [3, 5], "action": "archive"}, request_only=True),
            OpenApiExample("Done", {"changed": 2, "not_found": 0}, response_only=True),
        ],
        operation_id="conversations_bulk",
        tags=["conversations"],
    )
    def post(self, request: Request) -> Response:
        """Delete, archive, unarchive, pin or unpin many conversations, or all, in one step."""
        data = BulkInput(data=request.data)
        data.is_valid(raise_exception=True)
        result = conversations_bulk(
            user=request_user(request),
            ids=data.validated_data.get("ids"),
            action=BulkAction(data.validated_data["action"]),
        )
        return Response(BulkOutput(result).data)
