"""What a transport hands in, checked before anything is written."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chat.errors import BadParams, Invalid, ModelUnavailable, PromptTooLong
from chat.generation.owner import Owner
from inference.public import (
    ChatFormat,
    ParamError,
    SamplingParams,
    Turn,
    active_chat_format,
    parse_params,
)
from inference.public import PromptTooLong as TooLong

CLIENT_ID_PATTERN = r"^[\x20-\x7e]{1,64}$"
_CLIENT_ID = re.compile(CLIENT_ID_PATTERN)


def client_key(owner: Owner, client_id: Any, *words: Any) -> str | None:
    """What makes a repeated request the same one; raises Invalid.

    Guests behind one address share an owner key, so theirs names the `words`, too.
    """
    if client_id is None:
        return None
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        detail = "A text of 1 to 64 plain characters is expected."
        raise Invalid(detail, fields={"client_id": [detail]})
    if owner.user is not None:
        return client_id
    named = json.dumps([client_id, *words], default=str)
    return hashlib.sha256(named.encode()).hexdigest()


def chat_format() -> ChatFormat:
    """The active checkpoint's; raises ModelUnavailable."""
    try:
        active = active_chat_format()
    except ValueError as error:  # the folder of the active checkpoint is gone or broken
        raise ModelUnavailable(retry_after=10) from error
    if active is None:
        raise ModelUnavailable(retry_after=10)
    return active


def checked_params(params: Any, asked: str, begun: str | int = "") -> SamplingParams:
    """Params with a seed of their own: a resumed reply must draw the same tokens.

    They fit the prompt `asked` and, where a reply goes on, its words `begun`, or so many tokens.
    Raises Invalid, BadParams, PromptTooLong, ModelUnavailable.
    """
    model = chat_format()
    if params is not None and not isinstance(params, Mapping):
        detail = "An object is expected."
        raise Invalid(detail, fields={"params": [detail]})
    try:
        sampling = parse_params(dict(params or {}), model.tokenizer.vocab_size)
    except ParamError as error:
        raise BadParams(str(error), param=error.param, allowed=error.allowed) from None
    if sampling.seed is None:
        sampling = replace(sampling, seed=secrets.randbits(32))
    _check_fits(model, sampling, asked, begun)
    return sampling


def _check_fits(model: ChatFormat, params: SamplingParams, asked: str, begun: str | int) -> None:
    """Whether the model can read `asked` and go on after `begun`; raises PromptTooLong."""
    begun_tokens = begun if isinstance(begun, int) else len(model.tokenizer.encode(begun))
    try:
        model.fit([Turn("user", asked)], params.max_tokens, begun_tokens)
    except TooLong as error:
        what = "This reply has no room to go on" if begun else "This message is too long"
        raise PromptTooLong(
            f"{what}: {error.tokens} tokens, the model can read {error.limit}.",
            tokens=error.tokens,
            limit=error.limit,
        ) from None
