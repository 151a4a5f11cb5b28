"""Every REST route and SSE stream, asked by everybody (`tests.matrix.routes`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver
from pytest_django.fixtures import Settings

from accounts.models import ApiKey, Session
from chat.models import Conversation, Generation
from tests.matrix.routes import ROUTES, Route
from tests.matrix.world import ACTORS, SECRET, World, world_make
from tests.web.test_schema import routed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tiny", "sent")]

METHODS = ("get", "post", "put", "patch", "delete")
VERBS = ("regenerate", "edit", "continue", "branch")
# Neither the API nor the admin: these have tests of their own.
OTHERS = {"", "livez"}
STREAMS = {
    "POST /api/chat",
    "POST /api/chat/guest",
    "GET /api/generations/{generation_id}/stream",
    *(f"POST /api/messages/{{message_id}}/{verb}" for verb in VERBS),
}
# Their answers are made in other threads, which see what is committed only.
COMMITTED = {*STREAMS, "GET /api/auth/me/export", "POST /v1/chat/completions"}


@pytest.fixture
def world(settings: Settings) -> World:
    settings.LIMITS_ENABLED = False
    return world_make()


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def described() -> dict[str, Any]:
    """ "METHOD path" of all operations."""
    paths = Client().get("/api/schema").json()["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, item in paths.items()
        for method, operation in item.items()
    }


def ask(world: World, name: str, actor: str, more: dict[str, Any] | None = None) -> Any:
    route = ROUTES[name]
    method, path = name.split()
    client = world.key_client(actor) if route.by_key else world.client(actor)
    data = {**route.body(world, actor), **(more or {})} if route.body else None
    options = {} if data is None else {"data": data, "format": "json"}
    address = path.format(**route.path(world, actor)) + route.query
    return getattr(client, method.lower())(address, **options)


def text_of(response: Any) -> str:
    """The body; of an endless stream nothing, as no worker writes any."""
    if not response.streaming:
        return str(response.content.decode())
    if response["Content-Type"].startswith("text/event-stream"):
        response.close()
        return ""
    return asyncio.run(_read(response)).decode()


async def _read(response: Any) -> bytes:
    return b"".join([chunk async for chunk in response])


def test_every_route_has_an_entry() -> None:
    assert set(described()) == set(ROUTES)


def test_every_url_is_in_the_schema_or_the_admin() -> None:
    rest = {
        route
        for route, _ in routed(get_resolver().url_patterns)
        if not route.startswith(("api/", "v1/", "admin/"))
    }
    assert rest == OTHERS


@pytest.mark.parametrize("name", [name for name in ROUTES if name not in COMMITTED])
def test_who_may_ask(world: World, name: str) -> None:
    found = {}
    for actor in ACTORS:
        with undone():
            found[actor] = answer(world, name, actor)
    assert found == dict(zip(ACTORS, ROUTES[name].statuses, strict=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("name", sorted(COMMITTED))
def test_who_may_ask_for_a_stream(world: World, name: str, actor: str) -> None:
    assert answer(world, name, actor) == ROUTES[name].statuses[ACTORS.index(actor)]


def answer(world: World, name: str, actor: str) -> int:
    """The status, after a look at what came with it."""
    response = ask(world, name, actor)
    status = int(response.status_code)
    is_stream = response.get("Content-Type", "").startswith("text/event-stream")
    assert is_stream == (name in STREAMS and status == 200), actor
    body = text_of(response)
    if actor != "owner" and not ROUTES[name].is_public:
        assert SECRET not in body, actor
    if status >= 400 and not name.endswith("/api/health"):
        assert '"code"' in body, actor
    return status


def _owned(route: Route) -> bool:
    return route.statuses[1] == 404


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if _owned(route)])
def test_what_is_not_there_answers_as_what_is_not_mine(world: World, name: str) -> None:
    """Else the answer would tell which ids exist."""
    foreign = ask(world, name, "other")
    Conversation.objects.all().delete()
    Generation.objects.all().delete()
    Session.objects.filter(pk=world.session.pk).delete()
    ApiKey.objects.filter(pk=world.key.pk).delete()
    missing = ask(world, name, "other")
    assert (missing.status_code, missing.json()) == (foreign.status_code, foreign.json())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.body])
def test_a_field_that_is_not_known_is_refused(world: World, name: str) -> None:
    response = ask(world, name, "owner", {"is_superuser": True})
    assert response.status_code == 400
    if not name.startswith("POST /v1/"):
        assert response.json()["code"] == "invalid"
        assert "is_superuser" in response.json()["fields"]


@pytest.mark.django_db(transaction=True)
def test_other_verbs_are_refused(world: World) -> None:
    operations = described()
    for path in {name.split()[1] for name in operations}:
        name = next(name for name in operations if name.endswith(f" {path}"))
        route = ROUTES[name]
        client = world.key_client("owner") if route.by_key else world.client("owner")
        address = path.format(**route.path(world, "owner"))
        for method in METHODS:
            if f"{method.upper()} {path}" not in operations:
                assert getattr(client, method)(address).status_code == 405, (method, path)


@pytest.mark.django_db(transaction=True)
def test_a_refused_request_changes_nothing(world: World) -> None:
    """Whoever is not the owner asks for everything; the owner's rows are as they were."""
    before = _rows(world)
    for name in ROUTES:
        for actor in ("anonymous", "other", "suspended", "moderator"):
            text_of(ask(world, name, actor))
            if name.startswith(
                ("DELETE /api/auth/me", "POST /api/auth/log", "POST /api/auth/pass")
            ):
                break  # as nobody in particular: else the next ones would be signed out
    assert _rows(world) == before


def _rows(world: World) -> dict[str, Any]:
    """All that is the owner's, as the owner's own file has it, and what runs."""
    text = text_of(ask(world, "GET /api/auth/me/export", "owner"))
    world.waiting.refresh_from_db()
    kept = [line for line in text.splitlines() if "exported_at" not in line]
    return {"file": kept, "waiting": world.waiting.status}
