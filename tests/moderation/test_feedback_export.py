"""Feedback leaves as JSON lines: of those who agreed, with names masked, read by training."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import User
from chat.models import Feedback, FinishReason, Generation, Rating
from chat.services.hiding import message_hide
from chat.services.opinions import feedback_set
from moderation.masking import Masker
from moderation.models import AuditEntry
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.moderation.people import staff_client, staff_make
from training.data_formats import read_documents


def _rated(user: User, prompt: str, reply: str) -> Feedback:
    message = exchange_make(conversation_make(user), prompt, reply)
    return feedback_set(user=user, message_id=message.pk, rating=Rating.UP, comment="from Anna")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail me@example.org now", "mail [email] now"),
        ("see ftp://ann:pw@host/x ok", "see [link] ok"),
        ("call +49 (30) 123-4567.", "call [phone]."),
        ("my name is anna and I run", "my name is [name] and I run"),
        ("My name is Anna Maria Bell, hi", "My name is [name], hi"),
        ("thanks @anna_b and ANA", "thanks [name] and [name]"),
        ("I'm happy in 2026, 12345 times", "I'm happy in 2026, 12345 times"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert Masker([text], ["ana"]).mask(text) == masked


@pytest.mark.django_db
def test_the_export_has_only_who_agreed_and_training_reads_it(tmp_path: Path) -> None:
    ana, ben = user_make("ana"), user_make("ben")
    User.objects.filter(pk=ana.pk).update(may_train=True)
    _rated(ana, "My name is Anna.", "Hello, Anna!")
    message_hide(message=_rated(ana, "hide", "this").message)
    _rated(ben, "secret", "words")
    Generation.objects.update(model="eugpt-36m", params={"seed": 7, "temperature": 0.5})
    file = tmp_path / "feedback.jsonl"
    call_command("export_feedback", str(file))
    (line,) = [json.loads(line) for line in file.read_text().splitlines()]
    assert [turn["content"] for turn in line["turns"]] == ["My name is [name].", "Hello, [name]!"]
    assert (line["rating"], line["comment"], line["seed"]) == ("up", "from [name]", 7)
    assert (line["model"], line["params"]["temperature"]) == ("eugpt-36m", 0.5)
    entry = AuditEntry.objects.get(action="feedback.export")
    assert entry.detail == {"exported": 1, "without_consent": 1, "hidden": 1, "beyond_limit": 0}
    (record,) = list(read_documents(file).records)
    assert [getattr(turn, "role", None) for turn in record.content] == ["user", "assistant"]
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_what_a_safety_rule_has_said_teaches_nothing(tmp_path: Path) -> None:
    """It is no reply of a model, and who got it may have been at their worst."""
    ana = user_make("ana")
    User.objects.filter(pk=ana.pk).update(may_train=True)
    _rated(ana, "a cry for help", "a rule's text")
    Generation.objects.update(finish_reason=FinishReason.FILTERED)
    file = tmp_path / "feedback.jsonl"
    call_command("export_feedback", str(file))
    assert file.read_text() == ""


@pytest.mark.django_db
def test_only_admins_export_in_the_admin() -> None:
    ana = user_make("ana")
    User.objects.filter(pk=ana.pk).update(may_train=True)
    pk = _rated(ana, "hi", "hello").pk
    chosen = {"action": "export", "_selected_action": [pk]}
    office = staff_client(staff_make("boss", "admin"))
    answer: Any = office.post("/admin/chat/feedback/", chosen)
    assert json.loads(b"".join(answer.streaming_content))["turns"][1]["content"] == "hello"
    desk = staff_client(staff_make("mo", "moderator"))
    assert not hasattr(desk.post("/admin/chat/feedback/", chosen), "streaming_content")
