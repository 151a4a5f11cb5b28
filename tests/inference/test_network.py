"""Folded, packed and cached, the network computes what the plain one does, in any company."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inference.engine.config import PRECISIONS, Precision
from inference.engine.fold import Affine, fold, hadamard
from inference.engine.kv_cache import KVCache
from inference.engine.linear import pack
from inference.engine.network import Network
from inference.engine.types import Integers
from inference.model.config import GPTConfig
from inference.model.gpt import GPT

GPT2 = GPTConfig(vocab_size=97, context_length=48, n_layer=2, n_head=2, n_embd=32)
LLAMA = replace(GPT2, activation="swiglu", positions="rotary", norm="rms", n_hidden=40)
ODD = replace(LLAMA, n_embd=24, n_hidden=20)  # no power of two anywhere
FAMILIES = [GPT2, LLAMA, ODD, replace(GPT2, activation="relu")]
IDS = np.array([5, 7, 9, 11, 3, 8, 2, 90, 41, 5, 5, 17])


def build(config: GPTConfig) -> GPT:
    torch.manual_seed(3)
    model = GPT(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def run(network: Network, cache: KVCache, ids: Integers, slot: int, start: int = 0) -> torch.Tensor:
    return network.forward(
        ids, np.full(len(ids), slot), np.arange(start, start + len(ids)), cache
    ).clone()


def cache_of(network: Network, slots: int = 4) -> KVCache:
    return KVCache(network.config, slots, is_exact=network.precision == "fp32")


@pytest.mark.parametrize("config", FAMILIES)
def test_network_equals_the_plain_forward_pass(config: GPTConfig) -> None:
    model = build(config)
    network = Network(fold(model))
    with torch.inference_mode():
        expected = model.head(model(torch.from_numpy(IDS)[None]))[0]
    torch.testing.assert_close(
        run(network, cache_of(network), IDS, 2), expected, atol=2e-4, rtol=1e-3
    )


def test_folding_leaves_the_model_as_it_is() -> None:
    model = build(LLAMA)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    fold(model)
    assert all(torch.equal(before[name], w) for name, w in model.state_dict().items())


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("config", [GPT2, LLAMA])
def test_cached_equals_uncached_for_every_split(config: GPTConfig, precision: Precision) -> None:
    network = network_or_skip(config, precision)
    whole = run(network, cache_of(network), IDS, 0)
    for cut in range(1, len(IDS)):
        cache = cache_of(network)
        run(network, cache, IDS[:cut], 1)
        rest = run(network, cache, IDS[cut:], 1, cut)
        compare(rest, whole[cut:], precision)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_rows_do_not_depend_on_the_rows_beside_them(precision: Precision) -> None:
    network = network_or_skip(LLAMA, precision)
    alone = run(network, cache_of(network), IDS, 0)
    cache = cache_of(network)
    other = IDS[::-1].copy()
    run(network, cache, other[:5], 3)
    # One step of different requests: a prefill, a decode step, another prefill between them.
    tokens = np.concatenate((other[5:6], IDS, other[:4]))
    slots = np.concatenate(([3], np.full(len(IDS), 0), np.full(4, 1)))
    positions = np.concatenate(([5], np.arange(len(IDS)), np.arange(4)))
    wanted = np.arange(1, 1 + len(IDS))
    compare(network.forward(tokens, slots, positions, cache, wanted), alone, precision)


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_precisions_stay_near_fp32(precision: Precision) -> None:
    exact = Network(fold(build(LLAMA)))
    network = network_or_skip(LLAMA, precision)
    expected = run(exact, cache_of(exact), IDS, 0).log_softmax(-1)
    got = run(network, cache_of(network), IDS, 0).log_softmax(-1)
    assert float((expected.exp() * (expected - got)).sum(-1).mean()) < 0.01
    assert not torch.equal(expected, got)


@pytest.mark.parametrize("size", [1, 8, 24, 48, 64, 7])
def test_hadamard_is_orthogonal_and_spreads(size: int) -> None:
    matrix = hadamard(size)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(size), atol=1e-5, rtol=0)
    assert torch.equal(matrix, hadamard(size))


def test_copied_slot_goes_on_like_its_source() -> None:
    network = Network(fold(build(LLAMA)), "int8")
    cache = cache_of(network)
    run(network, cache, IDS[:8], 0)
    cache.copy(0, 2, 6)
    rest = run(network, cache, IDS[6:], 2, 6)
    assert torch.equal(rest, run(network, cache_of(network), IDS, 0)[6:])


def network_or_skip(config: GPTConfig, precision: Precision) -> Network:
    try:
        return Network(fold(build(config)), precision)
    except RuntimeError as error:
        pytest.skip(f"no {precision} on this machine: {error}")


def compare(got: torch.Tensor, expected: torch.Tensor, precision: Precision) -> None:
    """int8 sums are integers: equal to the last bit. The others may add in another order."""
    if precision == "int8":
        assert torch.equal(got, expected)
    else:
        atol = 1e-4 if precision == "fp32" else 0.1
        torch.testing.assert_close(got, expected, atol=atol, rtol=1e-3)


def test_int8_without_vnni_keeps_its_inputs_in_seven_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of two products would overflow 16 bits there."""
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    product = pack(Affine(torch.eye(2), torch.zeros(2)), "int8", 6.0)
    got = product(torch.tensor([[12.0, -12.0]]))
    torch.testing.assert_close(got, torch.tensor([[6.0, -6.0]]), atol=0.1, rtol=0)
