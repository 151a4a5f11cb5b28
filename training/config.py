"""The TOML file of a training run, read once into frozen objects; unknown keys are errors."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

KINDS = ("smalltalk", "drill", "turns", "text", "sentences", "stories")
_CHOICES = {
    "loss_on": ("all", "assistant"),
    "optimizer": ("muon", "adamw"),
    "schedule": ("trapezoid", "cosine"),
    "precision": ("bf16", "fp32"),
}


class ConfigError(ValueError):
    """A run configuration with a missing, unknown or impossible value."""


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One data source and its share of the training tokens (shares are relative)."""

    name: str
    kind: str  # one of KINDS
    share: float
    path: str
    min_simple: float = 0.0
    openings_only: bool = False
    skip_persona: str = ""
    files: str = "*.txt"  # of a small-talk folder


@dataclass(frozen=True, slots=True)
class SoftConfig:
    """A store of a teacher's distributions and how much the run uses it."""

    path: str
    share: float  # of a batch's rows
    weight: float = 0.7  # of the teacher's distribution; the rest is the ordinary loss


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything that decides a run's outcome."""

    name: str
    tokenizer: str
    tokens: int
    sources: tuple[SourceConfig, ...]
    seed: int = 1
    rows: int = 16
    loss_on: str = "all"  # all | assistant
    dropout: float = 0.0
    optimizer: str = "muon"  # muon (AdamW for all but the blocks' matrices) | adamw
    lr_matrices: float = 2.5e-3
    lr_other: float = 1e-3
    weight_decay: float = 0.05
    schedule: str = "trapezoid"  # trapezoid | cosine
    warmup: float = 0.03  # of the run
    decay_from: float = 0.4  # of the run; a cosine falls from the end of the warm-up on
    label_smoothing: float = 0.0
    z_loss: float = 0.0  # 1e-4 is usual
    max_minutes: float = 0.0  # 0: no limit; else the schedule ends by then at the latest
    eval_every: int = 100
    checkpoint_minutes: float = 5.0
    init_from: str = ""
    patience: int = 0  # evaluations without a better held-out loss before stopping; 0: never
    samples: bool = True  # a few replies at each evaluation
    precision: str = "bf16"  # bf16 (autocast) | fp32
    compile: bool = True
    shards: str = ""  # folder written by `prepare`; sources without a shard are read as they are
    soft: SoftConfig | None = None
    model: dict[str, int | str] = field(default_factory=dict)


def read_config(path: Path, root: Path) -> RunConfig:
    """Read a run; paths inside are relative to `root` unless absolute."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    sources = tuple(
        _build(SourceConfig, {**row, "path": str(root / row.get("path", ""))}, f"{path}: source")
        for row in raw.pop("source", [])
    )
    if not sources:
        raise ConfigError(f"{path}: no [[source]]")
    for key in ("tokenizer", "init_from", "shards"):
        if raw.get(key):
            raw[key] = str(root / raw[key])
    if "soft" in raw:
        soft = {**raw["soft"], "path": str(root / raw["soft"].get("path", ""))}
        raw["soft"] = _build(SoftConfig, soft, f"{path}: soft")
    config: RunConfig = _build(RunConfig, {**raw, "sources": sources}, str(path))
    for key, choices in _CHOICES.items():
        _check(getattr(config, key), choices, f"{path}: {key}")
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise ConfigError(f"{path}: two sources have the same name")
    if min(config.rows, config.tokens, *(source.share for source in sources)) <= 0:
        raise ConfigError(f"{path}: rows, tokens and every share must be above 0")
    for source in sources:
        _check(source.kind, KINDS, f"{path}: source {source.name}: kind")
    return config


def _check(value: str, choices: tuple[str, ...], where: str) -> None:
    if value not in choices:
        raise ConfigError(f"{where} must be one of {', '.join(choices)}, not {value!r}")


def _build(kind: Any, values: dict[str, Any], where: str) -> Any:
    known = {f.name for f in fields(kind)}
    required = {
        f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING
    }
    if unknown := sorted(set(values) - known):
        raise ConfigError(f"{where}: unknown keys {', '.join(unknown)}")
    if missing := sorted(required - set(values)):
        raise ConfigError(f"{where}: missing keys {', '.join(missing)}")
    return kind(**values)
