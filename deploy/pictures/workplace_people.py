"""For the pictures of the workplace: people, real chats with the model, and what the staff did.

All of it goes the ways that users and staff go; only the times are moved afterwards, over the two
weeks that the dashboard shows: nobody waits so long for a picture.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg

from deploy.local.errors import SetupError
from deploy.local.fresh import Installation
from deploy.local.paths import ROOT

STAFF = "eva_admin"
PASSWORD = "correct horse battery"
PEOPLE: dict[str, tuple[str, ...]] = {
    "mara": ("hi, how are you?", "what do you like to eat?", "do you like music?"),
    "jonas_w": ("hello", "what is the capital of Italy?", "and of France?"),
    "lea": ("I have a dog named Bruno.", "what is my dog's name?", "thank you!"),
    "tom_b": ("tell me a joke", "another one please"),
    "noor": ("good morning", "what shall I cook today?", "I like rice"),
    "pavel": ("what is your favourite colour?", "why?"),
    "ines": ("do you like to travel?", "where would you go?"),
    "sam_k": ("hello there", "cheap watches, look here", "good evening"),
}
SHARED_BY, SUSPENDED = "mara", "sam_k"
ROUNDS = 3
# name: (number of the answer, reason, comment)
REPORTS = {
    "jonas_w": (1, "wrong", "I do not think that this is right."),
    "pavel": (1, "other", "This does not answer my question."),
    "tom_b": (0, "other", "I asked for a joke."),
}
RATINGS = {"mara": "up", "lea": "up", "noor": "down", "ines": "up"}
# More of them each day; what belongs together stays together.
_SPREAD = """
CREATE TEMPORARY TABLE moved AS
  SELECT id, power(random(), 2) * interval '13 days' AS back FROM chat_conversation;
UPDATE chat_conversation c SET created_at = created_at - back, updated_at = updated_at - back
  FROM moved m WHERE m.id = c.id;
UPDATE chat_message g SET created_at = created_at - back FROM moved m WHERE m.id = conversation_id;
UPDATE chat_generation g SET queued_at = queued_at - back, started_at = started_at - back,
  first_token_at = first_token_at - back, finished_at = finished_at - back
  FROM (
    SELECT g.id, coalesce(m.back, power(random(), 2) * interval '13 days') AS back
    FROM chat_generation g LEFT JOIN moved m ON m.id = g.conversation_id
  ) m WHERE m.id = g.id;
UPDATE accounts_user SET date_joined = date_joined - (random() * interval '13 days');
UPDATE chat_report SET created_at = created_at - (random() * interval '5 hours')
"""


def people_come(installation: Installation) -> None:
    """Accounts, chats, ratings, reports, a rule and a suspension; then the staff's own acts."""
    _make_admin(installation)
    _add_rule(installation.url)
    with ThreadPoolExecutor(4) as pool:
        for made in [pool.submit(_live, installation.url, name) for name in PEOPLE]:
            made.result()
    with psycopg.connect(installation.env["DATABASE_URL"]) as connection:
        connection.execute(_SPREAD)
    _work(installation.url)


def _make_admin(installation: Installation) -> None:
    command = [sys.executable, "manage.py", "create_admin", STAFF]
    env = {**os.environ, **installation.env, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"create_admin: {done.stderr}")


def _live(url: str, name: str) -> None:
    """One member: a few chats, some also as a guest; what they think of the answers."""
    with httpx.Client(base_url=url, timeout=120) as api:
        made = api.post("/api/auth/register", json={"username": name, "password": PASSWORD})
        api.headers["Authorization"] = f"Bearer {_ok(made).json()['token']}"
        for _ in range(ROUNDS):
            conversation = _chat(api, PEOPLE[name])
            for question in PEOPLE[name]:
                _ok(api.post("/api/chat/guest", json={"message": question}))
        messages = _ok(api.get(f"/api/conversations/{conversation}")).json()["messages"]
        answers = [it["id"] for it in messages if it["role"] == "assistant"]
        if name in REPORTS:
            number, reason, comment = REPORTS[name]
            body = {"reason": reason, "comment": comment}
            _ok(api.post(f"/api/messages/{answers[number]}/report", json=body))
        if name in RATINGS:
            rating = {"rating": RATINGS[name], "comment": ""}
            _ok(api.put(f"/api/messages/{answers[-1]}/feedback", json=rating))
            _ok(api.patch("/api/auth/me", json={"may_train": name != "noor"}))
        if name == SHARED_BY:
            _ok(api.post(f"/api/conversations/{conversation}/share", json={}))


def _chat(api: httpx.Client, questions: tuple[str, ...]) -> int:
    """A new conversation of these questions; its id."""
    body: dict[str, object] = {}
    for question in questions:
        answer = _ok(api.post("/api/chat", json={**body, "message": question}))
        body = {"conversation_id": int(answer.headers["X-Conversation-Id"])}
    return int(answer.headers["X-Conversation-Id"])


def _add_rule(url: str) -> None:
    with sign_in(url) as admin:
        rule = {
            "name": "Advertising", "category": "other", "kind": "phrase",
            "text": "cheap watches\nbest watches", "applies_to": "prompts", "action": "flag",
            "is_enabled": "on",
        }  # fmt: skip
        _post(admin, "chat/safetyrule/add/", rule)


def _work(url: str) -> None:
    """What somebody of the staff does on a morning, through the pages of the admin."""
    with sign_in(url) as admin:
        user = _first(admin, f"accounts/user/?q={SUSPENDED}")
        suspension = {
            "ids": user.rsplit("/", 1)[1], "length": "week", "until": "",
            "reason": "Advertising in every message.",
        }  # fmt: skip
        _post(admin, "accounts/user/suspend/", suspension)
        chat = _first(admin, f"chat/conversation/?q={SUSPENDED}")
        _ok(admin.get(f"{chat}/change/"))
        _post(admin, f"{chat}/do/hide/", {})
        flagged = _first(admin, "chat/report/?q=watches")
        _post(admin, f"{flagged}/decide/", {"do": "acted", "note": "The account is suspended."})
        feedback = {"action": "export", "_selected_action": _first(admin, "chat/feedback/")[14:]}
        _post(admin, "chat/feedback/", feedback)


@contextmanager
def sign_in(url: str) -> Iterator[httpx.Client]:
    """The admin's pages in the name of its staff."""
    address = f"{url}/admin/"
    with httpx.Client(base_url=address, timeout=30, follow_redirects=True) as admin:
        _ok(admin.get("login/"))
        _post(admin, "login/", {"username": STAFF, "password": PASSWORD, "next": "/admin/"})
        yield admin


def _first(admin: httpx.Client, path: str) -> str:
    """Of a list's first row, where it stands: "chat/report/3"."""
    name = path.partition("?")[0]
    found = re.search(rf"/admin/({name}\d+)/change/", _ok(admin.get(path)).text)
    if found is None:
        raise SetupError(f"There is nothing at {path}.")
    return found[1]


def _post(admin: httpx.Client, path: str, fields: dict[str, str]) -> None:
    _ok(admin.post(path, data=fields, headers={"X-CSRFToken": admin.cookies["csrftoken"]}))


def _ok(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        raise SetupError(f"{answer.request.url}: {answer.status_code} {answer.text[:300]}")
    return answer
