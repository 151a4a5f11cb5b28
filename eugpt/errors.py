"""How errors leave the project over HTTP: DRF's exception handler and Django's error views.

What an error says is decided in `accounts.errors`; this file adds status, headers, under /v1 the
shape that OpenAI's clients read and, outside the API, the front end's own page.
"""

import logging
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.response import Response
from rest_framework.views import set_rollback

from accounts.errors import ErrorInfo, Invalid, NotFound, error_describe
from chat.api.openai.errors import V1_PREFIX, openai_error
from chat.metrics import error_told
from eugpt.middleware import ADMIN_PREFIX
from eugpt.static_site import page_headers
from moderation.refusals import refusal_page

logger = logging.getLogger(__name__)

API_PREFIXES = ("/api/", V1_PREFIX)


def error_headers(info: ErrorInfo) -> dict[str, str]:
    """The headers that belong to an error: Retry-After, WWW-Authenticate."""
    headers = {}
    if retry_after := info.body.get("retry_after"):
        headers["Retry-After"] = str(retry_after)
    if info.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return headers


def error_body(path: str, info: ErrorInfo) -> dict[str, Any]:
    """The JSON of an error as the clients of this path read it."""
    return openai_error(info) if path.startswith(V1_PREFIX) else info.body


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """DRF's EXCEPTION_HANDLER: every exception becomes EuGPT's JSON shape."""
    info = error_describe(exc)
    error_told(info.code)
    if info.is_internal:
        view = context.get("view")
        logger.error("unhandled error in %s", type(view).__name__, exc_info=exc)
    set_rollback()
    body = error_body(context["request"].path_info, info)
    return Response(body, status=info.status, headers=error_headers(info))


def _error_response(request: HttpRequest, exc: Exception) -> HttpResponse:
    info = error_describe(exc)
    if request.path.startswith(API_PREFIXES):
        error_told(info.code)
        body = error_body(request.path, info)
        return JsonResponse(body, status=info.status, headers=error_headers(info))
    if info.status == HTTPStatus.NOT_FOUND and (page := _missing_page(settings.FRONTEND_DIR)):
        return HttpResponse(page, status=info.status, headers=page_headers(page))
    return HttpResponse(info.body["detail"], status=info.status, content_type="text/plain")


@cache
def _missing_page(export_dir: Path) -> str:
    """The front end's page for addresses that do not exist; empty where it is not built."""
    page = export_dir / "404.html"
    return page.read_text(encoding="utf-8") if page.is_file() else ""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return _error_response(request, Invalid())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403; in the admin a page in its frame."""
    if request.path.startswith(ADMIN_PREFIX):
        return refusal_page(request, HTTPStatus.FORBIDDEN)
    return _error_response(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: the front end's page, but in the admin one in its frame."""
    if request.path.startswith(ADMIN_PREFIX):
        return refusal_page(request, HTTPStatus.NOT_FOUND)
    return _error_response(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; Django has logged the cause."""
    return _error_response(request, RuntimeError())
