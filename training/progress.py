"""Where a run stands, and the bar that shows it. Knows no model."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tqdm import tqdm

from training.config import RunConfig

_KEPT = ("step", "tokens", "elapsed_s", "best", "worse")
_SMOOTH = 0.9  # of the speed shown: how much of it is the earlier steps'


@dataclass(slots=True)
class Progress:
    """Counts of a run; `elapsed_s` is time spent in steps, evaluations not counted."""

    step: int = 0
    tokens: int = 0
    elapsed_s: float = 0.0
    best: float = float("inf")
    worse: int = 0  # evaluations since the best
    history: list[dict[str, Any]] = field(default_factory=list)

    def share(self, config: RunConfig) -> float:
        """How much of the run is over, by tokens or by time, whichever is further."""
        by_time = self.elapsed_s / (60 * config.max_minutes or float("inf"))
        return max(self.tokens / config.tokens, by_time)

    def left_s(self, config: RunConfig, tokens_per_s: float) -> float:
        """Seconds to the end of the schedule, by tokens or by time, whichever is nearer."""
        by_tokens = (config.tokens - self.tokens) / tokens_per_s
        by_time = 60 * config.max_minutes - self.elapsed_s
        return max(0.0, min(by_tokens, by_time) if config.max_minutes else by_tokens)

    def is_overfit(self, config: RunConfig) -> bool:
        return 0 < config.patience <= self.worse

    def state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _KEPT}

    def load_state(self, state: dict[str, Any]) -> None:
        for name in _KEPT:
            setattr(self, name, state[name])


class StatusBar:
    """One line: how much is over, loss, held-out loss, tokens/s, time left."""

    def __init__(self, config: RunConfig, at: Progress, *, is_shown: bool) -> None:
        self.config, self.at = config, at
        self.tokens_per_s = 0.0
        self._bar = tqdm(
            total=1.0,
            disable=not is_shown,
            miniters=0,
            bar_format=config.name + " {percentage:3.0f}%|{bar:20}| {desc}",
        )

    def show(self, loss: float, tokens_per_s: float) -> None:
        kept = _SMOOTH if self.tokens_per_s else 0.0
        self.tokens_per_s = kept * self.tokens_per_s + (1 - kept) * tokens_per_s
        self._bar.set_description_str(self.line(loss), refresh=False)
        self._bar.update(min(1.0, self.at.share(self.config)) - self._bar.n)

    def line(self, loss: float) -> str:
        left = timedelta(seconds=round(self.at.left_s(self.config, self.tokens_per_s)))
        return (
            f"step {self.at.step}, {self.at.tokens:,} tokens, loss {loss:.3f}, "
            f"held out {self.at.best:.3f}, {self.tokens_per_s:,.0f} tokens/s, {left} left"
        )

    def close(self) -> None:
        self._bar.close()
