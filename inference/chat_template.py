"""The one chat template, used by training and serving alike.

`<|user|>{text}<|assistant|>{text}<|end|>`, repeated; a prompt ends after `<|assistant|>`. An
imported checkpoint has an end mark and blanks of its own (`tokenizer.template`). Knows token ids
and turns, no torch and no Django.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from inference.tokenizer import Tokenizer

Role = Literal["user", "assistant"]


class Turn(NamedTuple):
    role: Role
    content: str


class PromptTooLong(ValueError):
    """The newest message alone does not fit into the context."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"the message has {tokens} tokens, at most {limit} fit")
        self.tokens = tokens
        self.limit = limit


@dataclass(frozen=True, slots=True)
class FittedPrompt:
    """A prompt that fits into `budget` tokens. `trimmed` counts the old messages left out.

    `turn_tokens` has the length of each given turn; None for those beyond the first exchange that
    did not fit, which nobody counted.
    """

    token_ids: list[int]
    trimmed: int
    budget: int
    turn_tokens: list[int | None]


def encode_turn(tokenizer: Tokenizer, turn: Turn) -> list[int]:
    """Give the ids of one finished turn, its marks included."""
    is_user = turn.role == "user"
    before, after = tokenizer.template.user if is_user else tokenizer.template.assistant
    ids = tokenizer.encode(before + turn.content.strip() + after)
    if is_user:
        return [tokenizer.user_id, *ids]
    return [tokenizer.assistant_id, *ids, tokenizer.end_id]


def encode_conversation(
    tokenizer: Tokenizer, turns: Sequence[Turn]
) -> tuple[list[int], list[bool]]:
    """Give ids and loss mask of a finished conversation, for training.

    The mask is True where the token was written by the assistant, `<|end|>` included: these
    are the tokens that serving samples.
    """
    ids: list[int] = []
    mask: list[bool] = []
    for turn in turns:
        part = encode_turn(tokenizer, turn)
        is_assistant = turn.role == "assistant"
        ids += part
        mask += [False] + [is_assistant] * (len(part) - 1)
    return ids, mask


def fit_prompt(tokenizer: Tokenizer, turns: Sequence[Turn], budget: int) -> FittedPrompt:
    """Encode `turns` (the last one the user's) into at most `budget` tokens.

    Oldest whole exchanges (a user turn and what follows it up to the next) leave first; the
    newest message is never cut: if it does not fit alone, `PromptTooLong` is raised. Encodes from
    the newest backwards and stops at what does not fit, so a long past costs nothing.
    """
    starts = [i for i, turn in enumerate(turns) if turn.role == "user" or i == 0]
    turn_tokens: list[int | None] = [None] * len(turns)
    ids = [tokenizer.assistant_id]
    first = end = len(turns)
    for start in reversed(starts):
        parts = [encode_turn(tokenizer, turn) for turn in turns[start:end]]
        turn_tokens[start:end] = [len(part) for part in parts]
        exchange = [token for part in parts for token in part]
        if len(exchange) + len(ids) > budget:
            if end == len(turns):
                raise PromptTooLong(len(exchange) + len(ids), budget)
            break
        ids = exchange + ids
        first = end = start
    return FittedPrompt(ids, trimmed=first, budget=budget, turn_tokens=turn_tokens)
