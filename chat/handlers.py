"""What each message of a client does: calls one service, answers, follows. Knows no sockets."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from accounts.models import User
from accounts.spans import span
from accounts.suspension import LIFTED, suspension_check
from chat.access import generation_for_reader
from chat.delivery import streams
from chat.delivery.follow import in_thread
from chat.errors import NotAuthenticated, NotFound
from chat.generation.cancel import generation_cancel
from chat.generation.owner import Owner
from chat.generation.submit import (
    Submitted,
    generation_branch,
    generation_continue,
    generation_edit,
    generation_regenerate,
    generation_submit,
)
from chat.models import Generation
from chat.protocol import (
    Branch,
    Cancel,
    ClientMessage,
    Continue,
    Edit,
    Ping,
    Prompt,
    Regenerate,
    Resume,
    parse_uuid,
)
from chat.relays import Relays


@dataclass(frozen=True, slots=True)
class Chat:
    """The open chat of one socket: who talks, how to answer, what is followed."""

    owner: Owner
    answer: Callable[[dict[str, Any]], Awaitable[None]]
    relays: Relays


async def handle(chat: Chat, message: ClientMessage) -> None:
    """Do what the message asks; raises the services' errors. Never waits for a reply."""
    await _HANDLERS[type(message)](chat, message)


async def _ping(chat: Chat, message: Ping) -> None:
    await chat.answer({"type": "pong"})


async def _cancel(chat: Chat, message: Cancel) -> None:
    generation = await _generation(chat, message.generation)
    await in_thread(partial(generation_cancel, generation=generation))


async def _resume(chat: Chat, message: Resume) -> None:
    generation = await _generation(chat, message.generation)
    await chat.relays.follow(generation.pk, message.after or streams.START)


async def _prompt(chat: Chat, message: Prompt) -> None:
    service = partial(
        generation_submit,
        text=message.text,
        conversation_id=message.conversation if chat.owner.user else None,
        history_input=message.history,
        is_temporary=message.temporary,
    )
    await _submit(chat, message, service)


async def _regenerate(chat: Chat, message: Regenerate) -> None:
    await _submit(chat, message, partial(generation_regenerate, message_id=message.message))


async def _edit(chat: Chat, message: Edit) -> None:
    service = partial(generation_edit, message_id=message.message, text=message.text)
    await _submit(chat, message, service)


async def _continue(chat: Chat, message: Continue) -> None:
    await _submit(chat, message, partial(generation_continue, message_id=message.message))


async def _branch(chat: Chat, message: Branch) -> None:
    service = partial(
        generation_branch, message_id=message.message, at=message.at, token=message.token
    )
    await _submit(chat, message, service)


# By class, looked up with type(): the parameter is exactly the key's class.
_HANDLERS: dict[type[ClientMessage], Callable[[Chat, Any], Awaitable[None]]] = {
    Prompt: _prompt,
    Regenerate: _regenerate,
    Edit: _edit,
    Continue: _continue,
    Branch: _branch,
    Cancel: _cancel,
    Resume: _resume,
    Ping: _ping,
}


async def _submit(
    chat: Chat,
    message: Prompt | Regenerate | Edit | Continue | Branch,
    service: Callable[..., Submitted],
) -> None:
    def submit() -> Submitted:
        _check_active(chat.owner.user)
        return service(owner=chat.owner, params=message.params, client_id=message.client_id)

    with span(f"socket {type(message).__name__.lower()}"):
        submitted = await in_thread(submit)
    await chat.answer(
        {
            "type": "accepted",
            "generation": str(submitted.generation_id),
            "conversation": submitted.conversation_id,
            "user_message": submitted.user_message_id,
            "assistant_message": submitted.assistant_message_id,
            "client_id": message.client_id,
        }
    )
    await chat.relays.follow(submitted.generation_id, place=submitted.place)


def _check_active(user: User | None) -> None:
    """The watcher may need a second to notice; raises Suspended, NotAuthenticated."""
    if user is None:
        return
    now = User.objects.filter(pk=user.pk).only(*LIFTED).first()
    if now is None:  # deleted
        raise NotAuthenticated
    suspension_check(now)


async def _generation(chat: Chat, generation_id: str) -> Generation:
    parsed: uuid.UUID | None = parse_uuid(generation_id)
    try:
        if parsed is None:
            raise NotFound
        find = partial(generation_for_reader, user=chat.owner.user, generation_id=parsed)
        return await in_thread(find)
    except NotFound:
        raise NotFound(generation=generation_id) from None
