"""The OpenAPI schema and its page."""

import pytest
from django.core.management import call_command
from django.test import Client

from inference.engine.params import PARAM_NAMES

PATHS = {
    "/api/health": {"get"},
    "/api/auth/register": {"post"},
    "/api/auth/login": {"post"},
    "/api/auth/refresh": {"post"},
    "/api/auth/logout": {"post"},
    "/api/auth/me": {"get"},
    "/api/auth/ws-ticket": {"post"},
    "/api/conversations": {"get", "post"},
    "/api/conversations/{conversation_id}": {"get", "patch", "delete"},
}


def test_schema_is_made_without_a_warning(tmp_path: str) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=f"{tmp_path}/schema.yml")


def test_schema_lists_every_route(client: Client) -> None:
    response = client.get("/api/schema")
    assert response.status_code == 200
    paths = response.json()["paths"]
    for path, methods in PATHS.items():
        assert methods <= set(paths[path]), path


@pytest.mark.parametrize("name", ["GuestChatInputRequest", "ChatInputRequest"])
def test_schema_describes_every_sampling_param(client: Client, name: str) -> None:
    schema = client.get("/api/schema").json()["components"]["schemas"][name]
    assert set(schema["properties"]["params"]["properties"]) == set(PARAM_NAMES)


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/"])
def test_docs_page_loads_nothing_from_elsewhere(client: Client, path: str) -> None:
    response = client.get(path, headers={"Accept": "text/html"})
    page = response.content.decode()
    assert response.status_code == 200
    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://" not in page
