"""Markup in every field, in a real browser: nothing of it becomes an element, runs or calls."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Dialog, Page, expect

from deploy.local.paths import ROOT
from tests.accounts.clients import PASSWORD
from tests.security.hostile import (
    CODE,
    LINKS_LEFT,
    MARK,
    TAG,
    TITLE,
    Canary,
    canary_running,
    markdown,
)  # fmt: skip
from tests.security.test_admin_walk import kind_of
from tests.support.journeys import NewVisitor, Visitor
from tests.support.members import Member, new_member
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]

# Elements that came of markup, and links that would run something.
FOUND = """() => [
  ...[...document.querySelectorAll("*")].filter((one) => one.hasAttribute("data-pwned")
    || [...one.attributes].some(({name, value}) => name.startsWith("on") || name === "srcdoc"
      || (/^(href|src|action|formaction|xlink:href)$/.test(name)
        && /^[\\s\\x00-\\x1f]*(javascript|vbscript|data:text|file|blob)/i.test(value)))
  ).map((one) => one.outerHTML.slice(0, 200)),
  ...("__pwned" in window ? ["window.__pwned is set"] : []),
]"""
WIDE = "() => document.documentElement.scrollWidth - innerWidth"
ADMIN_PAGES_MAX = 22


@pytest.fixture
def canary() -> Iterator[Canary]:
    with canary_running() as canary:
        yield canary


def watch(window: Visitor) -> list[str]:
    """Dialogs that open, which nobody here asks for."""
    opened: list[str] = []

    def refuse(dialog: Dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    window.page.on("dialog", refuse)
    return opened


def assert_harmless(page: Page) -> None:
    assert page.evaluate(FOUND) == [], page.url


def import_hostile(member: Member, canary: Canary) -> int:
    """A conversation full of it, as a file brings it."""
    now = "2026-01-01T00:00:00Z"
    generation = {"model": TAG, "status": "completed", "finish_reason": "stop"}
    message = {"created_at": now, "content": markdown(canary.url)}
    body = {
        "format": "eugpt.conversation",
        "version": 1,
        "conversation": {
            "uuid": "6f1f62c1-5b0c-4d0e-9d3c-0a8f6d9f3c11", "title": TITLE, "head": 2,
            "created_at": now, "updated_at": now,
        },
        "messages": [
            {**message, "id": 1, "parent": None, "role": "user"},
            {**message, "id": 2, "parent": 1, "role": "assistant", "generation": generation},
        ],
    }  # fmt: skip
    answer = member.api.post("/api/conversations/import", json=body)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_the_page_shows_markup_as_text(
    visitor: NewVisitor, stack: Stack, canary: Canary, device: str
) -> None:
    window = visitor(device)
    opened = watch(window)
    member = new_member(window, stack.base_url)
    number = import_hostile(member, canary)
    key = member.api.post("/api/keys", json={"name": TAG})
    assert key.status_code == 201, key.text
    reply = member.conversation(number)["head"]
    said = {"rating": "down", "comment": CODE}
    assert member.api.put(f"/api/messages/{reply}/feedback", json=said).status_code == 200
    slug = member.api.post(f"/api/conversations/{number}/share", json={}).json()["slug"]
    page = window.page

    page.goto(f"{stack.base_url}/?c={number}")
    answer = page.get_by_test_id("markdown").last
    expect(answer).to_contain_text("<script data-pwned>window.__pwned=1</script>")
    expect(page.get_by_test_id("message-user").first).to_contain_text("<svg data-pwned onload=")
    assert_harmless(page)
    links = answer.locator("a").evaluate_all("all => all.map((one) => one.href)")
    assert {urlsplit(link).path for link in links} == LINKS_LEFT
    assert all(link.startswith(canary.url) for link in links)
    assert answer.locator("img, svg image, iframe, object, style").count() == 0
    assert page.evaluate(WIDE) <= 0
    assert TITLE[:20] in page.title() + page.inner_text("body")

    # The newest message, as it is typed, kept and shown again.
    window.expect_finished(window.ask(TAG))
    assert_harmless(page)
    page.reload()
    expect(page.get_by_test_id("message-user").last).to_contain_text(TAG)
    assert_harmless(page)

    for path in ("/settings/?tab=keys", "/settings/?tab=sessions", f"/shared/?s={slug}"):
        page.goto(stack.base_url + path, wait_until="networkidle")
        assert_harmless(page)
        assert page.evaluate(WIDE) <= 0, path
    expect(page.get_by_test_id("shared")).to_contain_text("<script data-pwned>")
    assert (canary.calls, opened) == ([], [])


def test_addresses_of_the_page_run_nothing(
    visitor: NewVisitor, stack: Stack, canary: Canary
) -> None:
    window = visitor()
    window.expects(r"status of (400|404|401)")
    opened = watch(window)
    page = window.page
    markup = "%3Cimg%20data-pwned%20src=x%20onerror=__pwned=1%3E"
    for path in (
        f"/?c={markup}", f"/?q={markup}", f"/shared/?s={markup}", f"/settings/?tab={markup}",
        f"/verify/#token={markup}", f"/reset/#token={markup}", f"/login/?next={markup}",
        "/login/?next=javascript:__pwned=1", f"/{markup}", f"/nowhere/#{markup}",
    ):  # fmt: skip
        page.goto(stack.base_url + path)
        expect(page.locator("main, h1").first).to_be_visible()
        assert_harmless(page)
        assert page.url.startswith(stack.base_url)
    assert (canary.calls, opened) == ([], [])


def test_signing_in_leads_nowhere_else(visitor: NewVisitor, stack: Stack, canary: Canary) -> None:
    window = visitor()
    window.expects(r"status of 401")
    name = new_member(visitor(), stack.base_url).name
    page = window.page
    for target in ("javascript:__pwned=1", f"//{urlsplit(canary.url).netloc}/x"):
        window.context.clear_cookies()
        page.goto(f"{stack.base_url}/login/?next={target}")
        page.evaluate("localStorage.clear()")
        page.reload()
        page.get_by_test_id("auth-username").fill(name)
        page.get_by_test_id("auth-password").fill("correct horse battery")
        page.get_by_test_id("auth-submit").click()
        window.expect_signed_in(name)
        assert page.url.startswith(f"{stack.base_url}/")
        assert_harmless(page)
    assert canary.calls == []


SEED = """
from pathlib import Path
from tests.accounts.clients import user_make
from tests.security.hostile import world_make
from chat.models import Conversation
user = world_make("mallory", folder=Path({folder!r}))
Conversation.objects.filter(user=user).update(title={title!r})
user_make("thestaff", is_staff=True, is_superuser=True)
"""


def seed(stack: Stack, folder: Path) -> None:
    """Straight into the stack's database: much of it gets past no form."""
    code = SEED.format(folder=str(folder), title=TITLE)
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=ROOT,
        env=os.environ | stack.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_staffs_pages_show_markup_as_text(
    visitor: NewVisitor, stack: Stack, canary: Canary, tmp_path: Path
) -> None:
    """All kinds of pages that links lead to, as an administrator sees them."""
    seed(stack, tmp_path)
    window = visitor()
    # Addresses that only a form may call, and a page of a route without its row.
    window.expects(r"status of (403|404|405)")
    opened = watch(window)
    page = window.page
    page.goto(f"{stack.base_url}/admin/login/")
    page.fill("#id_username", "thestaff")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/")
    ahead, seen, shown = ["/admin/"], set[str](), 0
    kinds: Counter[str] = Counter()
    while ahead and len(seen) < ADMIN_PAGES_MAX:
        address = ahead.pop(0)
        kind, wanted = kind_of(address)
        if address in seen or kinds[kind] >= min(wanted, 1) or "logout" in address:
            continue
        kinds[kind] += 1
        seen.add(address)
        page.goto(stack.base_url + address)
        assert_harmless(page)
        shown += MARK in page.inner_text("body")
        links = page.locator("a[href]").evaluate_all("all => all.map((one) => one.href)")
        ahead += sorted(
            {one.removeprefix(stack.base_url).partition("#")[0] for one in links} - seen,
            key=lambda one: "?" in one,
        )
    assert shown >= 8, (shown, sorted(seen))
    assert (canary.calls, opened) == ([], [])
