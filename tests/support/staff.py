"""Somebody of the staff in a browser test: their window in the admin, by role."""

import base64
import time
from collections.abc import Callable

import psycopg
from django_otp.oath import totp
from playwright.sync_api import Locator, Page, expect

from tests.support.journeys import PASSWORD, Visitor
from tests.support.members import new_member
from tests.support.stack import Stack

CODE_STEP_S = 30
_MAKE_STAFF = "UPDATE accounts_user SET is_staff = true WHERE username = %s"
_GIVE_ROLE = """INSERT INTO accounts_user_groups (user_id, group_id)
  SELECT u.id, g.id FROM accounts_user u, auth_group g WHERE u.username = %s AND g.name = %s"""


class Staff:
    """Staff with one role and a window; `sign_in` opens the admin."""

    def __init__(self, window: Visitor, stack: Stack, role: str) -> None:
        self.window = window
        self.page: Page = window.page
        self.url = f"{stack.base_url}/admin/"
        self.name = new_member(window, stack.base_url).name
        with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
            connection.execute(_MAKE_STAFF, [self.name])
            connection.execute(_GIVE_ROLE, [self.name, role])

    def sign_in(self) -> None:
        """By password; with a second factor the page asks for the code next."""
        self.page.goto(self.url)
        self.page.get_by_label("Username").fill(self.name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()

    def go(self, path: str) -> None:
        """Open a page of the admin, by its address after /admin/."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == 200, (path, answer.status)

    def open(self, name: str) -> None:
        """Go by the navigation, as people do."""
        link = self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name)
        link.locator("visible=true").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)

    def rows(self) -> Locator:
        """The rows of a list."""
        return self.page.locator("#result_list tbody tr")

    def said(self, words: str) -> None:
        """The message after an act."""
        expect(self.page.locator(".messagelist")).to_contain_text(words)


def new_staff(window: Visitor, stack: Stack, role: str) -> Staff:
    """Somebody with this role, signed in to the admin."""
    staff = Staff(window, stack, role)
    staff.sign_in()
    expect(staff.page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    return staff


def app_code(secret: str, *, ahead: int = 0) -> str:
    """What an authenticator app shows; `ahead` steps later, for each code works once."""
    key = base64.b32decode(secret.replace(" ", ""))
    return f"{totp(key, step=CODE_STEP_S, t0=-ahead * CODE_STEP_S):06d}"


def wait_until(is_so: Callable[[], bool], what: str, *, within_s: float = 30) -> None:
    """Look again and again; fails with `what`."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
