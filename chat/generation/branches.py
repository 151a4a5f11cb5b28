"""The messages of a new generation: what is written before it is queued, and how to undo that.

A conversation is a tree. A prompt goes under the shown leaf; regenerate and continue put a
sibling beside a reply, edit beside a prompt. Nothing that was there changes but the head.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from chat.access import message_for_user
from chat.errors import CannotContinue, GenerationRunning, Invalid, NotFound, NoTrace
from chat.models import (
    DEFAULT_TITLE,
    UNFINISHED,
    Conversation,
    FinishReason,
    Generation,
    Message,
    Role,
    Status,
)

_TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Branch:
    """What was written for a generation, enough to take it back."""

    conversation: Conversation
    reply: Message
    head_before_id: int | None
    prompt: Message | None = None  # None where an older prompt is answered again
    is_new_conversation: bool = False


def write_exchange(user: User, conversation_id: int | None, text: str) -> Branch:
    """A prompt under the shown leaf, and its empty reply. Run inside a transaction."""
    is_new = conversation_id is None
    if conversation_id is None:
        conversation = Conversation.objects.create(user=user)
    else:
        conversation = _locked(user, conversation_id)
    before_id = conversation.head_id
    if conversation.title == DEFAULT_TITLE and before_id is None:
        conversation.title = make_title(text)
    prompt, reply = _append(conversation, before_id, text)
    return Branch(conversation, reply, before_id, prompt, is_new)


def write_edit(user: User, message_id: int, text: str) -> Branch:
    """Another prompt beside the user's message, and its empty reply. Inside a transaction."""
    edited = message_for_user(user=user, message_id=message_id)
    if edited.role != Role.USER:
        raise Invalid("Only your own messages can be edited.")
    conversation = _locked(user, edited.conversation_id)
    _check_shown(edited)
    before_id = conversation.head_id
    prompt, reply = _append(conversation, edited.parent_id, text)
    return Branch(conversation, reply, before_id, prompt)


def write_again(
    user: User, message: Message, content: str = "", *, is_begun: bool = False
) -> Branch:
    """Another reply, empty so far, to the prompt that `message` answers (or is).

    With `is_begun` it begins with the message's words. Run inside a transaction. Raises NotFound
    where a moderator has hidden what it is made of since that was read.
    """
    prompt = message if message.role == Role.USER else message.parent
    if prompt is None:
        raise Invalid("This message answers nothing.")
    conversation = _locked(user, message.conversation_id)
    _check_shown(prompt, *([message] if is_begun else []))
    before_id = conversation.head_id
    reply = Message.objects.create(
        conversation=conversation, parent=prompt, role=Role.ASSISTANT, content=content
    )
    _show(conversation, reply)
    return Branch(conversation, reply, before_id)


def continued_generation(message: Message) -> Generation:
    """The generation that can go on; raises CannotContinue.

    What the model ended by itself is complete; what length, a stop or a failure ended is not.
    """
    generation = Generation.objects.filter(message=message).first()
    if generation is None or generation.status in UNFINISHED or not message.content:
        raise CannotContinue
    if generation.finish_reason == FinishReason.STOP:
        raise CannotContinue("The model has ended this reply by itself.")
    if generation.finish_reason == FinishReason.FILTERED:
        raise CannotContinue("A safety rule has ended this reply.")
    return generation


def traced_generation(message: Message) -> Generation:
    """The generation whose tokens were recorded; raises NoTrace, GenerationRunning."""
    generation = Generation.objects.filter(message=message).first()
    if generation is not None and generation.status in UNFINISHED:
        raise GenerationRunning(generation=str(generation.pk))
    if generation is None or not generation.has_trace:
        raise NoTrace
    return generation


def take_back(branch: Branch, generation: Generation) -> None:
    """Delete what was written for a generation, unless a worker has it after all."""
    with transaction.atomic():
        row = Generation.objects.select_for_update().filter(pk=generation.pk, status=Status.QUEUED)
        if not row.exists():
            return
        shown = Conversation.objects.filter(pk=branch.conversation.pk, head=branch.reply)
        shown.update(head_id=branch.head_before_id)
        (branch.prompt or branch.reply).delete()  # and with it the reply and the generation
        if branch.is_new_conversation:
            branch.conversation.delete()


def make_title(text: str) -> str:
    """The first words of a prompt, cut between words."""
    line = " ".join(text.split())
    if len(line) <= _TITLE_CHARS:
        return line
    return line[:_TITLE_CHARS].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _locked(user: User, conversation_id: int) -> Conversation:
    """The user's conversation, locked, with no reply under way.

    Raises NotFound or GenerationRunning.
    """
    shown = Conversation.objects.filter(user=user, hidden_at=None)
    rows = shown.select_for_update().filter(pk=conversation_id)
    if (conversation := rows.first()) is None:
        raise NotFound
    running = Generation.objects.filter(conversation=conversation, status__in=UNFINISHED).first()
    if running is not None:
        raise GenerationRunning(generation=str(running.pk))
    return conversation


def _check_shown(*messages: Message) -> None:
    """As they are now, under the lock that who hides takes, too; raises NotFound."""
    now = Message.objects.filter(pk__in=[message.pk for message in messages], hidden_at=None)
    if now.count() < len(messages):
        raise NotFound


def _append(conversation: Conversation, under_id: int | None, text: str) -> tuple[Message, Message]:
    prompt = Message.objects.create(
        conversation=conversation, parent_id=under_id, role=Role.USER, content=text
    )
    reply = Message.objects.create(conversation=conversation, parent=prompt, role=Role.ASSISTANT)
    _show(conversation, reply)
    return prompt, reply


def _show(conversation: Conversation, reply: Message) -> None:
    conversation.head = reply
    conversation.updated_at = timezone.now()
    conversation.save(update_fields=["title", "head", "updated_at"])
