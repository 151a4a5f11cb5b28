"""Export of a conversation to a file, and import of our own JSON."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import RateLimited
from accounts.limits import limit_hit
from accounts.rest import StrictSerializer, error_responses, request_user
from chat.access import conversation_for_user
from chat.api import examples
from chat.api.serializers import ConversationOutput
from chat.document import Document
from chat.exports import FILE_FORMATS, conversation_export
from chat.services.imports import conversation_import

TAGS = ["conversations"]
DISPOSITION_HEADER = OpenApiParameter(
    "Content-Disposition",
    location=OpenApiParameter.HEADER,
    response=[200],
    description="The file's name, after the title.",
)
_DOCUMENT = {
    "format": "eugpt.conversation",
    "version": 1,
    "conversation": {
        "uuid": "6f1f62c1-5b0c-4d0e-9d3c-0a8f6d9f3c11",
        "title": "Dogs",
        "created_at": "2026-11-22T10:00:00Z",
        "updated_at": "2026-11-22T10:00:05Z",
        "pinned": False,
        "archived": False,
        "head": 2,
    },
    "messages": [
        {
            "id": 1,
            "parent": None,
            "role": "user",
            "content": "Do you like dogs?",
            "created_at": "2026-11-22T10:00:00Z",
        },
        {
            "id": 2,
            "parent": 1,
            "role": "assistant",
            "content": "I do.",
            "created_at": "2026-11-22T10:00:01Z",
            "generation": {"model": "eugpt-36m", "status": "completed", "finish_reason": "stop"},
        },
    ],
}


def _file(text: str, media_type: str) -> OpenApiExample:
    return OpenApiExample("Its beginning", text, media_type=media_type)


class ExportQuery(StrictSerializer):
    format = serializers.ChoiceField(choices=list(FILE_FORMATS), default="json")


class ExportView(APIView):
    @extend_schema(
        parameters=[ExportQuery, DISPOSITION_HEADER],
        responses={
            (200, "application/json"): OpenApiResponse(
                OpenApiTypes.OBJECT,
                description="All messages, for an import.",
                examples=[OpenApiExample("A conversation", _DOCUMENT)],
            ),
            (200, "text/markdown"): OpenApiResponse(
                OpenApiTypes.STR,
                examples=[_file("# Dogs\n\n**You:** Do you like dogs?\n", "text/markdown")],
            ),
            (200, "text/plain"): OpenApiResponse(
                OpenApiTypes.STR, examples=[_file("Dogs\n\nYou: Do you like dogs?\n", "text/plain")]
            ),
        },
        operation_id="conversations_export",
        tags=TAGS,
    )
    def get(self, request: Request, conversation_id: int) -> HttpResponse:
        """A file: everything as JSON, or the shown branch as Markdown or plain text."""
        conversation = conversation_for_user(
            user=request_user(request), conversation_id=conversation_id
        )
        query = ExportQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        file = conversation_export(
            conversation=conversation, file_format=query.validated_data["format"]
        )
        response = HttpResponse(file.text, content_type=file.content_type)
        response["Content-Disposition"] = content_disposition_header(True, file.name) or ""
        response["Cache-Control"] = "no-store"
        return response


class ImportView(APIView):
    @extend_schema(
        request=Document,
        responses={
            201: ConversationOutput,
            200: OpenApiResponse(ConversationOutput, description="It was there already."),
            **error_responses(RateLimited),
        },
        examples=[
            OpenApiExample("A conversation", _DOCUMENT, request_only=True),
            OpenApiExample("The stored one", examples.CONVERSATION, response_only=True),
        ],
        operation_id="conversations_import",
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Bring back an exported conversation. Importing it again gives the first one (200).

        At most 8 MB and 10,000 messages, parents before their answers; nothing is half-saved.
        """
        user = request_user(request)
        limit_hit(name="import", key=f"u:{user.pk}")
        conversation, is_new = conversation_import(user=user, document=request.data)
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(ConversationOutput(conversation).data, status=code)
