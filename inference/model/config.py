"""The shape of a GPT, as written in a checkpoint's `config.json`. Knows no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

ACTIVATIONS = ("gelu", "relu", "swiglu")
POSITIONS = ("learned", "rotary")
NORMS = ("layer", "rms")

# Far above anything this project serves; they keep a hostile config.json from asking for terabytes.
_MAX_LAYERS, _MAX_WIDTH, MAX_VOCAB, _MAX_CONTEXT = 64, 4096, 262_144, 8192
_MAX_THETA = 100_000_000


# Keys that came after the first release: its config.json lacks them and means the defaults.
_SINCE_LLAMA = {"positions", "norm", "n_hidden", "rope_theta"}


class ConfigError(ValueError):
    """A model configuration that is incomplete, of the wrong type or out of bounds."""


@dataclass(frozen=True, slots=True)
class GPTConfig:
    """Shape of the network. Two families are in use: GPT-2's (learned positions, LayerNorm, GELU or
    ReLU), the defaults, and Llama's (rotary positions, RMSNorm, SwiGLU).
    """

    vocab_size: int = 16_387
    context_length: int = 384
    n_layer: int = 6
    n_head: int = 8
    n_embd: int = 512
    activation: str = "gelu"
    positions: str = "learned"
    norm: str = "layer"
    n_hidden: int = 0  # width inside the MLP; 0: four times n_embd
    rope_theta: int = 10_000  # base of the rotary frequencies

    def __post_init__(self) -> None:
        limits = {
            "vocab_size": MAX_VOCAB,
            "context_length": _MAX_CONTEXT,
            "n_layer": _MAX_LAYERS,
            "n_head": _MAX_WIDTH,
            "n_embd": _MAX_WIDTH,
            "rope_theta": _MAX_THETA,
        }
        for name, limit in limits.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= limit:
                raise ConfigError(f"{name} must be an integer from 1 to {limit}, not {value!r}")
        if self.n_embd % self.n_head:
            raise ConfigError(f"n_embd {self.n_embd} is not a multiple of n_head {self.n_head}")
        if type(self.n_hidden) is not int or not 0 <= self.n_hidden <= 4 * _MAX_WIDTH:
            raise ConfigError(f"n_hidden must be from 0 to {4 * _MAX_WIDTH}, not {self.n_hidden!r}")
        choices = {"activation": ACTIVATIONS, "positions": POSITIONS, "norm": NORMS}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name} must be one of {allowed}, not {getattr(self, name)!r}")
        if self.positions == "rotary" and self.head_size % 2:
            raise ConfigError(f"rotary positions need an even head size, not {self.head_size}")

    @property
    def head_size(self) -> int:
        return self.n_embd // self.n_head

    @property
    def hidden_size(self) -> int:
        return self.n_hidden or 4 * self.n_embd

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GPTConfig:
        """Build from parsed JSON; missing and unknown keys raise `ConfigError`."""
        names = {field.name for field in fields(cls)}
        required = names - _SINCE_LLAMA
        if unknown := sorted(set(values) - names):
            raise ConfigError(f"unknown keys: {', '.join(unknown)}")
        if missing := sorted(required - set(values)):
            raise ConfigError(f"missing keys: {', '.join(missing)}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
