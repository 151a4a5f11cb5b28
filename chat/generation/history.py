"""The turns a reply is made from: the database's for members, checked input for guests."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from django.db import connection

from chat.errors import Invalid
from chat.models import Generation, Message, Role
from inference.public import Turn

MESSAGE_MAX_CHARS = 4000
HISTORY_MAX_TURNS = 40
HISTORY_MAX_CHARS = 24_000
TURN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "role": {"type": "string", "enum": Role.values},
        "content": {"type": "string", "maxLength": MESSAGE_MAX_CHARS},
    },
    "required": ["role", "content"],
    "additionalProperties": False,
}
KEPT_MAX_TURNS = 200
HISTORY_SCHEMA = {"type": "array", "maxItems": HISTORY_MAX_TURNS, "items": TURN_SCHEMA}
KEPT_SCHEMA = HISTORY_SCHEMA | {"minItems": 1, "maxItems": KEPT_MAX_TURNS}

# Far more than a context of 384 tokens can hold: a turn has at least three.
MAX_TURNS = 200

_LINE = """
WITH RECURSIVE line(id, parent_id, role, content, depth) AS (
    SELECT id, parent_id, role, CASE WHEN hidden_at IS NULL THEN content ELSE '' END, 1
    FROM chat_message WHERE id = %s
    UNION ALL
    SELECT m.id, m.parent_id, m.role, CASE WHEN m.hidden_at IS NULL THEN m.content ELSE '' END,
        line.depth + 1
    FROM chat_message m JOIN line ON m.id = line.parent_id WHERE line.depth < %s
)
SELECT role, content, id FROM line ORDER BY depth DESC
"""


class StoredTurn(NamedTuple):
    """A turn and the message that it is."""

    role: Literal["user", "assistant"]
    content: str
    message_id: int


class _HasText(Protocol):
    @property
    def role(self) -> str: ...
    @property
    def content(self) -> str: ...


SomeTurn = TypeVar("SomeTurn", bound=_HasText)


def stored_turns(leaf_id: int | None, limit: int) -> list[StoredTurn]:
    """The newest `limit` turns of the branch that ends in `leaf_id`, oldest first; one query.

    Hidden ones are empty.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LINE, [leaf_id, limit])
        return [StoredTurn(*row) for row in cursor.fetchall()]


def reply_turns(message_id: int) -> list[Turn]:
    """The branch that the reply `message_id` answers, oldest first; one query."""
    line = stored_turns(message_id, MAX_TURNS + 1)[:-1]
    return without_unanswered([Turn(turn.role, turn.content) for turn in line])


def begun_text(generation: Generation) -> str:
    """The words that a continuation begins with; empty for other generations, and if hidden."""
    if generation.continues_id is None:
        return ""
    rows = Message.objects.filter(generation=generation.continues_id, hidden_at=None)
    text = rows.values_list("content", flat=True).first() or ""
    return text.rstrip("\ufffd")  # a character that the cut went through


def without_unanswered(turns: list[SomeTurn]) -> list[SomeTurn]:
    """Leave out exchanges without a reply, for an empty one teaches the model silence, and those
    without a prompt: either may be hidden.
    """
    kept: list[SomeTurn] = []
    for turn in turns:
        if turn.role == "assistant":
            asked = kept[-1] if kept and kept[-1].role == "user" else None
            is_told = turn.content.strip() and (asked is None or asked.content.strip())
            if not is_told:
                if asked is not None:
                    kept.pop()
                continue
        kept.append(turn)
    while kept and kept[0].role == "assistant":
        kept.pop(0)
    return kept


def check_text(text: object) -> str:
    """A prompt as it is stored and sent; raises Invalid."""
    cleaned = text.replace("\x00", "").strip() if isinstance(text, str) else ""
    if not cleaned:
        raise Invalid("The message is empty.", fields={"message": ["This field may not be blank."]})
    if not _is_unicode(cleaned):
        raise Invalid("The message is not valid Unicode.", fields={"message": ["Not Unicode."]})
    if len(cleaned) > MESSAGE_MAX_CHARS:
        detail = f"The message has more than {MESSAGE_MAX_CHARS} characters."
        raise Invalid(detail, fields={"message": [detail]})
    return cleaned


def check_history(history: Any) -> list[Turn]:
    """A guest's earlier turns that are sent: those that failed are not; raises Invalid."""
    return without_unanswered(check_turns(history))


def check_turns(history: Any) -> list[Turn]:
    """A guest's earlier turns: user and assistant in turn, bounded; raises Invalid."""
    if history is None:
        return []
    if not isinstance(history, list) or len(history) > HISTORY_MAX_TURNS:
        raise _bad_history(f"at most {HISTORY_MAX_TURNS} turns")
    turns = [_check_turn(item) for item in history]
    if sum(len(turn.content) for turn in turns) > HISTORY_MAX_CHARS:
        raise _bad_history(f"at most {HISTORY_MAX_CHARS} characters in all")
    roles = [turn.role for turn in turns]
    if roles != ["user", "assistant"] * (len(roles) // 2):
        raise _bad_history("user and assistant in turn, the last one the assistant's")
    return turns


def check_kept(turns: Any) -> list[Turn]:
    """A whole chat, begun by the user: user and assistant in turn, bounded; raises Invalid.

    A reply may be empty (it failed), a prompt may not.
    """
    if not isinstance(turns, list) or not 1 <= len(turns) <= KEPT_MAX_TURNS:
        raise _bad_history(f"1 to {KEPT_MAX_TURNS} turns", "turns")
    checked = [_check_turn(item, "turns") for item in turns]
    for number, turn in enumerate(checked):
        if turn.role != ("assistant" if number % 2 else "user"):
            raise _bad_history("user and assistant in turn, the first one the user's", "turns")
        if turn.role == "user" and not turn.content.strip():
            raise _bad_history("no empty prompt", "turns")
    return checked


def _check_turn(item: Any, field: str = "history") -> Turn:
    if not isinstance(item, dict) or set(item) != {"role", "content"}:
        raise _bad_history("objects with role and content", field)
    role, content = item["role"], item["content"]
    if role not in Role.values or not isinstance(content, str) or not _is_unicode(content):
        raise _bad_history("role is user or assistant, content a text", field)
    if len(content) > MESSAGE_MAX_CHARS:
        raise _bad_history(f"at most {MESSAGE_MAX_CHARS} characters in a turn", field)
    return Turn(role, content.replace("\x00", ""))


def _is_unicode(text: str) -> bool:
    """False for lone surrogates, which JSON can carry and nothing can store."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _bad_history(expected: str, field: str = "history") -> Invalid:
    detail = f"The {field} {'is' if field == 'history' else 'are'} not valid: expected {expected}."
    return Invalid(detail, fields={field: [detail]})
