"""The command that makes the first admin."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from moderation.management.commands.create_admin import PASSWORD_VARIABLE
from tests.accounts.clients import PASSWORD, user_make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)


def create(*args: str) -> str:
    out = io.StringIO()
    call_command("create_admin", *args, stdout=out)
    return out.getvalue()


def can_sign_in(name: str, password: str) -> bool:
    client = Client()
    answer = client.post("/admin/login/", {"username": name, "password": password})
    return answer.status_code == 302 and client.get("/admin/accounts/user/").status_code == 200


def test_a_made_up_password_is_shown_once_and_works() -> None:
    said = create("boss", "--generate")
    password = said.rpartition(": ")[2].strip()
    assert len(password) >= 20
    assert can_sign_in("boss", password)
    user = User.objects.get()
    assert [group.name for group in user.groups.all()] == ["admin"]
    assert not user.is_superuser


def test_the_password_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    assert PASSWORD not in create("boss")
    assert can_sign_in("boss", PASSWORD)


def test_the_password_may_come_from_a_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([PASSWORD, PASSWORD, PASSWORD, "another"])
    module = "moderation.management.commands.create_admin"
    monkeypatch.setattr(f"{module}.getpass", lambda _prompt: next(answers))
    monkeypatch.setattr(f"{module}.sys.stdin", io.StringIO())
    monkeypatch.setattr(f"{module}.sys.stdin.isatty", lambda: True)
    assert PASSWORD not in create("boss")
    assert can_sign_in("boss", PASSWORD)
    with pytest.raises(CommandError, match="not the same"):
        create("other")


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("boss", "short1", "too short"),
        ("boss", "password123", "too common"),
        ("boss-boss-1", "boss-boss-1", "too similar"),
        ("a b", PASSWORD, "letters, digits"),
        ("ab", PASSWORD, "at least 3"),
        ("ANA", PASSWORD, "is taken"),
    ],
)
def test_weak_passwords_and_bad_names_are_refused(
    name: str, password: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_make("ana")
    monkeypatch.setenv(PASSWORD_VARIABLE, password)
    with pytest.raises(CommandError, match=message):
        create(name)
    assert not User.objects.filter(is_staff=True).exists()


@pytest.mark.parametrize("fields", [{"is_superuser": True}, {"is_active": False}, {}])
def test_if_none_leaves_an_admin_alone(fields: dict[str, Any]) -> None:
    user_make("root", is_staff=True, **fields)
    said = create("boss", "--generate", "--if-none")
    assert User.objects.filter(username="boss").exists() is not bool(fields.get("is_superuser"))
    assert ("already" in said) is bool(fields.get("is_superuser"))
    assert "already" in create("again", "--generate", "--if-none")
