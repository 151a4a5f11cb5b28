"""The shape of a GPT, as written in a checkpoint's `config.json`. Knows no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

ACTIVATIONS = ("gelu", "relu")

# Far above anything this project serves; they keep a hostile config.json from asking for terabytes.
_MAX_LAYERS, _MAX_WIDTH, _MAX_VOCAB, _MAX_CONTEXT = 64, 4096, 262_144, 8192


class ConfigError(ValueError):
    """A model configuration that is incomplete, of the wrong type or out of bounds."""


@dataclass(frozen=True, slots=True)
class GPTConfig:
    """Sizes of the network; the defaults are those of eugpt-36m."""

    vocab_size: int = 16_387
    context_length: int = 384
    n_layer: int = 6
    n_head: int = 8
    n_embd: int = 512
    activation: str = "gelu"

    def __post_init__(self) -> None:
        limits = {
            "vocab_size": _MAX_VOCAB,
            "context_length": _MAX_CONTEXT,
            "n_layer": _MAX_LAYERS,
            "n_head": _MAX_WIDTH,
            "n_embd": _MAX_WIDTH,
        }
        for name, limit in limits.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= limit:
                raise ConfigError(f"{name} must be an integer from 1 to {limit}, not {value!r}")
        if self.n_embd % self.n_head:
            raise ConfigError(f"n_embd {self.n_embd} is not a multiple of n_head {self.n_head}")
        if self.activation not in ACTIVATIONS:
            raise ConfigError(f"activation must be one of {ACTIVATIONS}, not {self.activation!r}")

    @property
    def head_size(self) -> int:
        return self.n_embd // self.n_head

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GPTConfig:
        """Build from parsed JSON; missing and unknown keys raise `ConfigError`."""
        names = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - names):
            raise ConfigError(f"unknown keys: {', '.join(unknown)}")
        if missing := sorted(names - set(values)):
            raise ConfigError(f"missing keys: {', '.join(missing)}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
