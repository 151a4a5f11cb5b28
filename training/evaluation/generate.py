"""Replies by the engine that serves, many at a time: what users would get, seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inference.chat_template import PromptTooLong, Turn, fit_prompt
from inference.engine.config import EngineConfig
from inference.engine.engine import Engine
from inference.engine.fold import fold
from inference.engine.network import Network
from inference.engine.params import SamplingParams
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer

MAX_TOKENS = 120


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    is_ended: bool  # by <|end|>, not by the limit of tokens


def answers(
    model: GPT,
    tokenizer: Tokenizer,
    conversations: Sequence[Sequence[Turn]],
    *,
    temperature: float,
    seed: int = 1,
    max_tokens: int = MAX_TOKENS,
    slots: int = 32,
    progress: Callable[[int], object] | None = None,
) -> list[Answer]:
    """Answer the last (user) turn of each conversation, in their order. temperature 0 is greedy.

    What one conversation gets does not depend on the others. A message that alone exceeds the
    context gets an empty answer. `progress` is called with the number of newly finished ones.
    """
    if not conversations:
        return []
    config = EngineConfig(slots, len(conversations), deadline_s=float("inf"))
    engine = Engine(Network(fold(model)), tokenizer, config)
    max_tokens = min(max_tokens, model.config.context_length // 2)
    params = SamplingParams(temperature=temperature, max_tokens=max_tokens, seed=seed)
    texts = [""] * len(conversations)
    ended = [False] * len(conversations)
    for i, turns in enumerate(conversations):
        try:
            prompt = fit_prompt(tokenizer, turns, model.config.context_length - max_tokens)
        except PromptTooLong:
            continue
        engine.submit(str(i), prompt.token_ids, params)
    while not engine.is_idle:
        for output in engine.step():
            i = int(output.request_id)
            texts[i] += output.text
            if output.finish:
                ended[i] = output.finish == "stop"
                if progress:
                    progress(1)
    return [Answer(text.strip(), end) for text, end in zip(texts, ended, strict=True)]


def ask(questions: Sequence[str]) -> list[list[Turn]]:
    """Conversations of one user turn each."""
    return [[Turn("user", question)] for question in questions]
