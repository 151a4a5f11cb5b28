"""Users and signed-in API clients for REST tests."""

from typing import Any

from rest_framework.test import APIClient

from accounts.models import User
from accounts.tokens import tokens_issue

PASSWORD = "correct horse 7"
COOKIE = "eugpt_refresh"


def user_make(username: str = "ana", **fields: Any) -> User:
    """An account with PASSWORD."""
    return User.objects.create_user(username=username, password=PASSWORD, **fields)


def client_for(user: User) -> APIClient:
    """A client that sends the user's access token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens_issue(user=user).access}")
    return client


def error_of(response: Any) -> tuple[int, str]:
    """Status and code of an error, whose body always has both `detail` and `code`."""
    body = response.json()
    assert isinstance(body["detail"], str)
    assert body["detail"]
    return response.status_code, body["code"]
