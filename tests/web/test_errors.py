"""The one translation of exceptions, and Django's error pages."""

from pathlib import Path
from typing import Any

import pytest
import redis.exceptions
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from django.test import RequestFactory
from kombu.exceptions import OperationalError as BrokerError
from rest_framework import exceptions
from rest_framework.test import APIClient

from accounts.errors import ErrorInfo, RateLimited, Suspended, error_describe
from chat.errors import BadParams, GenerationRunning, PromptTooLong, QueueFull
from eugpt import errors


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (QueueFull(retry_after=3), 503, "queue_full"),
        (RateLimited(retry_after=3), 429, "rate_limited"),
        (GenerationRunning(generation="g"), 409, "generation_running"),
        (PromptTooLong(tokens=900, limit=380), 400, "prompt_too_long"),
        (BadParams(param="top_k", allowed="1-100"), 400, "bad_params"),
        (Suspended(), 403, "suspended"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (SuspiciousOperation(), 400, "invalid"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (OperationalError("secret host"), 503, "unavailable"),
        (redis.exceptions.ConnectionError("secret host"), 503, "unavailable"),
        (BrokerError("secret host"), 503, "unavailable"),
        (ValueError("secret host"), 500, "internal"),
    ],
)
def test_error_describe_knows_status_and_code(exc: Exception, status: int, code: str) -> None:
    info = error_describe(exc)
    assert (info.status, info.code) == (status, code)
    assert "secret" not in info.body["detail"]
    assert info.is_internal == (status == 500)


def test_error_describe_merges_data_and_field_messages() -> None:
    assert error_describe(BadParams(param="top_k", allowed="1-100")).body == {
        "detail": "A sampling parameter is out of range.",
        "code": "bad_params",
        "param": "top_k",
        "allowed": "1-100",
    }
    fields = error_describe(exceptions.ValidationError({"title": ["Too long."]})).body
    assert fields["detail"] == "title: Too long."
    assert fields["fields"] == {"title": ["Too long."]}


def test_error_headers_follow_the_body() -> None:
    assert errors.error_headers(ErrorInfo(503, {"retry_after": 7})) == {"Retry-After": "7"}
    assert "WWW-Authenticate" in errors.error_headers(ErrorInfo(401, {}))


def test_server_error_is_json_below_api_and_text_elsewhere() -> None:
    factory = RequestFactory()
    response = errors.server_error(factory.get("/api/health"))
    assert response.status_code == 500
    assert b'"code": "internal"' in response.content
    assert errors.server_error(factory.get("/admin/"))["Content-Type"] == "text/plain"


def test_page_not_found_is_the_front_ends(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text("<h1>Nothing here</h1>")
    settings.FRONTEND_DIR = tmp_path
    response = APIClient().get("/nowhere")
    assert response.status_code == 404
    assert response.content == b"<h1>Nothing here</h1>"
    assert response["Content-Security-Policy"] == "default-src 'self'; frame-ancestors 'none'"
    assert response["Cache-Control"] == "no-cache"
    assert APIClient().get("/api/nowhere").json()["code"] == "not_found"


def test_page_not_found_in_the_admin_has_its_frame(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text("<h1>Nothing here</h1>")
    settings.FRONTEND_DIR = tmp_path
    request = RequestFactory().get("/admin/nowhere/")
    request.user = AnonymousUser()
    response = errors.page_not_found(request, Http404())
    assert response.status_code == 404
    assert b"EuGPT staff" in response.content
    assert b"/admin/" in response.content


@pytest.mark.django_db
def test_an_unforeseen_error_is_logged_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Any:
        raise ValueError("secret")

    monkeypatch.setattr("eugpt.health.health_check", broken)
    response = APIClient().get("/api/health")
    assert response.status_code == 500
    assert "secret" not in response.content.decode()
    assert "secret" in caplog.text
