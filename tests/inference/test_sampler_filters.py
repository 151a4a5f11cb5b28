"""Which tokens may be drawn and how often, against slow references in plain Python."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from inference.engine.candidates import NOTHING, Candidates, _pad, _search_on_gpu, find_candidates
from inference.engine.drawing import Group, Vocabulary
from inference.engine.params import SamplingParams
from inference.engine.request import Request
from inference.engine.row_kernels import (
    _ROOM,
    NARROW,
    _least_kept,
    _may_exceed,
    gumbel,
    random_bits,
    step_key,
)
from inference.engine.sampler import Sampler
from tests.support.sampling import BANNED, END, FILTERS, V, draw, ids, make_logits, make_request

_MASK = 2**64 - 1
VOCABULARY = Vocabulary(V, np.array(BANNED), END)


def mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def reference_noise(seed: int, step: int, token: int) -> float:
    golden = 0x9E3779B97F4A7C15
    key = mix((mix((seed + golden) & _MASK) + step * golden) & _MASK)
    uniform = ((mix((key + token * golden) & _MASK) >> 12) + 0.5) * 2.0**-52
    return -math.log(-math.log(uniform))


def reference_kept(row: list[float], params: SamplingParams) -> set[int]:
    """Top-k, then top-p of what is left, then min-p; equals of the last one stay."""
    order = sorted(range(len(row)), key=lambda i: -row[i])
    if params.temperature == 0 or params.top_k == 1:
        return {order[0]}
    least = row[order[min(params.top_k or len(row), len(row)) - 1]]
    order = [i for i in order if row[i] >= least]
    weights = [math.exp((row[i] - row[order[0]]) / params.temperature) for i in order]
    last, before = 0, 0.0
    for place, weight in enumerate(weights):
        if params.top_p < 1 and before >= params.top_p * math.fsum(weights):
            break
        if weight < params.min_p:
            break
        last, before = place, before + weight
    return {i for i in order if row[i] >= row[order[last]]}


def reference_token(row: list[float], request: Request) -> int:
    params = request.params
    kept = sorted(reference_kept(row, params))
    if len(kept) == 1:
        return kept[0]
    step = len(request.generated)
    noise = {i: reference_noise(request.seed, step, i) for i in kept}
    return max(kept, key=lambda i: row[i] / params.temperature + noise[i])


NOT_GREEDY = [p for p in FILTERS if p.get("temperature") != 0 and p.get("top_k") != 1]


@pytest.mark.parametrize("step", [0.0, 0.5])
@pytest.mark.parametrize("params", NOT_GREEDY, ids=str)
def test_filters_keep_what_the_reference_keeps(params: dict[str, Any], step: float) -> None:
    """Those of NumPy and, where they are narrow, those of the kernel."""
    logits = make_logits(8, step=step)
    requests = [make_request(i, **({"temperature": 1.0} | params)) for i in range(8)]
    p = requests[0].params
    k = p.top_k or V
    found = find_candidates(logits, k)
    least = Group(list(range(8)), requests, VOCABULARY, logits.device).least_kept(found.values)
    for row, logit_row in enumerate(logits.tolist()):
        held = row_of(found, row)
        expected = reference_kept(logit_row, p)
        assert {i for i, value in held if value >= least[row]} == expected
        if k <= NARROW:
            values = np.array([value for _, value in held], np.float32)
            bound = _least_kept(values, k, p.temperature, p.top_p, p.min_p)
            assert {i for i, value in held if value >= bound} == expected


def test_row_without_top_p_keeps_what_rounding_would_lose() -> None:
    """Beside a row with top-p; the last of these tokens adds nothing to a sum of 1."""
    logits = torch.linspace(0, -60, V).repeat(2, 1)
    requests = [make_request(1, top_k=990), make_request(2, top_k=990, top_p=0.5)]
    found = find_candidates(logits, 990)
    least = Group([0, 1], requests, VOCABULARY, logits.device).least_kept(found.values)
    assert least[0] == logits[0, 989]
    assert least[1] > least[0]


@pytest.mark.parametrize("vocab_size", [50, 1000, 2500])
@pytest.mark.parametrize("step", [0.0, 0.5])
@pytest.mark.parametrize("params", FILTERS, ids=str)
def test_sampler_chooses_what_the_reference_chooses(
    params: dict[str, Any], step: float, vocab_size: int
) -> None:
    logits = make_logits(12, vocab_size, seed=5, step=step)
    logits[:, 3] = -math.inf
    requests = [make_request(i, generated=[1] * (i % 3), **params) for i in range(12)]
    expected = [reference_token(*pair) for pair in zip(logits.tolist(), requests, strict=True)]
    sampler = Sampler(vocab_size, [3], 2)
    assert ids(draw(logits, requests, sampler)) == expected


@pytest.mark.parametrize("equals", [30, 200, 2500])
def test_sampler_chooses_among_many_equals_and_few_others(equals: int) -> None:
    """More equals than the kernel has room for, few candidates, and chunks with nothing at all."""
    logits = torch.full((6, 2500), -math.inf)
    logits[:, torch.randperm(2500, generator=torch.Generator().manual_seed(1))[:equals]] = 1.0
    logits[3:, 7] = 2.0
    requests = [make_request(i, temperature=0 if i == 5 else 1.0) for i in range(6)]
    expected = [reference_token(*pair) for pair in zip(logits.tolist(), requests, strict=True)]
    assert ids(draw(logits, requests, Sampler(2500, (), 0))) == expected
    assert equals < _ROOM or equals > 4 * _ROOM


def chi_square(counts: dict[int, int], probs: dict[int, float], total: int) -> float:
    assert set(counts) <= set(probs)
    return sum((counts.get(i, 0) - total * p) ** 2 / (total * p) for i, p in probs.items())


@pytest.mark.parametrize(
    ("params", "limit"),
    [
        # Limits are the 99.9 % quantiles for 11, 4 and 11 degrees of freedom.
        ({"top_k": 0, "temperature": 1.0}, 31.3),
        ({"top_k": 5, "temperature": 0.7}, 18.5),
        ({"top_k": 12, "temperature": 1.7}, 31.3),
    ],
)
@pytest.mark.parametrize("across", ["seeds", "steps"])
def test_sampler_follows_the_distribution(
    params: dict[str, Any], limit: float, across: str
) -> None:
    """The share of each token, over many seeds or over the steps of one seed."""
    total, vocab_size = 20_000 if across == "seeds" else 4_000, 12
    row = make_logits(1, vocab_size, seed=1)[0] / 3
    if across == "seeds":
        requests = [make_request(i, **params) for i in range(total)]
    else:
        requests = [make_request(9, generated=[0] * i, **params) for i in range(total)]
    sampler = Sampler(vocab_size, (), 0)
    chosen = ids(sampler.sample(row.repeat(total, 1), requests))
    kept = row.topk(params["top_k"] or vocab_size).indices
    probs = (row[kept] / params["temperature"]).softmax(0).tolist()
    counts = {i: chosen.count(i) for i in set(chosen)}
    assert chi_square(counts, dict(zip(kept.tolist(), probs, strict=True)), total) < limit


def test_sampler_draws_of_neighbouring_steps_and_seeds_are_independent() -> None:
    row, total = torch.tensor([0.0, 0.5, 1.0]), 6_000
    probs = row.softmax(0).tolist()
    pairs = {3 * i + j: probs[i] * probs[j] for i in range(3) for j in range(3)}
    sampler = Sampler(3, (), 0)
    params: dict[str, Any] = {"top_k": 0, "temperature": 1.0}
    by_seed = [make_request(i, **params) for i in range(total + 1)]
    by_step = [make_request(2, generated=[0] * i, **params) for i in range(total + 1)]
    for requests in (by_seed, by_step):
        chosen = ids(sampler.sample(row.repeat(total + 1, 1), requests))
        codes = [3 * a + b for a, b in zip(chosen[::2], chosen[1::2], strict=False)]
        counts = {code: codes.count(code) for code in set(codes)}
        assert chi_square(counts, pairs, len(codes)) < 26.1  # 99.9 % for 8 degrees of freedom


def test_noise_equals_the_reference() -> None:
    for seed in (0, 1, 2**63 - 1):
        for step in (0, 7, 299):
            key = np.uint64(step_key(np.uint64(seed), step))
            for token in (0, 1, 16386):
                noise = gumbel(random_bits(key, token))
                assert noise == pytest.approx(reference_noise(seed, step, token), rel=1e-13)


def test_noise_that_is_not_looked_at_could_not_have_won() -> None:
    top = 2**52 - 1
    edges = [0, 1, top // 2, top, *(top - 2**n + d for n in range(52) for d in (-1, 0, 1))]
    usual = [top - (i * 2654435761) % 2**45 for i in range(500)]
    bits = np.array(edges + usual, np.uint64)
    skipped = 0
    for b in bits:
        for need in (-1.0, 0.0, 1e-9, 0.5, 3.0, 20.0, 36.7, 37.4, 38.0, math.inf):
            if not _may_exceed(b, need):
                assert gumbel(b) <= need
                skipped += 1
    assert skipped > len(bits)


@pytest.mark.parametrize("vocab_size", [5, 50, 1000, 1024, 4099])
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("step", [0.0, 1.0, 100.0])
def test_candidates_hold_the_likeliest(vocab_size: int, rows: int, step: float) -> None:
    logits = make_logits(rows, vocab_size, seed=2, step=step)
    logits[0, ::7] = -math.inf
    for k in (1, 2, 5, 40, 64, 300, vocab_size):
        on_gpu = _pad(*_search_on_gpu(logits, k), rows, vocab_size)
        for found in (find_candidates(logits, k), on_gpu):
            least = logits.topk(min(k, vocab_size)).values[:, -1].clamp_min(-1e30)
            for row in range(rows):
                held = {int(i): float(v) for i, v in row_of(found, row)}
                wanted = (logits[row] >= least[row]).nonzero()[:, 0].tolist()
                assert set(wanted) <= set(held)
                assert list(held) == sorted(held)
                assert all(logits[row, i] == v for i, v in held.items())


def row_of(found: Candidates, row: int) -> list[tuple[Any, Any]]:
    pairs = zip(found.ids[row], found.values[row], strict=True)
    return [(i, v) for i, v in pairs if i != NOTHING]
