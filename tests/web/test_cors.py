"""A front end on another origin: only where it is named, and with the headers it reads."""

from typing import Any

import pytest
from django.test import Client

ORIGIN = "https://app.example.org"


@pytest.mark.parametrize("is_named", [True, False])
def test_preflight_passes_for_named_origins_only(
    client: Client, settings: Any, is_named: bool
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN] if is_named else []
    response = client.options(
        "/api/conversations",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )
    assert response.headers.get("access-control-allow-origin") == (ORIGIN if is_named else None)
    if is_named:
        assert response.headers["access-control-allow-credentials"] == "true"
        assert "authorization" in response.headers["access-control-allow-headers"]


def test_readable_headers_are_exposed(client: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    exposed = client.get("/api/nothing", headers={"Origin": ORIGIN}).headers
    assert "Link" in exposed["access-control-expose-headers"]
    assert "X-Generation-Id" in exposed["access-control-expose-headers"]


@pytest.mark.parametrize("name", ["last-event-id", "x-stainless-retry-count"])
def test_a_stream_may_be_resumed_and_openais_client_may_ask(
    client: Client, settings: Any, name: str
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    response = client.options(
        "/v1/chat/completions",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": name,
        },
    )
    assert name in response.headers["access-control-allow-headers"]
