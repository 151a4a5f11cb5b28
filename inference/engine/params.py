"""Sampling params: their names, ranges and defaults, checked once at the edge. Knows no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

_STOP_STRINGS, _STOP_CHARS = 4, 64
_SEED_MAX = 2**63 - 1


class ParamError(ValueError):
    """A sampling param that is unknown, of the wrong type or out of its range."""

    def __init__(self, param: str, allowed: str) -> None:
        super().__init__(f"{param}: allowed is {allowed}")
        self.param = param
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one request chooses its tokens.

    temperature 0 is greedy; top_k 0, top_p 1 and min_p 0 switch the filter off; `seed` None lets
    the server pick one; `logprobs` is the number of alternatives reported beside each token.
    """

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    max_tokens: int = 120
    min_tokens: int = 3
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"stop": list(self.stop)}


_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0.0, 2.0),
    "top_k": (0, 1000),
    "top_p": (0.01, 1.0),
    "min_p": (0.0, 1.0),
    "repetition_penalty": (0.5, 2.0),
    "max_tokens": (1, 300),
    "min_tokens": (0, 300),
    "seed": (0, _SEED_MAX),
    "logprobs": (0, 5),
}
_INTEGERS = {"top_k", "max_tokens", "min_tokens", "seed", "logprobs"}
PARAM_NAMES = tuple(field.name for field in fields(SamplingParams))


def parse_params(values: Mapping[str, Any]) -> SamplingParams:
    """Check client input; a missing or null value takes the default. Raises `ParamError`."""
    given = {name: value for name, value in values.items() if value is not None}
    if unknown := sorted(set(given) - set(PARAM_NAMES)):
        raise ParamError(unknown[0][:40], "one of " + ", ".join(PARAM_NAMES))
    checked: dict[str, Any] = {
        n: _stop(v) if n == "stop" else _number(n, v) for n, v in given.items()
    }
    params = SamplingParams(**checked)
    if params.min_tokens > params.max_tokens:
        if "min_tokens" in given:
            raise ParamError("min_tokens", f"0 to max_tokens ({params.max_tokens})")
        return SamplingParams(**checked, min_tokens=params.max_tokens)
    return params


def _number(name: str, value: object) -> float | int:
    low, high = _RANGES[name]
    is_integer = name in _INTEGERS
    allowed = f"{'an integer' if is_integer else 'a number'} from {low:g} to {high:g}"
    if name == "seed":
        allowed = f"an integer from 0 to {_SEED_MAX}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ParamError(name, allowed)
    # NaN fails the comparison; huge integers must not reach a float.
    if not low <= value <= high or (is_integer and value != int(value)):
        raise ParamError(name, allowed)
    return int(value) if is_integer else float(value)


def _stop(value: object) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value
    if (
        not isinstance(stops, list | tuple)
        or len(stops) > _STOP_STRINGS
        or not all(isinstance(s, str) and 0 < len(s) <= _STOP_CHARS for s in stops)
        or not all(s.isprintable() or s.isspace() for s in stops)
    ):
        raise ParamError(
            "stop", f"up to {_STOP_STRINGS} strings of 1 to {_STOP_CHARS} printable characters"
        )
    return tuple(stops)
