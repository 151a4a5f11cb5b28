"""What an engine says of a step, for whoever counts. It does not know who does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class StepStats:
    """One step: `seconds` it took, `interval` from the end of the one before to its own."""

    seconds: float = 0.0
    interval: float = 0.0
    batch: int = 0  # requests it computed tokens of
    continued: int = 0  # replies that got a further token, after their first of this engine
    prompt_tokens: int = 0  # of the contexts of those it admitted
    cached_tokens: int = 0  # of these, taken over from a slot
