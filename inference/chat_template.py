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
    """A prompt that fits. `trimmed` counts the old messages that were left out."""

    token_ids: list[int]
    trimmed: int


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
    newest message is never cut: if it does not fit alone, `PromptTooLong` is raised.
    """
    exchanges: list[list[int]] = []
    counts: list[int] = []
    for turn in turns:
        if turn.role == "user" or not exchanges:
            exchanges.append([])
            counts.append(0)
        exchanges[-1] += encode_turn(tokenizer, turn)
        counts[-1] += 1
    newest = [*exchanges[-1], tokenizer.assistant_id]
    if len(newest) > budget:
        raise PromptTooLong(len(newest), budget)
    first, total = len(exchanges) - 1, len(newest)
    while first > 0 and total + len(exchanges[first - 1]) <= budget:
        first -= 1
        total += len(exchanges[first])
    ids = [token for exchange in exchanges[first:-1] for token in exchange] + newest
    return FittedPrompt(ids, trimmed=sum(counts[:first]))
