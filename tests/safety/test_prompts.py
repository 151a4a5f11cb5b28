"""Prompts on every way in: refused ones leave nothing, replaced ones are complete at once."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.store import redis_client
from chat.delivery import streams
from chat.errors import CannotContinue, NoTrace, Refused
from chat.generation.submit import (
    Owner,
    generation_branch,
    generation_continue,
    generation_edit,
    generation_regenerate,
    generation_submit,
    generation_submit_detached,
)
from chat.models import Conversation, FinishReason, Generation, Message, Report, SafetyRule, Status
from inference.public import Turn
from tests.chat.factories import conversation_make, exchange_make
from tests.safety.rules import no_rules, rule_make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tiny", "sent")]

SAFE = "Please talk to somebody."
NOTICE = {"category": "crisis", "text": "You are not alone."}


@pytest.fixture(autouse=True)
def _rules(db: None) -> None:
    no_rules()
    rule_make("refused words", name="refuse", action="refuse", notice="Not here.")
    rule_make(
        "sad words", name="replace", category="crisis", reply_text=SAFE, notice=NOTICE["text"]
    )
    rule_make("odd words", name="flag", action="flag", applies_to="prompts")


def row_of(submitted: Any) -> Generation:
    return Generation.objects.get(pk=submitted.generation_id)


def stream(generation: Generation) -> list[tuple[str, dict[str, Any]]]:
    raw: Any = redis_client().xrange(streams.stream_key(str(generation.pk)))
    return [(f["t"], streams.Entry("", f["t"], f["d"]).data) for _, f in raw]


def test_refused_prompt_leaves_nothing(member: Owner, sent: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        generation_submit(owner=member, text="so REFUSED\u200b words!")
    assert refused.value.data == {"category": "other", "notice": "Not here."}
    assert not Conversation.objects.exists()
    assert not Generation.objects.exists()
    assert sent == []
    assert SafetyRule.objects.get(name="refuse").hits == 1


def test_replaced_prompt_is_complete_at_once(member: Owner, sent: list[str]) -> None:
    generation = row_of(generation_submit(owner=member, text="sad words"))
    assert (generation.status, generation.finish_reason) == (Status.COMPLETED, "filtered")
    assert generation.notice == NOTICE
    assert generation.message is not None
    assert generation.message.content == SAFE
    assert sent == []


@pytest.mark.parametrize("who", ["guest", "temporary", "v1"])
def test_replaced_prompt_that_is_stored_nowhere_is_told_by_its_stream(
    who: str, guest: Owner, member: Owner, sent: list[str]
) -> None:
    if who == "guest":
        submitted = generation_submit(owner=guest, text="sad words")
    elif who == "temporary":
        submitted = generation_submit(owner=member, text="sad words", is_temporary=True)
    else:
        submitted = generation_submit_detached(owner=member, turns=[Turn("user", "sad words")])
    generation = row_of(submitted)
    assert (generation.status, generation.message) == (Status.COMPLETED, None)
    (start, _), (end, done) = stream(generation)
    assert (start, end) == ("started", "done")
    assert (done["text"], done["finish_reason"], done["notice"]) == (SAFE, "filtered", NOTICE)
    assert redis_client().hget(streams.control_key(str(generation.pk)), "input") is None
    assert sent == []
    assert not Message.objects.exists()


@pytest.mark.parametrize("text", ["refused words", "sad words"])
def test_edit_is_judged(text: str, user: User, member: Owner) -> None:
    asked = exchange_make(conversation_make(user), "hi", "hello").parent
    assert asked is not None
    if text == "refused words":
        with pytest.raises(Refused):
            generation_edit(owner=member, message_id=asked.pk, text=text)
        assert Message.objects.count() == 2
    else:
        generation = row_of(generation_edit(owner=member, message_id=asked.pk, text=text))
        assert generation.finish_reason == FinishReason.FILTERED


def test_answer_of_a_rule_is_not_written_again_by_the_model(member: Owner, sent: list[str]) -> None:
    first = row_of(generation_submit(owner=member, text="sad words"))
    assert first.message_id is not None
    again = row_of(generation_regenerate(owner=member, message_id=first.message_id))
    assert again.notice == NOTICE
    with pytest.raises(CannotContinue):
        generation_continue(owner=member, message_id=first.message_id)
    with pytest.raises(NoTrace):
        generation_branch(owner=member, message_id=first.message_id, at=0, token=5)
    assert sent == []


def test_history_that_comes_along_may_not_smuggle(guest: Owner) -> None:
    history = [
        {"role": "user", "content": "refused words"}, {"role": "assistant", "content": "yes?"}
    ]  # fmt: skip
    with pytest.raises(Refused, match="earlier message of this chat") as refused:
        generation_submit(owner=guest, text="go on", history_input=history)
    assert refused.value.data["earlier"] is True
    history[0]["content"] = "sad words"  # it was answered; the chat goes on
    generation = row_of(generation_submit(owner=guest, text="go on", history_input=history))
    assert generation.status == Status.QUEUED


def test_flagged_prompt_of_a_member_is_reported_once(user: User, member: Owner) -> None:
    generation_submit(owner=member, text="odd words")
    report = Report.objects.get()
    assert (report.reporter, report.author, report.text) == (None, user, "odd words")
    assert report.rule is not None
    assert report.rule.name == "flag"
    assert report.message is not None
    assert report.message.role == "user"


def test_flagged_prompt_of_a_guest_is_counted_only(guest: Owner, member: Owner) -> None:
    generation_submit(owner=guest, text="odd words")
    generation_submit(owner=member, text="odd words", is_temporary=True)
    assert not Report.objects.exists()
    rule = SafetyRule.objects.get(name="flag")
    assert rule.hits == 2
    assert rule.last_hit_at is not None


def test_report_of_a_rule_goes_with_its_author(user: User, member: Owner) -> None:
    generation_submit(owner=member, text="odd words")
    Message.objects.all().delete()
    assert Report.objects.filter(message=None).exists()
    user.delete()
    assert not Report.objects.exists()


def test_refused_prompt_over_http_says_why(client: Client) -> None:
    answer = client.post(
        "/api/chat/guest", {"message": "refused words"}, content_type="application/json"
    )
    assert answer.status_code == 400
    body = answer.json()
    assert (body["code"], body["category"], body["notice"]) == ("refused", "other", "Not here.")
