"""What the model thought while it wrote a reply."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import error_responses, request_user, shape_example
from chat.api import examples
from chat.generation.traces import message_trace

_TEXT = "By itself: a part of a character is U+FFFD, the end of a reply its mark."


class AlternativeOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(min_value=0)
    text = serializers.CharField(help_text=_TEXT)
    logprob = serializers.FloatField(max_value=0)


class TracedTokenOutput(AlternativeOutput):
    top = AlternativeOutput(many=True, help_text="The likeliest ones before any filter.")


@shape_example(examples.TRACE)
class TraceOutput(serializers.Serializer[Any]):
    tokens = TracedTokenOutput(many=True)


class TraceView(APIView):
    @extend_schema(
        responses={200: TraceOutput, **error_responses(401, 403, 404)},
        operation_id="messages_trace",
        tags=["chat"],
    )
    def get(self, request: Request, message_id: int) -> Response:
        """The tokens of a reply with their alternatives; kept where `params.logprobs` asked."""
        tokens = message_trace(user=request_user(request), message_id=message_id)
        return Response({"tokens": tokens})
