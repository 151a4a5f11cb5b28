"""Somebody with an account in a browser test: their window, and the API in their name."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support.answers import letters
from tests.support.journeys import PASSWORD, Visitor


class Member:
    """Somebody with an account: their window, and the API in their name."""

    def __init__(self, window: Visitor, base_url: str, name: str, api: httpx.Client) -> None:
        self.window = window
        self.base_url = base_url
        self.name = name
        self.api = api

    def conversation(self, number: int | None = None) -> dict[str, Any]:
        """A conversation as stored, by default the newest."""
        if number is None:
            number = self.conversations()[0]["id"]
        answer = self.api.get(f"/api/conversations/{number}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def conversations(self) -> list[dict[str, Any]]:
        """The list, newest first."""
        answer = self.api.get("/api/conversations")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def keep(self, *turns: str) -> int:
        """Store a conversation of these turns, question first; returns its id."""
        roles = ("user", "assistant")
        body = {"turns": [{"role": roles[at % 2], "content": it} for at, it in enumerate(turns)]}
        answer = self.api.post("/api/conversations/keep", json=body)
        assert answer.status_code == 201, answer.text
        number: int = answer.json()["id"]
        return number

    def last_text(self) -> str:
        """The letters of the stored answer that the newest conversation ends with, as shown."""
        found = self.conversation()
        [content] = [it["content"] for it in found["messages"] if it["id"] == found["head"]]
        return letters(content)


def new_name() -> str:
    """A name that nobody has."""
    return f"ana_{uuid.uuid4().hex[:8]}"


@contextmanager
def log_in(base_url: str, name: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
    """The API in the name of somebody who has signed up on the page."""
    with httpx.Client(base_url=base_url, timeout=60) as api:
        answer = api.post("/api/auth/login", json={"username": name, "password": password})
        assert answer.status_code == 200, answer.text
        api.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield api


def new_member(window: Visitor, base_url: str, *, sampling: dict[str, Any] | None = None) -> Member:
    """Sign somebody up over the API and give their window the cookie, ready to open any page."""
    name = new_name()
    body = {"username": name, "password": PASSWORD}
    answer = window.context.request.post(f"{base_url}/api/auth/register", data=body)
    assert answer.status == 201, answer.text()
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    api = httpx.Client(base_url=base_url, headers=headers, timeout=60)
    window.context.on("close", lambda _: api.close())
    member = Member(window, base_url, name, api)
    if sampling is not None:
        settings = member.api.patch("/api/auth/me", json={"settings": {"sampling": sampling}})
        assert settings.status_code == 200, settings.text
    # What the page itself notes at a sign-in.
    window.page.goto(f"{base_url}/api/health")
    window.page.evaluate("localStorage.setItem('eugpt.member', '1')")
    return member
