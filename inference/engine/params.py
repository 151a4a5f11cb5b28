"""Sampling params: their names, ranges and defaults, checked once at the edge. Knows no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

_STOP_STRINGS, _STOP_CHARS = 4, 64
_BIAS_TOKENS, _BIAS_MAX = 64, 100.0
_SEED_MAX = 2**63 - 1
_TOKEN_ID = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)


class ParamError(ValueError):
    """A sampling param that is unknown, of the wrong type or out of its range."""

    def __init__(self, param: str, allowed: str) -> None:
        super().__init__(f"{param}: allowed is {allowed}")
        self.param = param
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one request chooses its tokens.

    temperature 0 is greedy; top_k 0, top_p 1 and min_p 0 switch the filter off, which otherwise
    keeps all tokens as likely as the last one it keeps; `repetition_penalty` counts the tokens of
    prompt and reply; `seed` None lets the server pick one; `logprobs` is the number of
    alternatives reported beside each token, of the model's own distribution; `logit_bias` is
    added to the logits of the given token ids, in ascending order.
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
    logit_bias: tuple[tuple[int, float], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold and `parse_params` takes."""
        bias = {str(token): value for token, value in self.logit_bias}
        return asdict(self) | {"stop": list(self.stop), "logit_bias": bias}


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


def parse_params(values: Mapping[str, Any], vocab_size: int | None = None) -> SamplingParams:
    """Check client input; a missing or null value takes the default. Raises `ParamError`.

    Token ids are checked against `vocab_size` where the caller knows it.
    """
    given = {name: value for name, value in values.items() if value is not None}
    if unknown := sorted(set(given) - set(PARAM_NAMES)):
        raise ParamError(unknown[0][:40], "one of " + ", ".join(PARAM_NAMES))
    checked = {name: _check(name, value, vocab_size) for name, value in given.items()}
    params = SamplingParams(**checked)
    if params.min_tokens > params.max_tokens:
        if "min_tokens" in given:
            raise ParamError("min_tokens", f"0 to max_tokens ({params.max_tokens})")
        return SamplingParams(**checked, min_tokens=params.max_tokens)
    return params


def params_schema() -> dict[str, Any]:
    """Describe what `parse_params` takes, as JSON Schema."""
    defaults = SamplingParams().to_dict()
    properties: dict[str, Any] = {
        name: {
            "type": ["integer" if name in _INTEGERS else "number", "null"],
            "minimum": low,
            "maximum": high,
            "default": defaults[name],
        }
        for name, (low, high) in _RANGES.items()
    }
    del properties["seed"]["default"]  # None: the server picks one
    text = {"type": "string", "minLength": 1, "maxLength": _STOP_CHARS}
    bias = {"type": "number", "minimum": -_BIAS_MAX, "maximum": _BIAS_MAX}
    several = {"type": "array", "items": text, "maxItems": _STOP_STRINGS}
    properties["stop"] = {"anyOf": [text, several, {"type": "null"}], "default": []}
    properties["logit_bias"] = {
        "type": ["object", "null"],
        "propertyNames": {"pattern": "^(0|[1-9][0-9]*)$"},
        "additionalProperties": bias,
        "maxProperties": _BIAS_TOKENS,
        "description": "Token ids, as strings, and what is added to their logits.",
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _check(name: str, value: object, vocab_size: int | None) -> Any:
    if name == "stop":
        return _stop(value)
    if name == "logit_bias":
        return _logit_bias(value, vocab_size)
    return _number(name, value)


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


def _logit_bias(value: object, vocab_size: int | None) -> tuple[tuple[int, float], ...]:
    """Ids are strings, as JSON's keys are, or integers; a second way to write one is refused."""
    ids = f"ids from 0 to {vocab_size - 1}" if vocab_size else "ids"
    bias_range = f"a number from {-_BIAS_MAX:g} to {_BIAS_MAX:g}"
    error = ParamError("logit_bias", f"up to {_BIAS_TOKENS} token {ids}, each with {bias_range}")
    if not isinstance(value, Mapping) or len(value) > _BIAS_TOKENS:
        raise error
    pairs: dict[int, float] = {}
    for token, bias in value.items():
        is_id = not isinstance(token, bool) and _TOKEN_ID.fullmatch(str(token))
        is_number = isinstance(bias, int | float) and not isinstance(bias, bool)
        if not is_id or not is_number or not -_BIAS_MAX <= bias <= _BIAS_MAX:
            raise error
        if vocab_size and int(token) >= vocab_size:
            raise error
        pairs[int(token)] = float(bias)
    return tuple(sorted(pairs.items()))
