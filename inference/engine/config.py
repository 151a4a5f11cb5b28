"""How large an engine is. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["fp32", "bf16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "int8")


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """slots: replies written at once. kept_contexts: finished conversations whose keys and values
    stay, so that their next turn need not be read again. queue_limit: requests that may wait.
    threads: cores that a step may use, 0 for torch's choice.
    """

    slots: int = 16
    kept_contexts: int = 16
    queue_limit: int = 64
    deadline_s: float = 120.0
    threads: int = 0
