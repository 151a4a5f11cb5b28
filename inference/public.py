"""What the other apps may use of inference. Importing it does not import torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings

from inference import checkpoint_io
from inference.chat_template import FittedPrompt, PromptTooLong, Turn, fit_prompt
from inference.checkpoint_io import CheckpointError
from inference.checkpoints import (
    Release,
    active_checkpoint,
    active_checkpoint_name,
    active_release,
    checkpoint_activate,
    checkpoint_activated,
    checkpoint_before,
    checkpoint_card,
    checkpoint_open,
    checkpoint_rollback,
)
from inference.engine.detokenizer import Detokenizer
from inference.engine.errors import EngineDead
from inference.engine.params import ParamError, SamplingParams, params_schema, parse_params
from inference.engine.request import StepOutput, TokenLogprobs
from inference.engine.stats import StepStats
from inference.models import Checkpoint
from inference.tokenizer import Tokenizer

if TYPE_CHECKING:
    from inference.engine.config import Precision
    from inference.engine.thread import EngineThread

__all__ = [
    "MIN_REPLY_TOKENS",
    "Begun",
    "ChatFormat",
    "Checkpoint",
    "CheckpointError",
    "EngineDead",
    "FittedPrompt",
    "ParamError",
    "PromptTooLong",
    "Release",
    "SamplingParams",
    "ServingEngine",
    "StepOutput",
    "StepStats",
    "TokenLogprobs",
    "Turn",
    "active_chat_format",
    "active_checkpoint",
    "active_checkpoint_name",
    "active_release",
    "checkpoint_activate",
    "checkpoint_activated",
    "checkpoint_before",
    "checkpoint_card",
    "checkpoint_open",
    "checkpoint_rollback",
    "params_schema",
    "parse_params",
    "return_memory",
    "start_engine",
]

# The newest message may take the whole context but this: a reply needs some room.
MIN_REPLY_TOKENS = 16


class Begun(NamedTuple):
    """The beginning of a reply: its ids, and its text but what may begin a stop string.

    That rest comes from the engine, as it does while a reply is written.
    """

    token_ids: list[int]
    text: str


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """How one checkpoint turns messages into tokens, and how many it can look at."""

    name: str
    tokenizer: Tokenizer
    context_length: int
    sha256: str

    def fit(self, turns: Sequence[Turn], max_tokens: int, begun_tokens: int = 0) -> FittedPrompt:
        """Make a prompt of `turns` that leaves room for the reply.

        Old exchanges give way to a reply of `max_tokens` (at most half the context); the newest
        message may take all but `MIN_REPLY_TOKENS`. A reply that was begun stands in the context,
        too. Raises `PromptTooLong` beyond that.
        """
        room = self.context_length - begun_tokens
        try:
            return fit_prompt(self.tokenizer, turns, room - min(max_tokens, room // 2))
        except PromptTooLong:
            return fit_prompt(self.tokenizer, turns, room - MIN_REPLY_TOKENS)

    def begin(self, text: str, stop: Sequence[str]) -> Begun:
        """Take `text` as the first words of a reply that the engine goes on with; may be empty."""
        if not text:
            return Begun([], "")
        lead, _ = self.tokenizer.template.assistant
        return self.begin_with(self.tokenizer.encode(lead + text), stop)

    def begin_with(self, ids: Sequence[int], stop: Sequence[str]) -> Begun:
        """Take just these tokens as the first ones of a reply."""
        lead, _ = self.tokenizer.template.assistant
        detokenizer = Detokenizer(self.tokenizer.token_bytes, stop, lead)
        return Begun(list(ids), "".join(map(detokenizer.push, ids)))

    def reply_text(self, ids: Sequence[int]) -> str:
        """The text of a reply that is just these tokens."""
        lead, _ = self.tokenizer.template.assistant
        text = self.tokenizer.decode(ids)
        return text.lstrip(lead) if lead else text

    def wrote(self, name: str, sha256: str) -> bool:
        """Whether ids of the checkpoint `name` are this one's; no hash is kept of older replies."""
        return name == self.name and sha256 in ("", self.sha256)

    def known(self, params: SamplingParams) -> SamplingParams:
        """The params without ids that this vocabulary lacks: another's checked them."""
        size = self.tokenizer.vocab_size
        bias = tuple(pair for pair in params.logit_bias if pair[0] < size)
        return params if bias == params.logit_bias else replace(params, logit_bias=bias)

    def is_end(self, token_id: int) -> bool:
        return token_id == self.tokenizer.end_id

    def is_writable(self, token_id: int) -> bool:
        """Whether a reply may hold it: no marks, and no NUL, which no database takes."""
        raw = self.tokenizer.token_bytes[token_id]
        return bool(raw) and b"\x00" not in raw

    def count_told(self, ids: Sequence[int], text: str) -> int:
        """How many of a reply's tokens have a part in its `text`; those of a stop string do not."""
        lead, _ = self.tokenizer.template.assistant
        detokenizer = Detokenizer(self.tokenizer.token_bytes, (), lead)
        told = 0
        for count, token in enumerate(ids):
            if told >= len(text):
                return count
            told += len(detokenizer.push(token))
        return len(ids)


def active_chat_format() -> ChatFormat | None:
    """The format of the active checkpoint; None when no checkpoint is active.

    Where its folder is bad, that of the one before, which workers start with then. Raises
    `CheckpointError` where that is bad, too, or there is none.
    """
    checkpoint = active_checkpoint()
    if checkpoint is None:
        return None
    try:
        return _format_of(checkpoint)
    except CheckpointError:
        before = checkpoint_before()
        if before is None:
            raise
        return _format_of(before)


def _format_of(checkpoint: Checkpoint) -> ChatFormat:
    folder = settings.MODELS_DIR / checkpoint.path
    return _chat_format(folder, checkpoint.name, checkpoint.sha256)


@lru_cache(maxsize=2)
def _chat_format(folder: Path, name: str, sha256: str) -> ChatFormat:
    """Read once per release: another one in the same folder has another hash."""
    form = checkpoint_io.read_format(folder)
    if form.sha256 != sha256:
        raise CheckpointError("wrong_hash", f"{name} is not what was loaded")
    return ChatFormat(name, form.tokenizer(), form.config.context_length, sha256)


@dataclass(frozen=True, slots=True, eq=False)
class ServingEngine:
    """A running engine and the format of the checkpoint it serves.

    `threads`: cores that a step may use. `has_compiled`: loops were compiled in this process, not
    loaded. It computes with other last bits than those that load them; start over, and it will
    load them, too.
    """

    thread: EngineThread
    format: ChatFormat
    precision: Precision
    threads: int
    has_compiled: bool


def start_engine(
    on_outputs: Callable[[list[StepOutput]], None],
    on_death: Callable[[], None],
    *,
    on_step: Callable[[StepStats], None] = lambda _: None,
    beside: ServingEngine | None = None,
    instead: Checkpoint | None = None,
) -> ServingEngine:
    """Load the active checkpoint and start its engine thread. Imports torch: workers only.

    `beside`: an engine that serves meanwhile. `instead`: what to load, not the active one.
    Raises `CheckpointError` when there is none or its folder is bad.
    """
    from inference.engine.loading import compiled_here, load_engine
    from inference.engine.thread import EngineThread

    registered = instead or active_checkpoint()
    if registered is None:
        raise CheckpointError("not_found", "no checkpoint is active; run load_checkpoint")
    engine = load_engine(
        checkpoint_open(registered),
        slots=settings.SLOTS,
        threads=settings.ENGINE_THREADS,
        precision=settings.PRECISION,
        kept_contexts=settings.KEPT_CONTEXTS,
        before=None if beside is None else beside.precision,
    )
    thread = EngineThread(engine, on_outputs, on_death, on_step)
    thread.start()
    chat_format = ChatFormat(
        registered.name, engine.tokenizer, engine.context_length, registered.sha256
    )
    threads = engine.config.threads
    return ServingEngine(thread, chat_format, engine.precision, threads, compiled_here())


def return_memory() -> None:
    """Give the system what a stopped engine has held. Imports torch: workers only."""
    from inference.engine import loading

    loading.return_memory()
