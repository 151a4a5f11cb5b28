"""What the hourly clean-up takes, and what it must leave."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chat.generation.submit import Owner, generation_submit, generation_submit_detached
from chat.models import Generation
from chat.tasks import DETACHED_ROWS_LIFE, prune
from inference.public import Turn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tiny", "sent")]


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
