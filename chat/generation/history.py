"""The turns a reply is made from: the database's for members, checked input for guests."""

from __future__ import annotations

from typing import Any

from django.db import connection

from chat.errors import Invalid
from chat.models import Role
from inference.public import Turn

MESSAGE_MAX_CHARS = 4000
HISTORY_MAX_TURNS = 40
HISTORY_MAX_CHARS = 24_000

# Far more than a context of 384 tokens can hold: a turn has at least three.
_MAX_ANCESTORS = 200

_ANCESTORS = """
WITH RECURSIVE line(id, parent_id, role, content, depth) AS (
    SELECT id, parent_id, role, content, 1 FROM chat_message
    WHERE id = (SELECT parent_id FROM chat_message WHERE id = %s)
    UNION ALL
    SELECT m.id, m.parent_id, m.role, m.content, line.depth + 1
    FROM chat_message m JOIN line ON m.id = line.parent_id WHERE line.depth < %s
)
SELECT role, content FROM line ORDER BY depth DESC
"""


def reply_turns(message_id: int) -> list[Turn]:
    """The branch that the reply `message_id` answers, oldest first; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_ANCESTORS, [message_id, _MAX_ANCESTORS])
        rows = cursor.fetchall()
    return without_unanswered([Turn(role, content) for role, content in rows])


def without_unanswered(turns: list[Turn]) -> list[Turn]:
    """Leave out exchanges whose reply failed: an empty answer teaches the model silence."""
    kept: list[Turn] = []
    for turn in turns:
        if turn.role == "assistant" and not turn.content.strip():
            if kept and kept[-1].role == "user":
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
    return without_unanswered(turns)


def _check_turn(item: Any) -> Turn:
    if not isinstance(item, dict) or set(item) != {"role", "content"}:
        raise _bad_history("objects with role and content")
    role, content = item["role"], item["content"]
    if role not in Role.values or not isinstance(content, str) or not _is_unicode(content):
        raise _bad_history("role is user or assistant, content a text")
    if len(content) > MESSAGE_MAX_CHARS:
        raise _bad_history(f"at most {MESSAGE_MAX_CHARS} characters in a turn")
    return Turn(role, content.replace("\x00", ""))


def _is_unicode(text: str) -> bool:
    """False for lone surrogates, which JSON can carry and nothing can store."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _bad_history(expected: str) -> Invalid:
    detail = f"The history is not valid: expected {expected}."
    return Invalid(detail, fields={"history": [detail]})
