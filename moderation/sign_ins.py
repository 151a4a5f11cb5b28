"""Sign-ins of the staff in the audit log: who and when; no password, no address."""

from typing import cast

from django.http import HttpRequest

from accounts.models import User
from accounts.selectors import user_by_username
from moderation import second_factor
from moderation.audit import record


def signed_in(request: HttpRequest) -> None:
    """With a second factor the sign-in is whole, and written, only after the code."""
    if second_factor.state_of(request) != second_factor.CODE:
        record(request, "staff.login", cast("User", request.user), {"with": "password"})


def sign_in_failed(request: HttpRequest, username: str) -> None:
    """Only of names that are staff: people mistype, and anybody could fill the log with others."""
    user = user_by_username(username=username.replace("\0", ""))
    if user is not None and user.is_staff:
        record(None, "staff.login_failed", user, {"at": "password"})
