"""OpenAI's messages as the turns that our model was trained on."""

from __future__ import annotations

from collections.abc import Sequence

from chat.api.openai.request import ChatMessage
from chat.errors import Invalid
from chat.generation.history import (
    HISTORY_MAX_CHARS,
    HISTORY_MAX_TURNS,
    check_history,
    check_text,
)
from inference.public import Turn

_BETWEEN = "\n\n"


def turns_from(messages: Sequence[ChatMessage]) -> list[Turn]:
    """User and assistant in turn, the last one the user's; raises Invalid.

    The model knows no system role: those texts go in front of the first user message. Messages of
    one role that follow each other become one, and a reply that answers nothing is left out.
    """
    turns: list[Turn] = []
    for message in messages:
        if message.role not in ("user", "assistant"):
            continue
        if turns and turns[-1].role == message.role:
            turns[-1] = Turn(message.role, turns[-1].content + _BETWEEN + message.content)
        elif turns or message.role == "user":
            turns.append(Turn(message.role, message.content))
    if not turns or turns[-1].role != "user":
        raise Invalid("The last message must be the user's.", param="messages")
    system = [m.content for m in messages if m.role in ("system", "developer") and m.content]
    turns[0] = Turn("user", _BETWEEN.join([*system, turns[0].content]))
    return _checked(_newest(turns))


def _newest(turns: list[Turn]) -> list[Turn]:
    """Without the oldest exchanges that are beyond the limits of a history.

    Chat programs send all there was, each time; no context holds as much.
    """
    first, chars = len(turns) - 1, 0
    while first >= 2 and len(turns) + 1 - first <= HISTORY_MAX_TURNS:
        chars += len(turns[first - 2].content) + len(turns[first - 1].content)
        if chars > HISTORY_MAX_CHARS:
            break
        first -= 2
    return turns[first:]


def _checked(turns: list[Turn]) -> list[Turn]:
    """The limits of every transport, told by our one name of the input."""
    try:
        history = check_history([turn._asdict() for turn in turns[:-1]])
        return [*history, Turn("user", check_text(turns[-1].content))]
    except Invalid as error:
        raise Invalid(str(error.detail), param="messages") from None
