"""Generations in the admin: what failed is queued anew, what runs is stopped, by roles."""

import pytest
from django.test import Client

from chat.generation.lifecycle import generation_claim
from chat.models import Generation, Message, Status
from moderation.models import AuditEntry
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.moderation.people import staff_client, staff_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    return staff_client(staff_make("op", "operator"))


@pytest.fixture
def failed() -> Generation:
    message = exchange_make(conversation_make(user_make("ana")), "hi", "hel")
    Generation.objects.update(status=Status.FAILED, finish_reason="error", attempt=3)
    return Generation.objects.get(message=message)


def _do(client: Client, generation: Generation, verb: str) -> int:
    return client.post(f"/admin/chat/generation/{generation.pk}/do/{verb}/").status_code


def test_what_failed_is_queued_anew_with_a_later_attempt(
    operator: Client, failed: Generation
) -> None:
    assert _do(operator, failed, "again") == 302
    claimed = generation_claim(worker_id="w1")
    assert claimed is not None
    assert (claimed.pk, claimed.attempt) == (failed.pk, 4)
    assert Message.objects.get(role="assistant").content == ""
    assert AuditEntry.objects.get().action == "generation.requeue"


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.QUEUED])
def test_what_needs_no_rescue_stays(operator: Client, failed: Generation, status: Status) -> None:
    Generation.objects.update(status=status)
    _do(operator, failed, "again")
    failed.refresh_from_db()
    assert (failed.status, AuditEntry.objects.count()) == (status, 0)


def test_what_waits_is_stopped_and_moderators_may_not(operator: Client, failed: Generation) -> None:
    Generation.objects.update(status=Status.QUEUED)
    assert _do(staff_client(staff_make("mo", "moderator")), failed, "cancel") == 403
    assert _do(operator, failed, "cancel") == 302
    failed.refresh_from_db()
    assert failed.status == Status.CANCELLED
