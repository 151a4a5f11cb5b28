"""An e-mail address is added and confirmed through its mail, and brings back a lost password."""

import re
import time
import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.support.journeys import PASSWORD, NewVisitor, Visitor, fail_with
from tests.support.stack import Stack

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.journey,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("built_front_end"),
]
NEW_PASSWORD = "staple wrong donkey"
MAIL_WITHIN_S = 60


class Mailbox:
    """What the console backend has printed into the log of the process that sends mails."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._start = len(stack.log("jobs"))

    def link(self, kind: str) -> str:
        """The address in the next mail of that kind, on this stack."""
        pattern = re.compile(rf"/{kind}/#token=(\S+)")
        deadline = time.monotonic() + MAIL_WITHIN_S
        while time.monotonic() < deadline:
            if found := pattern.search(self._stack.log("jobs"), self._start):
                self._start = found.end()
                return f"{self._stack.base_url}/{kind}/#token={found[1]}"
            time.sleep(0.2)
        pytest.fail(f"no mail with a link to /{kind}/\n{self._stack.log('jobs')[self._start :]}")


def open_link(window: Visitor, link: str, button: str) -> Page:
    """A mail's link in a new tab; its token must be gone from the address and stay on the page."""
    asked: list[str] = []
    page = window.context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(link)
    expect(page.get_by_test_id(button)).to_be_visible()
    expect(page).to_have_url(link.partition("#")[0])
    token = link.partition("token=")[2]
    assert not [url for url in asked if token in url]
    assert token not in page.evaluate("JSON.stringify([{...localStorage}, history.state])")
    return page


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_test_id("auth-username").fill(name)
    page.get_by_test_id("auth-password").fill(password)
    page.get_by_test_id("auth-submit").click()


def add_email(window: Visitor, stack: Stack, email: str) -> None:
    page = window.page
    page.goto(f"{stack.base_url}/settings/?tab=profile")
    page.get_by_test_id("email-new").fill(email)
    page.get_by_test_id("email-password").fill("not my password")
    page.get_by_test_id("email-save").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    page.get_by_test_id("email-password").fill(PASSWORD)
    page.get_by_test_id("email-save").click()
    expect(page.get_by_test_id("email-pending")).to_contain_text(email)
    fail_with(window.axe())


def test_an_address_is_confirmed_and_saves_a_lost_password(
    visitor: NewVisitor, stack: Stack
) -> None:
    window, other = visitor(), visitor("phone", "dark")
    window.expects(r"status of (400|401|403)")
    other.expects(r"status of (400|401)")
    mails = Mailbox(stack)
    email = f"{uuid.uuid4().hex[:8]}@example.org"
    name = window.sign_up(stack.base_url)

    add_email(window, stack, email)
    link = mails.link("verify")
    page = open_link(window, link, "verify")
    page.get_by_test_id("verify").click()
    expect(page.get_by_test_id("verified")).to_be_visible()
    expect(page.get_by_text(email)).to_be_visible()
    page.close()
    window.page.reload()
    expect(window.page.get_by_test_id("email")).to_contain_text(email)
    expect(window.page.get_by_test_id("email-pending")).to_have_count(0)
    again = open_link(window, link, "verify")
    again.get_by_test_id("verify").click()
    expect(again.get_by_test_id("invalid-link")).to_be_visible()
    again.close()

    phone = other.page
    phone.goto(f"{stack.base_url}/login/")
    phone.get_by_test_id("forgot").tap()
    phone.get_by_test_id("forgot-email").fill(email.upper())
    fail_with(other.axe())
    phone.get_by_test_id("forgot-send").tap()
    expect(phone.get_by_test_id("forgot-sent")).to_be_visible()
    link = mails.link("reset")
    page = open_link(other, link, "reset-save")
    page.get_by_test_id("reset-password").fill("password")
    page.get_by_test_id("reset-save").tap()
    expect(page.get_by_text("too common")).to_be_visible()
    page.get_by_test_id("reset-password").fill(NEW_PASSWORD)
    page.get_by_test_id("reset-save").tap()
    expect(page.get_by_test_id("reset-done")).to_be_visible()

    expect(window.page.get_by_test_id("signed-out")).to_be_visible()
    page.get_by_role("link", name="Sign in").tap()
    sign_in(page, name, PASSWORD)
    expect(page.get_by_text("The name or the password is wrong.")).to_be_visible()
    sign_in(page, name, NEW_PASSWORD)
    expect(page.get_by_test_id("open-menu")).to_be_visible()
    page.close()
    page = open_link(other, link, "reset-save")
    page.get_by_test_id("reset-password").fill(NEW_PASSWORD)
    page.get_by_test_id("reset-save").tap()
    expect(page.get_by_test_id("invalid-link")).to_be_visible()


def test_where_there_is_no_mail_and_no_sign_up_the_page_says_so(
    visitor: NewVisitor, stack: Stack
) -> None:
    closed = {"EUGPT_REGISTRATION": "closed", "EUGPT_EMAIL_URL": "off"}
    with stack.more_web(closed) as url:
        window = visitor()
        window.expects("ERR_CONNECTION|WebSocket connection")
        page = window.page
        page.goto(f"{url}/register/")
        expect(page.get_by_test_id("registration-closed")).to_be_visible()
        fail_with(window.axe())
        page.get_by_role("link", name="Sign in").click()
        expect(page.get_by_test_id("auth-submit")).to_be_visible()
        expect(page.get_by_text("New here?")).to_have_count(0)
        expect(page.get_by_test_id("forgot")).to_have_count(0)
        page.goto("about:blank")
