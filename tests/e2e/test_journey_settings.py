"""Settings that do what they say: look, answers, sessions, password, keys, the account's end."""

import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.answers import expect_over
from tests.support.journeys import PASSWORD, NewVisitor, fail_with
from tests.support.members import Member, new_member
from tests.support.stack import MODEL, Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.long,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
INK = "getComputedStyle(document.body).color"
NEW_PASSWORD = "staple battery horse"


@pytest.fixture
def member(visitor: NewVisitor, stack: Stack) -> Member:
    return new_member(visitor(), stack.base_url)


def open_tab(member: Member, tab: str) -> Page:
    page = member.window.page
    page.goto(f"{member.base_url}/settings/?tab={tab}")
    return page


def press_thumb(page: Page, knob: str, key: str) -> Locator:
    thumb = page.get_by_test_id(f"knob-{knob}").get_by_role("slider")
    thumb.focus()
    page.keyboard.press(key)
    return thumb


def test_theme_and_motion_are_kept(member: Member, stack: Stack) -> None:
    page = open_tab(member, "look")
    light = page.evaluate(INK)
    page.get_by_test_id("theme-dark").check(force=True)
    page.get_by_test_id("motion-full").check(force=True)
    fail_with(member.window.axe())
    for path in ("/settings/?tab=look", "/"):
        page.goto(stack.base_url + path)
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert page.evaluate(INK) != light
    open_tab(member, "look")
    expect(page.get_by_test_id("theme-dark")).to_be_checked()
    expect(page.get_by_test_id("motion-full")).to_be_checked()
    fail_with(member.window.axe())


def test_sampling_defaults_are_those_of_the_next_answer(member: Member, stack: Stack) -> None:
    page = open_tab(member, "answers")
    press_thumb(page, "temperature", "Home")
    expect(page.get_by_test_id("sampling-status")).to_have_text("Saved.")
    press_thumb(page, "max_tokens", "Home")
    expect(page.get_by_test_id("sampling-status")).to_have_text("Saved.")
    fail_with(member.window.axe())
    page.get_by_test_id("back-to-chat").click()
    expect_over(member.window.ask("short and certain"))
    params = member.conversation()["messages"][-1]["generation"]["params"]
    assert (params["temperature"], params["max_tokens"]) == (0, 10)
    open_tab(member, "answers")
    page.get_by_test_id("sampling-reset").click()
    expect(page.get_by_test_id("sampling-status")).to_have_text("Saved.")
    assert member.api.get("/api/auth/me").json()["settings"].get("sampling", {}) == {}


def test_ending_a_session_puts_the_other_device_out(
    member: Member, visitor: NewVisitor, stack: Stack
) -> None:
    other = visitor("phone")
    other.expects(r"status of 401")
    body = {"username": member.name, "password": PASSWORD}
    answer = other.context.request.post(f"{stack.base_url}/api/auth/login", data=body)
    assert answer.status == 200
    other.page.goto(f"{stack.base_url}/api/health")
    other.page.evaluate("localStorage.setItem('eugpt.member', '1')")
    other.page.goto(stack.base_url)
    other.expect_signed_in(member.name)
    page = open_tab(member, "sessions")
    expect(page.get_by_test_id("end-session")).to_have_count(1)
    fail_with(member.window.axe())
    page.get_by_test_id("end-session").click()
    expect(page.get_by_test_id("end-session")).to_have_count(0)
    expect(other.page.get_by_test_id("banner")).to_contain_text("signed out")
    expect(other.page.get_by_test_id("sign-in")).to_be_visible()
    fail_with(other.axe())
    page.reload()
    expect(page.get_by_test_id("sessions")).to_contain_text("This device")


def test_a_new_password_is_asked_from_then_on(member: Member, stack: Stack) -> None:
    window = member.window
    window.expects(r"status of 403")
    page = open_tab(member, "password")
    page.get_by_test_id("password-old").fill("not my password")
    page.get_by_test_id("password-new").fill(NEW_PASSWORD)
    page.get_by_test_id("password-save").click()
    expect(page.get_by_text("This is not your password")).to_be_visible()
    fail_with(window.axe())
    page.get_by_test_id("password-old").fill(PASSWORD)
    page.get_by_test_id("password-save").click()
    expect(page.get_by_test_id("toast")).to_contain_text("Your password is changed")
    statuses = [
        httpx.post(
            f"{stack.base_url}/api/auth/login", json={"username": member.name, "password": word}
        ).status_code
        for word in (PASSWORD, NEW_PASSWORD)
    ]
    assert statuses == [401, 200]
    page.reload()
    expect(page.get_by_test_id("password-old")).to_be_visible()


def test_a_key_is_shown_once_and_works_until_revoked(member: Member, stack: Stack) -> None:
    window = member.window
    page = open_tab(member, "keys")
    page.get_by_test_id("key-name").fill("my notebook")
    page.get_by_test_id("key-create").click()
    secret = page.get_by_test_id("new-key-secret").inner_text().strip()
    fail_with(window.axe())
    headers = {"Authorization": f"Bearer {secret}"}
    models = httpx.get(f"{stack.base_url}/v1/models", headers=headers)
    assert [model["id"] for model in models.json()["data"]] == [MODEL]
    page.get_by_test_id("new-key-done").click()
    expect(page.get_by_test_id("keys")).to_contain_text("my notebook")
    page.reload()
    expect(page.get_by_test_id("keys")).to_contain_text("my notebook")
    assert secret not in page.content()
    fail_with(window.axe())
    page.get_by_test_id("key-revoke").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_text("my notebook")).to_have_count(0)
    assert httpx.get(f"{stack.base_url}/v1/models", headers=headers).status_code == 401


def test_everything_is_downloaded_and_then_deleted(
    member: Member, stack: Stack, tmp_path: Path
) -> None:
    window = member.window
    window.expects(r"status of (401|403)")
    member.keep("a thing I said", "a thing it said")
    page = open_tab(member, "data")
    fail_with(window.axe())
    with page.expect_download() as download:
        page.get_by_test_id("export-account").click()
    file = tmp_path / "export.json"
    download.value.save_as(file)
    assert "a thing it said" in json.dumps(json.loads(file.read_text()))

    page.get_by_test_id("delete-account").click()
    page.get_by_test_id("delete-confirmation").fill(member.name)
    page.get_by_test_id("delete-password").fill("not my password")
    page.get_by_test_id("delete-account-confirm").click()
    expect(page.get_by_text("This is not your password")).to_be_visible()
    fail_with(window.axe())
    page.get_by_test_id("delete-password").fill(PASSWORD)
    page.get_by_test_id("delete-account-confirm").click()
    expect(page.get_by_test_id("toast")).to_contain_text("deleted")
    expect(page.get_by_test_id("sign-in")).to_be_visible()
    fail_with(window.axe())
    body = {"username": member.name, "password": PASSWORD}
    assert httpx.post(f"{stack.base_url}/api/auth/login", json=body).status_code == 401
