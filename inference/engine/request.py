"""The engine's view of one generation: what is asked, how far it is, what comes out of a step."""

from __future__ import annotations

import time
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Literal

from inference.engine.detokenizer import Detokenizer
from inference.engine.params import SamplingParams

Finish = Literal["stop", "length", "cancelled", "error"]


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """Natural-log probabilities of the chosen token and of the likeliest alternatives."""

    token_id: int
    logprob: float
    top: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class StepOutput:
    """What one step produced for one request. `finish` is set on the last one, and only there."""

    request_id: str
    token_ids: tuple[int, ...] = ()
    text: str = ""
    logprobs: TokenLogprobs | None = None
    finish: Finish | None = None
    error: str = ""


@dataclass(slots=True, eq=False)
class Request:
    """A request in the engine. `generated` may start with the tokens of an earlier attempt."""

    id: str
    prompt_ids: list[int]
    params: SamplingParams
    seed: int
    detokenizer: Detokenizer
    deadline: float  # time.monotonic()
    generated: list[int] = field(default_factory=list)
    begun: int = 0  # of these, the tokens it came with
    is_cancelled: bool = False
    created: float = field(default_factory=time.monotonic)
    slot: int = -1  # while it runs
    computed: int = 0  # tokens whose keys and values its slot holds
    context: Context = field(default_factory=copy_context)  # of who submitted it, for log lines

    @property
    def length(self) -> int:
        """Tokens in the context so far, prompt included."""
        return len(self.prompt_ids) + len(self.generated)

    @property
    def left(self) -> int:
        """Tokens to compute before the next can be sampled; 1 while a reply is being written."""
        return self.length - self.computed

    def ids(self, start: int, count: int) -> list[int]:
        """Give `count` tokens of the context from position `start` on."""
        if count == 1 and start == self.length - 1 and self.generated:
            return self.generated[-1:]
        return (self.prompt_ids + self.generated)[start : start + count]
