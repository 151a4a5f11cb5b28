"""An operator at work: another model is served, a reply is stopped and written anew; and who of
the staff may not see what."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.answers import CRAWL, LONG_ANSWERS, ask_for_long, ask_for_text, expect_over
from tests.support.journeys import NewVisitor, fail_with
from tests.support.members import Member, new_member
from tests.support.stack import MODEL, Stack, manage
from tests.support.staff import Staff, new_staff
from tests.support.tiny_model import build_tiny_checkpoint

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("built_front_end"),
]
OTHER = "eugpt-elsewhere"
SWAP_MS = 90_000
OPERATORS = ("chat/generation/", "inference/checkpoint/", "workers/")
MODERATORS = ("chat/report/", "accounts/user/", "chat/conversation/", "chat/safetyrule/")
ADMINS = ("moderation/auditentry/", "staff/")


@pytest.mark.long
def test_another_model_is_served_and_no_reply_notices(
    visitor: NewVisitor, stack: Stack, tmp_path: Path
) -> None:
    folder = build_tiny_checkpoint(tmp_path / OTHER, seed=3)
    manage(stack.env, "load_checkpoint", str(folder), "--no-activate")
    window = visitor()
    member = new_member(window, stack.base_url, sampling=LONG_ANSWERS)
    window.page.goto(stack.base_url)
    operator = new_staff(visitor(), stack, "operator")
    operator.open("Checkpoints")
    operator.page.get_by_role("link", name=OTHER).click()
    operator.page.get_by_test_id("activate").click()
    with stack.slow_worker(**CRAWL):
        running = ask_for_long(window)
        operator.page.get_by_test_id("confirm").click()
        operator.said(f"{OTHER} is active.")
        expect(running).to_have_attribute("aria-busy", "true")
    expect_over(running)
    expect(running).to_have_attribute("data-status", "completed")
    expect_served(operator.page, OTHER)
    assert model_of_last(member) == MODEL
    ask_for_text(window, "and who are you now?")
    assert model_of_last(member) == OTHER
    fail_with(operator.window.axe())

    operator.page.get_by_test_id("rollback").click()
    operator.page.get_by_test_id("confirm").click()
    expect_served(operator.page, MODEL)
    ask_for_text(window, "and now?")
    assert model_of_last(member) == MODEL


def expect_served(page: Page, model: str) -> None:
    expect(page.get_by_test_id("progress")).to_have_text(f"1 of 1 serve {model}", timeout=SWAP_MS)


def model_of_last(member: Member) -> str:
    number = member.conversations()[0]["id"]
    generation = member.conversation(number)["messages"][-1]["generation"]
    model: str = generation["model"]
    return model


@pytest.mark.long
def test_a_reply_is_stopped_and_written_anew(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    member = new_member(window, stack.base_url, sampling=LONG_ANSWERS)
    window.page.goto(stack.base_url)
    operator = new_staff(visitor(), stack, "operator")
    page = operator.page
    with stack.slow_worker(**CRAWL):
        reply = ask_for_long(window)
        open_newest(operator, member)
        page.get_by_role("button", name="Stop").click()
        operator.said("Asked to stop.")
        expect_over(reply)
    expect(reply).to_have_attribute("data-status", "cancelled")
    page.reload()
    page.get_by_role("button", name="Queue anew").click()
    operator.said("Queued anew.")
    fail_with(operator.window.axe())
    window.page.reload()
    again = window.page.get_by_test_id("message-assistant").last
    expect_over(again)
    expect(again).to_have_attribute("data-status", "completed")


def open_newest(operator: Staff, member: Member) -> None:
    operator.open("Generations")
    operator.rows().filter(has_text=member.name).first.get_by_role("link").first.click()
    expect(operator.page.get_by_role("button", name="Stop")).to_be_visible()


@pytest.mark.long
def test_only_what_was_consented_to_is_exported(visitor: NewVisitor, stack: Stack) -> None:
    window = visitor()
    willing, other = (new_member(visitor(), stack.base_url) for _ in range(2))
    assert willing.api.patch("/api/auth/me", json={"may_train": True}).status_code == 200
    for member in (willing, other):
        number = member.keep(f"I am {member.name}, hello", "Hello, nice to meet you")
        message = member.conversation(number)["messages"][-1]["id"]
        answer = member.api.put(
            f"/api/messages/{message}/feedback", json={"rating": "up", "comment": "kind"}
        )
        assert answer.status_code in (200, 201), answer.text

    admin = new_staff(window, stack, "admin")
    admin.open("Feedback")
    admin.page.locator("#action-toggle").check()
    admin.page.locator("select[name=action]").select_option("export")
    with admin.page.expect_download() as waiting:
        admin.page.get_by_role("button", name="Go").click()
    assert waiting.value.suggested_filename == "feedback.jsonl"
    lines = waiting.value.path().read_text(encoding="utf-8").splitlines()
    turns = [json.loads(line)["turns"] for line in lines]
    hello = [it for it in turns if "hello" in it[0]["content"]]
    assert len(hello) == 1, lines
    assert hello[0][1]["content"] == "Hello, nice to meet you"
    text = "".join(lines)
    assert willing.name not in text
    assert other.name not in text


@pytest.mark.parametrize(
    ("role", "own", "others"),
    [
        ("moderator", MODERATORS, OPERATORS + ADMINS),
        ("operator", OPERATORS, MODERATORS + ADMINS),
    ],
)
def test_staff_see_the_pages_of_their_role_only(
    visitor: NewVisitor, stack: Stack, role: str, own: tuple[str, ...], others: tuple[str, ...]
) -> None:
    window = visitor("phone" if role == "operator" else "desktop")
    window.expects(r"status of 403")
    staff = new_staff(window, stack, role)
    links = staff.page.locator(".nav a")
    for path in own:
        staff.go(path)
        expect(links.locator(f'xpath=self::*[@href="/admin/{path}"]').first).to_be_attached()
    for path in others:
        answer = staff.page.goto(staff.url + path)
        assert answer is not None
        assert answer.status == 403, path
        expect(staff.page.get_by_role("heading", level=1)).to_have_text("Not for your role")
        expect(links.locator(f'xpath=self::*[@href="/admin/{path}"]')).to_have_count(0)
    fail_with(window.axe())
    staff.page.get_by_role("link", name="To the dashboard").click()
    expect(staff.page.get_by_role("heading", level=1)).to_have_text("Dashboard")
