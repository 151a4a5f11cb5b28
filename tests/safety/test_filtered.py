"""Replies of a real engine that say what a rule holds back: stopped, replaced, and gone."""

import json
from typing import Any

import pytest
import re2

from accounts.store import redis_client
from chat.delivery import streams
from chat.delivery.streams import Entry
from chat.errors import CannotContinue
from chat.generation.lifecycle import generation_claim, generation_requeue
from chat.generation.recovery import generation_fail
from chat.generation.run import generation_run
from chat.generation.submit import Owner, generation_branch, generation_continue, generation_submit
from chat.generation.worker import Worker
from chat.models import Generation, Report, SafetyRule, Trace
from chat.safety.words import normalised
from tests.chat_delivery.test_traces import PARAMS, ask, finished, member, worker
from tests.safety.rules import no_rules, rule_make

__all__ = ["member", "worker"]  # fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sent")]

SAFE = "I would rather not say this."
FROM, LENGTH = 12, 6


@pytest.fixture
def first(worker: Worker, member: Owner) -> Generation:
    """What the model says where nothing forbids it; the same seed says it again."""
    no_rules()
    return ask(worker, member)


def text_of(generation: Generation) -> str:
    assert generation.message is not None
    return generation.message.content


def forbid(first: Generation, **fields: Any) -> str:
    """A rule against some letters out of the middle of what the model says; returns them."""
    letters = normalised(text_of(first))[FROM : FROM + LENGTH]
    assert len(letters) == LENGTH
    pattern = re2.escape(letters)
    fields = {"kind": "pattern", "reply_text": SAFE, "notice": "Not this.", **fields}
    rule_make(pattern, name="forbidden", **fields)
    return letters


def stream(generation: Generation) -> list[Entry]:
    raw: Any = redis_client().xrange(streams.stream_key(str(generation.pk)))
    return [streams.parse_entry(entry) for entry in raw]


def check_filtered(generation: Generation, letters: str) -> None:
    """Nothing anywhere says it: row, trace, stream, what a later reader is told."""
    generation.refresh_from_db()
    assert (generation.status, generation.finish_reason) == ("completed", "filtered")
    assert generation.notice == {"category": "other", "text": "Not this."}
    if generation.message is not None:
        assert text_of(generation) == SAFE
    assert not generation.has_trace
    assert not Trace.objects.filter(generation=generation).exists()
    entries = stream(generation)
    assert [entry.type for entry in entries] == ["started", "done"]
    assert entries[1].data["text"] == SAFE
    assert entries[1].data["notice"] == generation.notice
    assert letters not in normalised("".join(entry.body for entry in entries))


def test_reply_is_replaced_and_its_words_are_gone(
    worker: Worker, member: Owner, first: Generation
) -> None:
    letters = forbid(first)
    generation = ask(worker, member)
    check_filtered(generation, letters)
    assert SafetyRule.objects.get().hits == 1
    assert not Report.objects.exists()
    with pytest.raises(CannotContinue):
        generation_continue(owner=member, message_id=generation.message_id or 0)


def test_guest_is_told_the_safe_text_alone(worker: Worker, first: Generation) -> None:
    letters = forbid(first)
    guest = Owner.guest("192.0.2.7")
    submitted = generation_submit(owner=guest, text="hello", params=PARAMS)
    check_filtered(finished(worker, submitted.generation_id), letters)


def test_other_replies_are_not_touched(worker: Worker, member: Owner, first: Generation) -> None:
    forbid(first, applies_to="prompts")
    again = ask(worker, member)
    assert (again.finish_reason, text_of(again)) == (first.finish_reason, text_of(first))


def test_flagged_reply_is_stored_and_reported(
    worker: Worker, member: Owner, first: Generation
) -> None:
    forbid(first, action="flag")
    again = ask(worker, member)
    assert text_of(again) == text_of(first)
    report = Report.objects.get()
    assert (report.message, report.text) == (again.message, text_of(first))
    assert (report.author, report.reporter) == (member.user, None)


@pytest.mark.parametrize("entries", [0, 1, 2])
def test_next_worker_stops_where_the_first_one_would_have(
    worker: Worker, member: Owner, first: Generation, entries: int
) -> None:
    letters = forbid(first)
    submitted = generation_submit(owner=member, text="hello", params=PARAMS)
    claimed = generation_claim(worker_id="dies")
    assert claimed is not None
    name = str(claimed.pk)
    streams.take_over(name, 1)
    for entry in streams.read_written(str(first.pk)).entries[:entries]:
        ids = [int(i) for i in entry.ids.split(",") if i and entry.type == "token"]
        streams.append(name, 1, entry.type, {**json.loads(entry.body), "ids": ids})
    assert generation_requeue(generation=claimed)
    check_filtered(finished(worker, submitted.generation_id), letters)


def test_worker_lost_after_it_forgot_the_words_leaves_a_beginning(
    worker: Worker, member: Owner, first: Generation
) -> None:
    letters = forbid(first)
    submitted = generation_submit(owner=member, text="hello", params=PARAMS)
    claimed = generation_claim(worker_id="dies")
    assert claimed is not None
    name = str(claimed.pk)
    streams.take_over(name, 1)
    streams.append(name, 1, "started", {"model": "tiny", "context_trimmed": 0, "seed": 5})
    streams.append(name, 1, "token", {"seq": 0, "text": "words", "ids": [1]})
    assert streams.drop_words(name, 1)
    assert generation_requeue(generation=claimed)
    check_filtered(finished(worker, submitted.generation_id), letters)


def test_last_worker_lost_leaves_no_forbidden_words(member: Owner, first: Generation) -> None:
    """A rule that came while it was written: what stands in the stream is judged at its end."""
    submitted = generation_submit(owner=member, text="hello", params=PARAMS)
    claimed = generation_claim(worker_id="dies")
    assert claimed is not None
    name = str(claimed.pk)
    streams.take_over(name, 1)
    for entry in streams.read_written(str(first.pk)).entries[:-1]:
        ids = [int(i) for i in entry.ids.split(",") if i and entry.type == "token"]
        streams.append(name, 1, entry.type, {**json.loads(entry.body), "ids": ids})
    letters = forbid(first)
    claimed.params = {**claimed.params}
    assert generation_fail(generation=claimed, code="worker_lost")
    check_filtered(Generation.objects.get(pk=submitted.generation_id), letters)


def test_branch_that_begins_with_forbidden_words_tells_none_of_them(
    worker: Worker, member: Owner, first: Generation
) -> None:
    letters = forbid(first)
    rows = Trace.objects.get(generation=first).tokens
    at = len(rows) - 2
    token = rows[at][0]
    assert first.message_id is not None
    submitted = generation_branch(owner=member, message_id=first.message_id, at=at, token=token)
    check_filtered(finished(worker, submitted.generation_id), letters)


def test_slot_is_free_again(worker: Worker, member: Owner, first: Generation) -> None:
    forbid(first)
    for _ in range(6):  # more than there are slots
        ask(worker, member)
    SafetyRule.objects.all().delete()
    assert not generation_run(worker=worker)
