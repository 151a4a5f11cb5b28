"""All of the admin over rows full of markup: it stays text, reading changes nothing, and nothing
can be done from another site.
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from django.contrib import admin as site
from django.contrib.admin import helpers
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.store import redis_client
from chat.generation.worker import WORKER_KEY_PREFIX, WORKERS_KEY
from tests.accounts.clients import user_make
from tests.security.admin_routes import routes
from tests.security.hostile import CODE, MARK, TAG, read, world_make
from tests.support.stores import rows

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(180)]

# Who reads is written down; and a session moves with its use.
MOVES = {"moderation_auditentry", "django_session"}
# Of each kind of page two are read, and one that is filtered; filters are not combined.
OF_A_KIND = {0: 2, 1: 1}
# None of them is opened by a spreadsheet, to which a text that begins with "=" is a command.
NO_TABLES = {"text/html", "text/javascript", "text/plain", "application/json"} | {
    "application/jsonl", "application/x-ndjson",
}  # fmt: skip
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")


@pytest.fixture
def mallory(tmp_path: Path) -> User:
    user = world_make(folder=tmp_path)
    state = {
        "running": [], "slots": 1, "model": TAG, "precision": TAG, "sha256": TAG, "host": TAG,
        "loading": TAG, "checkpoint_error": CODE,
    }  # fmt: skip
    redis_client().sadd(WORKERS_KEY, TAG)
    redis_client().set(WORKER_KEY_PREFIX + TAG, json.dumps(state))
    return user


@pytest.fixture
def root() -> User:
    return user_make("root", is_staff=True, is_superuser=True)


@pytest.fixture
def admin(root: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(root)
    return client


def kind_of(address: str) -> tuple[str, int]:
    """Addresses that differ in the row only, or in what is chosen, are of a kind; and how many of
    the kind are read.
    """
    parts = urlsplit(address)
    names = sorted({name for name, _ in parse_qsl(parts.query)})
    wanted = OF_A_KIND.get(len(names), 0) if address.startswith("/admin/") else 0
    return f"{ID.sub('N', parts.path)}?{','.join(names)}", wanted


def walk(client: Client) -> dict[str, Any]:
    """Every page that routes, links and forms lead to, read by GET."""
    ways = routes()
    lists = [way for name, way in ways.items() if name.endswith("_changelist")]
    ahead = [*ways.values(), *(f"{way}?q=pwned" for way in lists)]
    seen: dict[str, Any] = {}
    kinds: Counter[str] = Counter()
    while ahead:
        address = ahead.pop().partition("#")[0]
        kind, wanted = kind_of(address)
        if address in seen or kinds[kind] >= wanted:
            continue
        kinds[kind] += 1
        answer = seen[address] = client.get(address)
        assert answer.status_code < 500, (address, answer.content[-2000:])
        if target := answer.headers.get("Location"):
            ahead.append(urljoin(address, target))
        if "html" in answer.headers["Content-Type"]:
            page = read(answer.content.decode())
            ahead += [urljoin(address, way) for way in page.links | page.forms]
    return seen


def without_moves() -> dict[str, list[str]]:
    return {table: texts for table, texts in rows().items() if table not in MOVES}


def found_in(answer: Any) -> list[str]:
    is_page = "html" in answer.headers["Content-Type"]
    return read(answer.content.decode()).bad if is_page else []


@pytest.mark.usefixtures("mallory")
def test_what_people_wrote_is_text_on_every_page_and_reading_changes_nothing(
    admin: Client,
) -> None:
    before = without_moves()
    seen = walk(admin)
    assert without_moves() == before
    assert {address: bad for address, a in seen.items() if (bad := found_in(a))} == {}
    shown = [a for a in seen.values() if MARK in a.content.decode()]
    assert len(shown) > 20, "the rows were not shown at all"
    assert {a.headers.get("X-Frame-Options") for a in seen.values()} <= {"DENY"}
    assert {a.headers["Content-Type"].partition(";")[0] for a in seen.values()} <= NO_TABLES


def post_all(client: Client) -> dict[str, int]:
    """What each route answers to a form with the fields that would do something."""
    form = {"post": "yes", "act": "begin", "code": "1", "to": "x", "_save": "1", "next": "/admin/"}
    return {name: client.post(way, form).status_code for name, way in routes().items()}


@pytest.mark.usefixtures("mallory")
def test_no_form_works_without_its_secret(root: User) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(root)
    before = rows()
    codes = post_all(client)
    assert set(codes.values()) == {403}, {k: v for k, v in codes.items() if v != 403}
    for name, way in routes().items():
        if name.endswith("_changelist"):
            model = next(m for m in site.site._registry if name.startswith(label_of(m)))
            for action in actions_of(model, root):
                assert client.post(way, chosen(model, action)).status_code == 403
    assert rows() == before


def label_of(model: Any) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}_"


def actions_of(model: Any, user: User) -> list[str]:
    from django.test import RequestFactory

    request = RequestFactory().get("/admin/")
    request.user = user
    return list(site.site._registry[model].get_actions(request))


def chosen(model: Any, action: str) -> dict[str, Any]:
    pks = model._default_manager.exclude(pk=0).values_list("pk", flat=True)[:3]
    return {"action": action, helpers.ACTION_CHECKBOX_NAME: [str(pk) for pk in pks]}


def test_a_form_from_another_origin_is_refused_with_its_secret(root: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    page = client.get("/admin/second-factor/").content.decode()
    match = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert match is not None
    form = {"csrfmiddlewaretoken": match[1], "act": "begin"}
    for origin in ("https://evil.example", "null", "http://testserver.evil.example"):
        answer = client.post("/admin/second-factor/", form, headers={"Origin": origin})
        assert answer.status_code == 403, origin
    assert client.post("/admin/second-factor/", form).status_code == 302


@pytest.mark.usefixtures("mallory")
def test_what_is_told_after_each_action_is_text_too(admin: Client, root: User) -> None:
    """Also the pages that ask once more, and the files that some give: none is a table."""
    done = 0
    for model in list(site.site._registry):
        if model is User:
            continue
        way = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for action in actions_of(model, root):
            answer: Any = admin.post(way, chosen(model, action), follow=True)
            assert answer.status_code == 200, (way, action)
            assert answer.headers["Content-Type"].partition(";")[0] in NO_TABLES, (way, action)
            if answer.streaming:
                assert all(json.loads(line) for line in b"".join(answer).splitlines())
            else:
                assert found_in(answer) == [], (way, action)
            done += 1
    assert done >= 8


def test_the_walk_sees_what_is_not_escaped() -> None:
    for text in (
        TAG,
        CODE,
        '<a href="java\nscript:x">',
        "<p onclick=x>",
        "<a href=//evil.example>",
    ):
        assert read(f"<p title='{text}'>{text}</p>").bad
    assert not read("<p>&lt;img data-pwned onerror=x&gt;</p>").bad


def test_the_database_is_looked_at_as_a_whole(root: User) -> None:
    before = without_moves()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET settings = '{\"a\": 1}'")
    assert without_moves() != before
