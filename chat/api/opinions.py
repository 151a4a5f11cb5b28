"""What a member says of a reply: feedback and reports."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.limits import limit_hit
from accounts.models import User
from accounts.rest import StrictSerializer, error_responses, request_user, shape_example
from chat.api import examples
from chat.api.serializers import FeedbackOutput
from chat.errors import Invalid, RateLimited
from chat.models import COMMENT_MAX_CHARS, Rating, Report, ReportReason
from chat.services.opinions import feedback_delete, feedback_set, report_make

TAGS = ["chat"]
_REPORT = {"reason": "wrong", "comment": "Dogs have four legs."}


class _CommentInput(StrictSerializer):
    comment = serializers.CharField(
        max_length=COMMENT_MAX_CHARS, required=False, allow_blank=True, default=""
    )


@shape_example(examples.FEEDBACK)
class FeedbackInput(_CommentInput):
    rating = serializers.ChoiceField(choices=Rating.values)


@shape_example(_REPORT)
class ReportInput(_CommentInput):
    reason = serializers.ChoiceField(choices=ReportReason.values)


@shape_example({"id": 3, "created_at": "2026-11-22T12:00:00Z", **_REPORT})
class ReportOutput(serializers.ModelSerializer[Report]):
    reason = serializers.ChoiceField(choices=ReportReason.values)

    class Meta:
        model = Report
        fields = ["id", "created_at", "reason", "comment"]
        read_only_fields = fields


class FeedbackView(APIView):
    @extend_schema(
        request=FeedbackInput,
        responses={200: FeedbackOutput, **error_responses(Invalid, RateLimited)},
        operation_id="messages_feedback",
        tags=TAGS,
    )
    def put(self, request: Request, message_id: int) -> Response:
        """Say what you think of a reply; said again, the last word counts."""
        data = _validated(FeedbackInput, request)
        feedback = feedback_set(user=_counted(request, "feedback"), message_id=message_id, **data)
        return Response(FeedbackOutput(feedback).data)

    @extend_schema(
        responses={204: OpenApiResponse(description="Taken back.")},
        operation_id="messages_feedback_delete",
        tags=TAGS,
    )
    def delete(self, request: Request, message_id: int) -> Response:
        """Take it back."""
        feedback_delete(user=request_user(request), message_id=message_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReportView(APIView):
    @extend_schema(
        request=ReportInput,
        responses={
            201: ReportOutput,
            200: OpenApiResponse(ReportOutput, description="Reported before; it now says this."),
            **error_responses(Invalid, RateLimited),
        },
        operation_id="messages_report",
        tags=TAGS,
    )
    def post(self, request: Request, message_id: int) -> Response:
        """Report a reply to the moderators."""
        data = _validated(ReportInput, request)
        user = _counted(request, "report")
        report, is_new = report_make(user=user, message_id=message_id, **data)
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(ReportOutput(report).data, status=code)


def _validated(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    data = serializer(data=request.data)
    data.is_valid(raise_exception=True)
    return dict(data.validated_data)


def _counted(request: Request, limit: str) -> User:
    """The user, of whom this is one more; raises RateLimited."""
    user = request_user(request)
    limit_hit(name=limit, key=f"u:{user.pk}")
    return user
