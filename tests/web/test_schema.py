"""The description of the API: complete, valid, made from the code, readable without a network."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from chat import protocol
from chat.wire.schema import events_schema
from inference.engine.params import PARAM_NAMES
from tests.support.json_schema import EventsSchema

PREFIXES = ("api/", "v1/")
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    document: dict[str, Any] = Client().get("/api/schema").json()
    return document


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_schema_is_made_without_a_warning(tmp_path: str) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=f"{tmp_path}/schema.yml")


def test_schema_has_every_route_and_no_other(schema: dict[str, Any]) -> None:
    routes = {
        re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", f"/{route}"): methods
        for route, methods in routed(get_resolver().url_patterns)
        if route.startswith(PREFIXES)
    }
    described = {path: set(item) for path, item in schema["paths"].items()}
    assert described == routes


def routed(
    patterns: list[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, set[str]]]:
    """Every route with the methods that its view has."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routed(pattern.url_patterns, route)
        else:
            view = getattr(pattern.callback, "cls", None)
            yield route, {method for method in METHODS if hasattr(view, method)}


def test_schema_describes_every_operation(schema: dict[str, Any]) -> None:
    tags = {tag["name"]: tag["description"] for tag in schema["tags"]}
    for name, operation in operations(schema):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        assert set(operation["tags"]) <= set(tags), name
        for response in operation["responses"].values():
            assert "$ref" in response or response["description"], name


def test_schema_has_an_example_of_every_body(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema):
        for body in [operation.get("requestBody", {}), *operation["responses"].values()]:
            if "$ref" in body:
                body = schema["components"]["responses"][body["$ref"].rpartition("/")[2]]
            for media_type, content in body.get("content", {}).items():
                assert content.get("examples"), (name, media_type)


def test_examples_are_what_the_schema_says(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema):
        for body in [operation.get("requestBody", {}), *operation["responses"].values()]:
            for content in body.get("content", {}).values():
                rule = {**content["schema"], "components": schema["components"]}
                for example in content["examples"].values():
                    problems = Draft202012Validator(rule).iter_errors(example["value"])
                    assert [problem.message for problem in problems] == [], name


def test_schema_names_the_answers_that_every_route_has(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema):
        statuses = set(operation["responses"])
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= statuses, name
        if {} not in operation["security"] and {"refreshCookie": []} not in operation["security"]:
            assert {"401", "403"} <= statuses, name
        if "{" in name:
            assert "404" in statuses, name


def test_schema_knows_how_to_sign_in(schema: dict[str, Any]) -> None:
    schemes = schema["components"]["securitySchemes"]
    assert {name: scheme["type"] for name, scheme in schemes.items()} == {
        "bearer": "http",
        "apiKey": "http",
        "refreshCookie": "apiKey",
    }


@pytest.mark.parametrize("name", ["GuestChatInputRequest", "ChatInputRequest"])
def test_schema_describes_every_sampling_param(schema: dict[str, Any], name: str) -> None:
    properties = schema["components"]["schemas"][name]["properties"]
    assert set(properties["params"]["properties"]) == set(PARAM_NAMES)


def test_events_are_served_as_json_schema(client: Client) -> None:
    assert client.get("/api/schema/events").json() == events_schema()
    EventsSchema(events_schema()).check()


def test_events_have_every_client_message_with_a_valid_example() -> None:
    events = EventsSchema(events_schema())
    examples = events.examples("ClientMessage")
    assert {example["type"] for example in examples} == set(protocol.BY_TYPE)
    for example in examples:
        protocol.parse_message(json.dumps(example))
    for group in ("ClientMessage", "ServerMessage", "SseEvent"):
        for example in events.examples(group):
            assert events.errors(group, example) == [], example


def test_events_refuse_what_is_not_described() -> None:
    events = EventsSchema(events_schema())
    assert events.errors("ServerMessage", {"type": "pong", "more": 1})
    assert events.errors("ServerMessage", {"type": "error", "code": "unheard_of", "detail": "x"})
    assert events.errors("SseEvent", {"event": "token", "id": "1-0", "data": {}})
    assert events.errors("ClientMessage", {"type": "prompt", "text": "", "client_id": "c"})


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/"])
def test_docs_page_loads_nothing_from_elsewhere(client: Client, path: str) -> None:
    response = client.get(path, headers={"Accept": "text/html"})
    page = response.content.decode()
    assert response.status_code == 200
    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://" not in page
    assert "script-src 'self';" in response["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/api/nowhere", "/api/", "/api/conversations/x", "/v1/nowhere"])
def test_an_unknown_route_is_not_found_as_json(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/json"
    error = response.json()
    assert (error.get("error") or error)["code"] == "not_found"


@pytest.mark.parametrize("path", ["/api/health", "/api/docs"])
@pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND"])
def test_a_method_that_is_not_there_is_answered_as_json(
    client: Client, method: str, path: str
) -> None:
    response = client.generic(method, path)
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert response["Allow"] == "GET, HEAD, OPTIONS"


def test_docs_page_has_no_options(client: Client) -> None:
    response = client.options("/api/docs")
    assert (response.status_code, response["Content-Type"]) == (405, "application/json")
