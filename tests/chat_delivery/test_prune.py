"""What the clean-up takes, and what it must leave: the hourly task and `manage.py prune`."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session as DjangoSession
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.keys import key_create
from accounts.models import Session, User
from accounts.removal import account_erase
from accounts.services import user_suspend
from accounts.tasks import prune
from accounts.tokens import tokens_issue
from accounts.upkeep import leftovers_count, leftovers_prune
from chat.generation.submit import Owner, generation_submit, generation_submit_detached
from chat.models import Conversation, Generation, Message, Share
from chat.services.conversations import conversation_delete
from chat.upkeep import DETACHED_ROWS_LIFE
from inference.public import Turn
from moderation.audit import record
from moderation.models import AuditEntry
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tiny", "sent")]

LONG_AGO = timezone.now() - timedelta(days=100)


def old_user(name: str, **fields: Any) -> User:
    """One who came long ago and was not seen since."""
    return user_make(name, date_joined=LONG_AGO, **fields)


def test_prune_takes_old_rows_without_a_conversation(member: Owner, guest: Owner) -> None:
    kept = generation_submit(owner=member, text="mine").generation_id
    turns = [Turn("user", "hi")]
    gone = {
        generation_submit(owner=guest, text="hi").generation_id,
        generation_submit_detached(owner=member, turns=turns).generation_id,
    }
    Generation.objects.update(
        status="completed", queued_at=timezone.now() - DETACHED_ROWS_LIFE - timedelta(minutes=1)
    )
    new = generation_submit(owner=guest, text="new").generation_id
    waiting = generation_submit(owner=guest, text="waiting").generation_id
    Generation.objects.filter(pk=waiting).update(queued_at=timezone.now() - timedelta(days=9))
    prune()
    assert set(Generation.objects.values_list("pk", flat=True)) == {kept, new, waiting}
    assert not gone & {kept, new, waiting}


def expired_things(user: User) -> None:
    """One of each kind that is over, beside one that is not."""
    past, future = timezone.now() - timedelta(minutes=1), timezone.now() + timedelta(days=1)
    for moment in (past, future):
        tokens_issue(user=user)
        newest = OutstandingToken.objects.order_by("-id")[:1].values("pk")
        OutstandingToken.objects.filter(pk__in=newest).update(expires_at=moment)
        DjangoSession.objects.create(session_key=str(moment), expire_date=moment)
        conversation = conversation_make(user)
        fields = {"slug": str(moment)[:22], "expires_at": moment, "messages": []}
        Share.objects.create(conversation=conversation, **fields)
    sessions = Session.objects.filter(user=user).order_by("created_at")
    Session.objects.filter(pk=sessions[0].pk).update(last_seen_at=LONG_AGO)
    for name, at in (("mail1", LONG_AGO), ("mail2", timezone.now())):
        user_make(name, pending_email=f"{name}@example.org", pending_email_at=at)
    record(None, "user.suspend", user)
    AuditEntry.objects.update(at=timezone.now() - timedelta(days=366))
    record(None, "user.reactivate", user)


EXPIRED = {
    "expired refresh tokens": 1,
    "ended sessions": 1,
    "ended admin sessions": 1,
    "e-mail addresses never confirmed": 1,
    "mails that nobody took": 0,
    "expired shares": 1,
    "rows of guests and temporary chats": 0,
    "old audit entries": 1,
}


def test_command_counts_without_deleting_and_then_deletes_just_that(
    user: User, capsys: pytest.CaptureFixture[str]
) -> None:
    expired_things(user)
    capsys.readouterr()
    call_command("prune", "--dry-run")
    shown = capsys.readouterr().out
    assert "       1 old audit entries\n" in shown
    assert "nothing was deleted" in shown
    assert leftovers_count() == EXPIRED
    call_command("prune")
    assert "       1 expired shares\n" in capsys.readouterr().out
    assert leftovers_count() == dict.fromkeys(EXPIRED, 0)
    for model in (OutstandingToken, DjangoSession, Share, AuditEntry):
        assert model._default_manager.count() == 1, model
    assert Session.objects.count() == 1
    pending = User.objects.exclude(pending_email="").values_list("username", flat=True)
    assert list(pending) == ["mail2"]
    assert leftovers_prune() == dict.fromkeys(EXPIRED, 0)


def test_everything_is_kept_for_ever_by_default(user: User) -> None:
    conversation_make(old_user("old"), updated_at=LONG_AGO)
    old_user("never")
    prune()
    assert Conversation.objects.count() == 1
    assert User.objects.count() == 3


def test_retention_deletes_what_was_not_touched_for_so_long(user: User, settings: Settings) -> None:
    settings.RETENTION_DAYS = 90
    old = conversation_make(user, updated_at=LONG_AGO)
    new = conversation_make(user, updated_at=timezone.now() - timedelta(days=89))
    for conversation in (old, new):
        exchange_make(conversation, "hi", "hello")
    assert leftovers_count()["conversations untouched for long"] == 1
    assert leftovers_prune()["conversations untouched for long"] == 1
    assert list(Conversation.objects.all()) == [new]
    assert set(Message.objects.values_list("conversation", flat=True)) == {new.pk}


def test_retention_spares_pinned_conversations_and_who_has_one(
    user: User, settings: Settings
) -> None:
    settings.RETENTION_DAYS = 90
    pinned = conversation_make(old_user("keeper"), updated_at=LONG_AGO)
    Conversation.objects.filter(pk=pinned.pk).update(pinned=True)
    conversation_make(user, updated_at=LONG_AGO)
    prune()
    assert list(Conversation.objects.all()) == [pinned]
    assert User.objects.filter(username="keeper").exists()


def test_retention_deletes_accounts_that_nobody_uses(user: User, settings: Settings) -> None:
    settings.RETENTION_DAYS = 90
    old_user("gone")
    old_user("gone2", last_login=LONG_AGO)
    conversation_make(old_user("writer"))
    tokens_issue(user=old_user("open"))
    key_create(user=old_user("script"), name="notebook")
    old_user("here", last_login=timezone.now())
    old_user("staff", is_staff=True)
    old_user("root", is_superuser=True)
    user_suspend(user=old_user("out"), reason="Spam")
    assert leftovers_count()["accounts unused for long"] == 2
    assert leftovers_prune()["accounts unused for long"] == 2
    kept = {"writer", "open", "script", "here", "staff", "root", "out", user.username}
    assert set(User.objects.values_list("username", flat=True)) == kept


def test_who_loses_the_last_conversation_goes_with_it(settings: Settings) -> None:
    settings.RETENTION_DAYS = 90
    conversation_make(old_user("old"), updated_at=LONG_AGO)
    prune()
    assert not User.objects.exists()


def test_who_comes_back_while_others_are_deleted_stays(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch takes its time: what was unused when it began may be in use when its turn comes."""
    settings.RETENTION_DAYS = 90
    old_user("gone")
    back = old_user("back")
    old = [conversation_make(old_user(name), updated_at=LONG_AGO) for name in ("idle", "busy")]

    def erase_one(user: User) -> None:
        tokens_issue(user=back)
        account_erase(user=user)

    def delete_one(conversation: Conversation) -> None:
        Conversation.objects.filter(pk=old[1].pk).update(updated_at=timezone.now())
        conversation_delete(conversation=conversation)

    monkeypatch.setattr("chat.upkeep.account_erase", erase_one)
    monkeypatch.setattr("chat.upkeep.conversation_delete", delete_one)
    prune()
    assert set(User.objects.values_list("username", flat=True)) == {"back", "busy"}
    assert list(Conversation.objects.all()) == [old[1]]


def test_many_are_deleted_in_batches(
    guest: Owner, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr("accounts.upkeep._BATCH", 10)
    long_ago = timezone.now() - timedelta(days=3)
    Generation.objects.bulk_create(
        Generation(owner_key=guest.key, status="completed", queued_at=long_ago) for _ in range(35)
    )
    with connection.execute_wrapper(_no_big_delete):
        assert leftovers_prune()["rows of guests and temporary chats"] == 35
    assert not Generation.objects.exists()


def _no_big_delete(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    assert not (sql.startswith("DELETE") and len(params or ()) > 10)
    return execute(sql, params, many, context)


def test_what_cannot_be_deleted_does_not_hold_it_up(
    user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accounts import upkeep

    stuck = upkeep.Leftovers("stuck", lambda: User.objects.all(), lambda rows: None)
    monkeypatch.setattr(upkeep, "_registered", [stuck, *upkeep._registered])
    assert leftovers_prune()["stuck"] == 0


@pytest.mark.usefixtures("user")
def test_a_kind_that_fails_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from accounts import upkeep

    def fail(rows: Any = None) -> None:
        raise RuntimeError("no")

    unfindable = upkeep.Leftovers("unfindable", fail)
    undeletable = upkeep.Leftovers("undeletable", User.objects.all, fail)
    monkeypatch.setattr(upkeep, "_registered", [unfindable, undeletable, *upkeep._registered])
    OutstandingToken.objects.create(jti="1", token="", expires_at=LONG_AGO)
    with pytest.raises(CommandError, match="unfindable, undeletable") as failure:
        call_command("prune")
    assert failure.value.returncode == 1
    assert "       1 expired refresh tokens\n" in capsys.readouterr().out
    prune()
    told = [record.getMessage() for record in caplog.records if record.exc_info]
    assert ["unfindable" in line for line in told] == [True, False] * 2
