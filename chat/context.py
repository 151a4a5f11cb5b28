"""What the model would see if the user sent a message now: tokens of each message, and the window.

Asks the same `fit` as the worker, of the same turns, so that the page's meter and the prompt can
never disagree. Older messages than fit are not counted: they are outside, whatever their length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chat.generation.checks import chat_format
from chat.generation.history import (
    MAX_TURNS,
    StoredTurn,
    check_turns,
    stored_turns,
    without_unanswered,
)
from chat.models import Conversation
from inference.public import MIN_REPLY_TOKENS, PromptTooLong, Turn


@dataclass(frozen=True, slots=True)
class MessageTokens:
    """One message of the shown branch; `tokens` is None where it was not counted.

    `id` is the message's, or the place in a history that is not stored.
    """

    id: int
    tokens: int | None
    is_inside: bool


@dataclass(frozen=True, slots=True)
class DraftTokens:
    """The message to be sent; beyond `limit` it would be refused with `prompt_too_long`."""

    tokens: int
    limit: int
    fits: bool


@dataclass(frozen=True, slots=True)
class ContextUsage:
    """The context window with a draft in it, in tokens.

    `total` is the prompt (the messages inside, the draft, the marks between), `limit` the whole
    window, `reserved` what is kept free for the reply. `messages` has the newest of the shown
    branch, oldest first; what it does not name is outside.
    """

    model: str
    limit: int
    reserved: int
    total: int
    draft: DraftTokens
    messages: list[MessageTokens]


def context_usage(*, conversation: Conversation, draft: str, max_tokens: int) -> ContextUsage:
    """Count for a draft (or "") and a reply of `max_tokens`. Two queries.

    Raises ModelUnavailable.
    """
    line = stored_turns(conversation.head_id, MAX_TURNS - 1)
    return _usage(line, draft, max_tokens)


def context_usage_detached(*, history: Any, draft: str, max_tokens: int) -> ContextUsage:
    """The same for turns that are stored nowhere. One query. Raises Invalid, ModelUnavailable."""
    turns = enumerate(check_turns(history))
    line = [StoredTurn(turn.role, turn.content, number) for number, turn in turns]
    return _usage(line, draft, max_tokens)


def _usage(line: Sequence[StoredTurn], draft: str, max_tokens: int) -> ContextUsage:
    model = chat_format()
    sent = without_unanswered(list(line))
    turns = [*(Turn(turn.role, turn.content) for turn in sent), Turn("user", draft)]
    try:
        prompt = model.fit(turns, max_tokens)
    except PromptTooLong as error:
        return ContextUsage(
            model=model.name,
            limit=model.context_length,
            reserved=MIN_REPLY_TOKENS,
            total=error.tokens,
            draft=DraftTokens(error.tokens, error.limit, False),
            messages=[MessageTokens(turn.message_id, None, False) for turn in line],
        )
    # The mark that the reply begins with counts as the draft's, as in `prompt_too_long`.
    draft_tokens = (prompt.turn_tokens[-1] or 0) + 1
    counted = zip(sent, prompt.turn_tokens, strict=False)  # the draft is the last of the second
    tokens = {turn.message_id: count for turn, count in counted}
    inside = {turn.message_id for turn in sent[prompt.trimmed :]}
    ids = [turn.message_id for turn in line]
    return ContextUsage(
        model=model.name,
        limit=model.context_length,
        reserved=model.context_length - prompt.budget,
        total=len(prompt.token_ids),
        draft=DraftTokens(draft_tokens, model.context_length - MIN_REPLY_TOKENS, True),
        messages=[MessageTokens(i, tokens.get(i), i in inside) for i in ids],
    )
