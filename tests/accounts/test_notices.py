"""Whoever owns an account is told by mail of what could be somebody else's doing."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from accounts.keys import key_create
from accounts.models import ApiKey, Notice, User
from accounts.store import redis_client
from accounts.upkeep import leftovers_prune
from tests.accounts.clients import PASSWORD, client_for, error_of, user_make
from tests.accounts.test_email import ANAS, NEW, URL, mailed, put, reset, reset_token, verify
from tests.support.tasks import tasks_queued, tasks_run

pytestmark = pytest.mark.django_db(transaction=True)
CHANGE = {"old_password": PASSWORD, "new_password": NEW}


def told() -> list[tuple[str, str]]:
    """To whom the waiting tasks write, and what about; nobody is given a link."""
    mail.outbox.clear()
    tasks_run()
    assert not [message for message in mail.outbox if "://" in message.body]
    assert not Notice.objects.exists(), "an address that was written to is kept no longer"
    return [(message.to[0], str(message.subject)) for message in mail.outbox]


PASSWORD_NEWS = [(ANAS, "Your password at EuGPT was changed")]
EMAIL_NEWS = [(ANAS, "Your e-mail address at EuGPT was changed")]


@pytest.mark.parametrize("way", ["page", "link", "command"])
def test_a_new_password_is_told_to_the_confirmed_address(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = user_make("ana", email=ANAS)
    if way == "page":
        assert client_for(user).post("/api/auth/password", CHANGE).status_code == 200
    elif way == "link":
        assert reset(reset_token(user)).status_code == 204
    else:
        monkeypatch.setattr("getpass.getpass", lambda prompt: NEW)
        call_command("changepassword", "ana")
    assert User.objects.get().check_password(NEW)
    assert tasks_queued()[0][0] == "accounts.tasks.notice_send"
    assert not [key for key in redis_client().scan_iter("*") if "example" in key.lower()]
    assert "example" not in str(tasks_queued()), "ids only"
    assert told() == PASSWORD_NEWS


def test_another_address_is_told_to_the_one_before() -> None:
    client = client_for(user_make("ana", email=ANAS))
    put(client, "new@example.org")
    token = mailed()
    assert Notice.objects.count() == 0, "nothing has changed yet"
    assert verify(token).status_code == 200
    assert told() == EMAIL_NEWS


def test_a_removed_address_is_told_and_so_is_what_came_before_it() -> None:
    """Who changes the password and removes the address at once cannot keep the owner from it."""
    user = user_make("ana", email=ANAS)
    assert client_for(user).post("/api/auth/password", CHANGE).status_code == 200
    client = client_for(User.objects.get())
    assert client.delete(URL, {"password": NEW}).status_code == 204
    assert told() == PASSWORD_NEWS + EMAIL_NEWS


def test_nobody_is_told_of_nothing() -> None:
    """Not an address that was never confirmed, not of a wrong password, nor of the same one."""
    pending = {"pending_email": ANAS, "pending_email_at": timezone.now()}
    ben = user_make("ben", **pending)
    assert client_for(ben).delete(URL, {"password": PASSWORD}).status_code == 204
    ana = user_make("ana", email=ANAS)
    wrong = {**CHANGE, "old_password": "wrong wrong 1"}
    assert client_for(ana).post("/api/auth/password", wrong).status_code == 403
    ana.save()
    put(client_for(ana), ANAS.lower())
    verify(mailed())
    assert User.objects.get(pk=ana.pk).email == ANAS.lower()
    assert told() == []


def test_nothing_waits_where_mail_is_off(settings: Any) -> None:
    settings.EMAIL_ENABLED = False
    client = client_for(user_make("ana", email=ANAS))
    assert client.delete(URL, {"password": PASSWORD}).status_code == 204
    assert (tasks_queued(), Notice.objects.count()) == ([], 0)


def test_what_no_mail_server_takes_is_kept_for_two_days() -> None:
    user = user_make("ana")
    kept = Notice.objects.create(user=user, kind="email", email=ANAS)
    old = Notice.objects.create(user=user, kind="email", email=ANAS)
    Notice.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=2))
    leftovers_prune()
    assert Notice.objects.get() == kept


def test_a_reset_revokes_the_keys_of_the_account_and_a_change_keeps_them() -> None:
    ana, ben = user_make("ana", email=ANAS), user_make("ben")
    key_create(user=ana, name="notebook")
    key_create(user=ben, name="notebook")
    assert client_for(ana).post("/api/auth/password", CHANGE).status_code == 200
    assert ApiKey.objects.filter(user=ana).count() == 1
    token = reset_token(User.objects.get(pk=ana.pk))
    assert error_of(reset(token, "short1")) == (400, "invalid")
    assert ApiKey.objects.filter(user=ana).count() == 1
    assert reset(token, "donkey staple 3").status_code == 204
    assert list(ApiKey.objects.values_list("user", flat=True)) == [ben.pk]
