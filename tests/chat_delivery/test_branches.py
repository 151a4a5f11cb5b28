"""Regenerate, edit and continue: what is written and refused, and that nothing else changes."""

from typing import Any

import pytest

from accounts.models import User
from chat.delivery import streams
from chat.errors import (
    ApiError,
    BadParams,
    CannotContinue,
    GenerationRunning,
    Invalid,
    NotFound,
    PromptTooLong,
    Unavailable,
)
from chat.generation.lifecycle import generation_claim
from chat.generation.recovery import generation_fail
from chat.generation.submit import (
    Owner,
    generation_continue,
    generation_edit,
    generation_regenerate,
    generation_submit,
    generation_submit_detached,
)
from chat.models import Conversation, FinishReason, Generation, Message, Status
from chat.tasks import run_generation
from inference.public import Turn
from tests.accounts.clients import user_make
from tests.chat.factories import conversation_make, exchange_make
from tests.chat_delivery.generations import kept_turns

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tiny")]


@pytest.fixture
def reply(user: User) -> Message:
    """The second reply of a conversation; it was cut for its length."""
    conversation = conversation_make(user)
    exchange_make(conversation, "hi", "hello")
    message = exchange_make(conversation, "tell me", "once upon")
    params = {"temperature": 0.5, "seed": 7, "max_tokens": 9}
    rows = Generation.objects.filter(message=message)
    rows.update(finish_reason=FinishReason.LENGTH, params=params)
    return message


def test_regenerate_puts_a_sibling_beside_the_reply(
    member: Owner, reply: Message, sent: list[str]
) -> None:
    submitted = generation_regenerate(owner=member, message_id=reply.pk)
    new = message_of(submitted.assistant_message_id)
    assert (new.parent, new.role, new.content) == (reply.parent, "assistant", "")
    assert Conversation.objects.get().head == new
    generation = Generation.objects.get(pk=submitted.generation_id)
    assert generation.params["temperature"] == 0.5
    assert generation.params["seed"] != 7
    assert submitted.user_message_id == reply.parent_id
    assert sent == [str(generation.pk)]
    reply.refresh_from_db()
    assert reply.content == "once upon"


def test_regenerate_answers_a_prompt_again(member: Owner, reply: Message, sent: list[str]) -> None:
    assert reply.parent_id is not None
    submitted = generation_regenerate(owner=member, message_id=reply.parent_id)
    assert submitted.user_message_id == reply.parent_id
    assert submitted.assistant_message_id != reply.pk


def test_regenerate_takes_params(member: Owner, reply: Message, sent: list[str]) -> None:
    submitted = generation_regenerate(owner=member, message_id=reply.pk, params={"seed": 3})
    generation = Generation.objects.get(pk=submitted.generation_id)
    assert (generation.params["seed"], generation.params["temperature"]) == (3, 0.7)


def test_edit_puts_a_prompt_beside_the_prompt(
    member: Owner, reply: Message, sent: list[str]
) -> None:
    assert reply.parent is not None
    submitted = generation_edit(owner=member, message_id=reply.parent.pk, text="tell me more")
    prompt = message_of(submitted.user_message_id)
    assert (prompt.parent_id, prompt.content) == (reply.parent.parent_id, "tell me more")
    assert Conversation.objects.get().head_id == submitted.assistant_message_id
    assert Message.objects.count() == 6


def test_edit_of_the_first_prompt_is_another_root(
    member: Owner, reply: Message, sent: list[str]
) -> None:
    first = Message.objects.order_by("id")[0]
    submitted = generation_edit(owner=member, message_id=first.pk, text="good day")
    assert message_of(submitted.user_message_id).parent is None
    assert Conversation.objects.get().title == "A chat"


def test_continue_names_what_it_goes_on_with(
    member: Owner, reply: Message, sent: list[str]
) -> None:
    submitted = generation_continue(owner=member, message_id=reply.pk)
    generation = Generation.objects.get(pk=submitted.generation_id)
    assert generation.continues is not None
    assert generation.continues.message == reply
    assert generation.params["seed"] == 7
    assert submitted.user_message_id == reply.parent_id


@pytest.mark.parametrize("reason", [FinishReason.CANCELLED, FinishReason.ERROR])
def test_continue_after_a_stop_or_a_failure(
    member: Owner, reply: Message, sent: list[str], reason: str
) -> None:
    Generation.objects.filter(message=reply).update(finish_reason=reason)
    assert generation_continue(owner=member, message_id=reply.pk).assistant_message_id


def test_continue_refuses_what_is_complete_empty_or_nobodys(
    member: Owner, reply: Message, sent: list[str]
) -> None:
    Generation.objects.filter(message=reply).update(finish_reason=FinishReason.STOP)
    with pytest.raises(CannotContinue):
        generation_continue(owner=member, message_id=reply.pk)
    Generation.objects.filter(message=reply).update(finish_reason=FinishReason.LENGTH)
    Message.objects.filter(pk=reply.pk).update(content="")
    with pytest.raises(CannotContinue):
        generation_continue(owner=member, message_id=reply.pk)
    assert reply.parent_id is not None
    with pytest.raises(CannotContinue):
        generation_continue(owner=member, message_id=reply.parent_id)
    Message.objects.filter(pk=reply.pk).update(content="word " * 400)
    with pytest.raises(PromptTooLong):
        generation_continue(owner=member, message_id=reply.pk)
    assert not sent
    assert Message.objects.count() == 4


@pytest.mark.parametrize("kind", ["regenerate", "edit", "continue"])
def test_branch_waits_for_the_running_reply(
    member: Owner, reply: Message, sent: list[str], kind: str
) -> None:
    running = generation_submit(owner=member, text="x", conversation_id=reply.conversation_id)
    with pytest.raises(GenerationRunning) as caught:
        branch(kind, member, reply)
    assert caught.value.data == {"generation": str(running.generation_id)}
    assert Message.objects.count() == 6


@pytest.mark.parametrize("kind", ["regenerate", "edit", "continue"])
def test_branch_of_somebody_else_or_a_guest(
    guest: Owner, reply: Message, sent: list[str], kind: str
) -> None:
    for owner in (guest, Owner.member(user_make("ben"))):
        with pytest.raises(NotFound):
            branch(kind, owner, reply)
    assert Message.objects.count() == 4


@pytest.mark.parametrize("kind", ["regenerate", "edit", "continue"])
def test_branch_repeated_client_id_gives_the_first(
    member: Owner, reply: Message, sent: list[str], kind: str
) -> None:
    first = branch(kind, member, reply, client_id="c")
    again = branch(kind, member, reply, client_id="c")
    assert again.generation_id == first.generation_id
    assert again.assistant_message_id == first.assistant_message_id
    assert len(sent) == 1


@pytest.mark.parametrize("kind", ["regenerate", "edit", "continue"])
def test_branch_is_taken_back_when_it_cannot_be_queued(
    member: Owner, reply: Message, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def broken(_: str) -> None:
        raise ConnectionError("the broker is gone")

    monkeypatch.setattr(run_generation, "delay", broken)
    with pytest.raises(Unavailable):
        branch(kind, member, reply)
    assert Message.objects.count() == 4
    assert Conversation.objects.get().head == reply
    assert not Generation.objects.filter(status=Status.QUEUED).exists()


@pytest.mark.parametrize(
    ("kind", "changed", "error"),
    [
        ("edit", {"text": " "}, Invalid),
        ("edit", {"text": "a b " * 400}, PromptTooLong),
        ("edit", {"params": {"temperature": 3}}, BadParams),
        ("regenerate", {"params": {"unknown": 1}}, BadParams),
        ("continue", {"params": {"max_tokens": 0}}, BadParams),
        ("regenerate", {"client_id": ""}, Invalid),
    ],
)
def test_branch_bad_input_leaves_nothing(
    member: Owner,
    reply: Message,
    sent: list[str],
    kind: str,
    changed: dict[str, Any],
    error: type[ApiError],
) -> None:
    with pytest.raises(error):
        branch(kind, member, reply, **changed)
    assert Message.objects.count() == 4
    assert not sent


def test_edit_of_a_reply_is_refused(member: Owner, reply: Message, sent: list[str]) -> None:
    with pytest.raises(Invalid):
        generation_edit(owner=member, message_id=reply.pk, text="I never said that")


def test_detached_keeps_no_text_and_knows_its_member(
    member: Owner, user: User, sent: list[str]
) -> None:
    turns = [Turn("user", "hi"), Turn("assistant", "hello"), Turn("user", "and now?")]
    submitted = generation_submit_detached(owner=member, turns=turns, client_id="k")
    generation = Generation.objects.get()
    assert (generation.user, generation.message, generation.conversation) == (user, None, None)
    assert kept_turns(submitted.generation_id) == turns
    assert not Message.objects.exists()
    again = generation_submit_detached(owner=member, turns=turns, client_id="k")
    assert again.generation_id == submitted.generation_id


def message_of(message_id: int | None) -> Message:
    assert message_id is not None
    return Message.objects.get(pk=message_id)


def branch(kind: str, owner: Owner, reply: Message, **more: Any) -> Any:
    if kind == "edit":
        assert reply.parent_id is not None
        more = {"text": "else", **more}
        return generation_edit(owner=owner, message_id=reply.parent_id, **more)
    make = generation_regenerate if kind == "regenerate" else generation_continue
    return make(owner=owner, message_id=reply.pk, **more)


def test_a_failed_continuation_counts_its_own_tokens(
    member: Owner, reply: Message, sent: list[str]
) -> None:
    submitted = generation_continue(owner=member, message_id=reply.pk)
    generation = generation_claim(worker_id="gone")
    assert generation is not None
    name = str(submitted.generation_id)
    streams.take_over(name, generation.attempt)
    streams.append(name, 1, "started", {"model": "tiny", "context_trimmed": 0})
    streams.append(name, 1, "token", {"seq": 0, "text": "once upon", "ids": [1, 2, 3]})
    streams.append(name, 1, "token", {"seq": 1, "text": " a", "ids": [4]})
    assert generation_fail(generation=generation, code="worker_lost")
    generation.refresh_from_db()
    assert generation.completion_tokens == 1
    assert message_of(submitted.assistant_message_id).content == "once upon a"
