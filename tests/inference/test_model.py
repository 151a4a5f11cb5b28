"""The network in both of its families: cached = uncached, positions, configurations."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from inference.checkpoint_io import expected_shapes
from inference.model.config import ConfigError, GPTConfig
from inference.model.gpt import GPT, rotary_table, rotate

GPT2 = GPTConfig(vocab_size=97, context_length=32, n_layer=2, n_head=2, n_embd=16)
LLAMA = replace(GPT2, activation="swiglu", positions="rotary", norm="rms", n_hidden=24)


def build(config: GPTConfig) -> GPT:
    torch.manual_seed(3)
    model = GPT(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


@pytest.mark.parametrize("config", [GPT2, LLAMA])
def test_shapes_of_a_checkpoint_are_those_of_the_network(config: GPTConfig) -> None:
    shapes = {name: list(w.shape) for name, w in GPT(config).state_dict().items()}
    assert shapes == expected_shapes(config)


@pytest.mark.parametrize("config", [GPT2, LLAMA])
def test_no_token_sees_a_later_one(config: GPTConfig) -> None:
    model = build(config)
    hidden = model(torch.tensor([[1, 2, 3, 4]]))
    changed = model(torch.tensor([[1, 2, 3, 90]]))
    assert torch.equal(hidden[:, :3], changed[:, :3])
    assert not torch.equal(hidden[:, 3], changed[:, 3])


def test_rotary_scores_depend_on_the_distance_alone() -> None:
    table = rotary_table(LLAMA)
    q, k = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)

    def score(at: int, of: int) -> float:
        angles = [table[:, None, None, i : i + 1] for i in (at, of)]
        return float((rotate(q, angles[0]) * rotate(k, angles[1])).sum())

    assert score(9, 4) == pytest.approx(score(25, 20), abs=1e-5)
    assert score(9, 4) != pytest.approx(score(9, 5), abs=1e-3)


def test_word_order_counts_without_learned_positions() -> None:
    model = build(LLAMA)
    one, other = (model(torch.tensor([ids]))[0, -1] for ids in ([1, 2, 3], [2, 1, 3]))
    assert (one - other).abs().max() > 1e-3


def test_a_config_of_the_first_release_means_the_gpt2_family() -> None:
    old = {k: v for k, v in asdict(GPT2).items() if k in (
        "vocab_size", "context_length", "n_layer", "n_head", "n_embd", "activation"
    )}  # fmt: skip
    assert GPTConfig.from_dict(json.loads(json.dumps(old))) == GPT2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("positions", "absolute"), ("norm", "batch"), ("activation", "tanh"), ("n_hidden", -1),
        ("n_hidden", 1 << 20), ("n_hidden", True), ("rope_theta", 0), ("rope_theta", 1.5),
    ],
)  # fmt: skip
def test_impossible_shapes_are_refused(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=key):
        GPTConfig.from_dict({**asdict(LLAMA), key: value})


def test_rotary_needs_pairs() -> None:
    with pytest.raises(ConfigError, match="even head size"):
        replace(LLAMA, n_embd=6, n_head=2)
