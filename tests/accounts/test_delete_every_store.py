"""After a deletion no store knows of the user: every table, every key, every queue is searched.

Nothing here lists tables. A new one that refers to users fails the first assertion, until the life
that is made up below writes into it, too; where a name or a text may stay by mistake, the search
finds it.
"""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.test import Client
from django.utils import timezone
from django_otp.models import Device
from rest_framework.test import APIClient

from accounts.models import Notice, NoticeKind, User
from accounts.services import user_reactivate, user_suspend
from accounts.store import redis_client
from accounts.tickets import Ticket, ticket_issue
from chat.delivery import streams
from chat.models import Generation, Report, ReportReason, Status, Trace
from chat.places import PLACES_PREFIX
from moderation.audit import record
from moderation.roles import roles_apply
from tests.accounts.clients import PASSWORD, client_for, user_make
from tests.accounts.test_own_sessions import browser, refreshed
from tests.chat.factories import conversation_make, exchange_make
from tests.support import stores
from tests.support.tasks import tasks_queued, tasks_run

NAME, OLD_NAME = "quokka", "wombat"
EMAIL, PENDING = "Numbat@example.org", "bilby@example.org"
TEXT = "platypus"
NEEDLES = (NAME, OLD_NAME, "numbat", "bilby", TEXT, "echidna-browser")
USERS = "accounts_user"


def life(user: User, staff: User) -> Generation:
    """All that a person can leave behind; `staff` looks after them."""
    workplace(user, staff)  # first: a suspension ends sessions
    account(user)
    reply = conversation(user)
    redis_client().hset(f"{PLACES_PREFIX}socket:u:{user.pk}", "process", "1")
    return reply


def account(user: User) -> None:
    """By the API: names, addresses, sessions, keys, tickets, failed sign-ins, mails that wait."""
    client = browser(user)
    client.defaults["HTTP_USER_AGENT"] = "echidna-browser/1"
    refreshed(client)
    client.put("/api/auth/email", {"email": EMAIL, "password": PASSWORD})
    tasks_run()
    token = mail.outbox[-1].body.partition("#token=")[2].split()[0]
    assert client.post("/api/auth/email/verify", {"token": token}).status_code == 200
    client.put("/api/auth/email", {"email": PENDING, "password": PASSWORD})
    client.post("/api/auth/password/forgot", {"email": EMAIL})
    Notice.objects.create(user=user, kind=NoticeKind.EMAIL, email=EMAIL)
    client.patch("/api/auth/me", {"username": NAME, "settings": {"sampling": {"top_k": 3}}})
    for name in (OLD_NAME, NAME):
        APIClient().post("/api/auth/login", {"username": name, "password": TEXT})
    session = user.sessions.get(user_agent__contains="echidna")
    ticket_issue(Ticket(user.pk, user.token_version, session.pk.hex, 2e9))
    client_for(user).post("/api/keys", {"name": TEXT})


def conversation(user: User) -> Generation:
    """Chats, opinions, shares, a trace, and a reply that is being written."""
    client = client_for(user)
    chat = conversation_make(user, TEXT)
    reply = exchange_make(chat, TEXT, TEXT)
    for url, body in (
        (f"/api/messages/{reply.pk}/report", {"reason": ReportReason.values[0], "comment": TEXT}),
        (f"/api/conversations/{chat.pk}/share", {}),
    ):
        assert client.post(url, body).status_code == 201, url
    opinion = {"rating": "up", "comment": TEXT}
    assert client.put(f"/api/messages/{reply.pk}/feedback", opinion).status_code == 200
    Report.objects.create(author=user, reason=ReportReason.values[0], text=TEXT)
    generation = Generation.objects.get(message=reply)
    Trace.objects.create(generation=generation, tokens=[TEXT])
    Generation.objects.filter(pk=generation.pk).update(status=Status.RUNNING, attempt=1)
    streams.take_over(str(generation.pk), 1)
    streams.append(str(generation.pk), 1, "token", {"seq": 0, "text": TEXT, "ids": [1]})
    return generation


def workplace(user: User, staff: User) -> None:
    """Once of the staff: rights, devices, acts, an admin session; and what others did to them."""
    user.groups.add(Group.objects.get(name="moderator"))
    user.user_permissions.add(Permission.objects.all()[0])
    devices: list[Any] = [model for model in apps.get_models() if issubclass(model, Device)]
    for device in devices:
        device.objects.create(user=user, name=NAME)
    Client().force_login(user)
    user_suspend(user=user, reason=f"{TEXT} was rude")
    user_reactivate(user=user)
    user.refresh_from_db()
    record(user, "user.suspend", staff, {"n": 1})
    record(staff, "user.suspend", user, {"n": 1})
    about = {"content_type": ContentType.objects.get_for_model(User), "action_flag": CHANGE}
    LogEntry.objects.create(user=user, object_id=str(staff.pk), object_repr="boss", **about)
    LogEntry.objects.create(user=staff, object_id=str(user.pk), object_repr=NAME, **about)
    Report.objects.create(
        reporter=staff, reason=ReportReason.values[0], decided_by=user, decided_at=timezone.now()
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_staff", [False, True])
def test_after_a_deletion_no_store_knows_of_the_user(by_staff: bool, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "password": "99 per minute"}
    roles_apply()
    staff = user_make("boss", is_staff=True, is_superuser=True)
    user = user_make(OLD_NAME, is_staff=True)
    generation = life(user, staff)
    pk, ids = user.pk, [str(generation.pk), generation.pk.hex, f"u:{user.pk}"]
    missing = stores.columns_to(USERS) - stores.references_to(USERS, pk)
    assert missing == set(), "the life above leaves nothing in these: add it"
    assert stores.admin_sessions_of(pk) == 1
    assert len(stores.traces_of(*NEEDLES, *ids)) > 10, "the search finds what is there"
    assert {name for name, _ in tasks_queued()} >= {"accounts.tasks.mail_send"}

    if by_staff:
        admin = Client()
        admin.force_login(staff)
        admin.post(f"/admin/accounts/user/{pk}/delete/", {"post": "yes"})
    else:
        answer = client_for(user).delete("/api/auth/me", {"password": PASSWORD})
        assert answer.status_code == 204
    assert not User.objects.filter(pk=pk).exists()

    assert stores.traces_of(*NEEDLES, *ids) == set()
    assert stores.references_to(USERS, pk) == set()
    assert stores.admin_sessions_of(pk) == 0
    before = len(mail.outbox)
    assert set(tasks_run()) >= {"accounts.tasks.mail_send"}
    assert len(mail.outbox) == before, "what was still to be sent is not"
