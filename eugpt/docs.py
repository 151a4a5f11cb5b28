"""The description of the API: OpenAPI, the events' JSON Schema, and a page to read them on.

Both documents depend on the code alone, so each process makes them once.
"""

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.wire.schema import events_schema

TAGS = ["system"]
# Everything comes from this server; Swagger UI sets styles on elements and draws its icons so.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@cache
def openapi_json() -> bytes:
    """The OpenAPI document as it is served."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return _encode(generator.get_schema(public=True))


@cache
def events_json() -> bytes:
    """The JSON Schema of the events as it is served."""
    return _encode(events_schema())


def _encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


class _DocumentView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer,)


def _document(name: str, description: str, example: dict[str, Any]) -> Any:
    response = OpenApiResponse(
        OpenApiTypes.OBJECT, description, [OpenApiExample("Beginning", example)]
    )
    return extend_schema(responses=response, operation_id=name, tags=TAGS)


class SchemaView(_DocumentView):
    @_document("schema", "OpenAPI 3.1.", {"openapi": "3.1.0", "info": {"title": "EuGPT API"}})
    def get(self, request: Request) -> HttpResponse:
        """This description of the API."""
        return HttpResponse(openapi_json(), content_type="application/json")


class EventsView(_DocumentView):
    @_document("schema_events", "JSON Schema 2020-12.", {"title": "EuGPT events"})
    def get(self, request: Request) -> HttpResponse:
        """The WebSocket's messages and the events of streams, as JSON Schema."""
        return HttpResponse(events_json(), content_type="application/json")


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI from our own files; its script is a second answer, so that none is inline."""

    metadata_class = None

    @extend_schema(
        responses={
            (200, "text/html"): OpenApiResponse(
                OpenApiTypes.STR, "HTML.", [OpenApiExample("Beginning", "<!DOCTYPE html>")]
            )
        },
        operation_id="docs",
        tags=TAGS,
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page that shows this description."""
        page: Any = super()
        response: Response = page.get(request, *args, **kwargs)
        response["Content-Security-Policy"] = PAGE_POLICY
        return response

    def handle_exception(self, exc: Exception) -> Response:
        """Errors are JSON here, too."""
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        response: Response = super().handle_exception(exc)
        return response
