"""Replies of a model in training: greedy or seeded sampling without a cache, for looking at it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from inference.chat_template import Turn, fit_prompt
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer

PROBES = (
    "hi",
    "what is your name?",
    "i feel sad today",
    "tell me a story about a dog",
    "my name is Ana. what is my name?",
    "what do you like to do?",
    "are you a real person?",
    "what is the capital of france?",
    "can you tell me a joke?",
    "i have a test tomorrow and i am nervous",
)


@torch.inference_mode()
def reply(
    model: GPT,
    tokenizer: Tokenizer,
    messages: Sequence[str],
    *,
    seed: int,
    temperature: float = 0.7,
    top_k: int = 40,
    max_tokens: int = 120,
) -> str:
    """Answer the last of `messages` (user and assistant in turn). temperature 0 is greedy."""
    model.eval()
    roles = ("user", "assistant")
    turns = [Turn(roles[i % 2], text) for i, text in enumerate(messages)]  # type: ignore[arg-type]
    max_tokens = min(max_tokens, model.config.context_length // 2)
    ids = fit_prompt(tokenizer, turns, model.config.context_length - max_tokens).token_ids
    start = len(ids)
    generator = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    while len(ids) - start < max_tokens:
        logits = model.head(model(torch.tensor([ids], device=device))[0, -1]).float().cpu()
        logits[[tokenizer.user_id, tokenizer.assistant_id]] = float("-inf")
        if temperature == 0:
            token = int(logits.argmax())
        else:
            top = (logits / temperature).topk(top_k)
            drawn = torch.multinomial(top.values.softmax(-1), 1, generator=generator)
            token = int(top.indices[drawn])
        if token == tokenizer.end_id:
            break
        ids.append(token)
    return tokenizer.decode(ids[start:])
