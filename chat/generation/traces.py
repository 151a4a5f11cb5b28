"""What a model thought at each token of a member's reply: written with its end, read by its owner.

A trace is as complete as its text, or it is not kept: whoever looks inside a reply and branches
off at some token counts tokens from the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.models import User
from chat.access import readable_message_for_user
from chat.errors import Invalid, NotFound
from chat.models import Generation, Trace

# [id, text, logprob] of a token; a row is a token's with its alternatives behind.
Row = list[Any]


def trace_pack(logprobs: Sequence[dict[str, Any]]) -> list[Row]:
    """As it is stored: names that repeat with every token would be half of it."""
    return [[*_values(token), [_values(t) for t in token["top"]]] for token in logprobs]


def trace_unpack(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """As it travels, like the `logprobs` of token events."""
    return [{**_named(row[:3]), "top": [_named(t) for t in row[3]]} for row in rows]


def trace_write(*, generation: Generation, rows: Sequence[Row]) -> None:
    """Write or overwrite; one query. Run it in the transaction that says `has_trace`."""
    Trace.objects.bulk_create(
        [Trace(generation=generation, tokens=list(rows))],
        update_conflicts=True, unique_fields=["generation"], update_fields=["tokens"],
    )  # fmt: skip


def trace_rows(generation: Generation) -> list[Row]:
    """The rows of a generation; none where nothing is stored."""
    rows = Trace.objects.filter(generation=generation).values_list("tokens", flat=True)
    return rows.first() or []


def branch_rows(rows: Sequence[Row], at: int, token: int) -> list[Row]:
    """The rows of a reply that says `token` after the first `at` ones; raises Invalid.

    It must be one of the tokens that were recorded there: their log-probabilities are known.
    """
    if not 0 <= at < len(rows):
        detail = f"The reply has tokens 0 to {len(rows) - 1}."
        raise Invalid(detail, fields={"at": [detail]})
    *chosen, top = rows[at]
    for alternative in (chosen, *top):
        if alternative[0] == token:
            return [*rows[:at], [*alternative, top]]
    detail = "This token is not one of the alternatives there."
    raise Invalid(detail, fields={"token": [detail]})


def message_trace(*, user: User, message_id: int) -> list[dict[str, Any]]:
    """The trace of one of the user's messages; raises NotFound where nothing was recorded."""
    message = readable_message_for_user(user=user, message_id=message_id)
    generation = Generation.objects.filter(message=message, has_trace=True).first()
    if generation is None:
        raise NotFound("Nothing was recorded of this message.")
    return trace_unpack(trace_rows(generation))


def _values(token: dict[str, Any]) -> Row:
    return [token["id"], token["text"], token["logprob"]]


def _named(row: Row) -> dict[str, Any]:
    return dict(zip(("id", "text", "logprob"), row, strict=True))
