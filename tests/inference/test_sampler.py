"""A row stands alone whatever else is in the batch; bans, bias, penalty and log-probabilities."""

import math
import random
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.engine.request import Request, TokenLogprobs
from inference.engine.sampler import Sampler
from tests.support.sampling import BANNED, END, FILTERS, V, draw, ids, make_logits, make_request


def mixed_requests() -> list[Request]:
    """All filters, with and without penalty, bias, least length and log-probabilities."""
    extras: list[dict[str, Any]] = [
        {}, {"repetition_penalty": 1.3}, {"logit_bias": ((5, 8.0), (END, 30.0)), "min_tokens": 4},
        {"logprobs": 3}, {"logprobs": 5, "repetition_penalty": 0.8, "logit_bias": ((7, -100.0),)},
    ]  # fmt: skip
    rng = random.Random(1)
    return [
        make_request(
            rng.getrandbits(62), [rng.randrange(V) for _ in range(rng.randrange(1, 30))],
            [rng.randrange(V) for _ in range(rng.randrange(6))], **params, **extra,
        )
        for params in FILTERS
        for extra in extras
    ]  # fmt: skip


@pytest.mark.parametrize("step", [0.0, 0.25])
def test_row_alone_equals_row_in_any_batch(step: float) -> None:
    requests = mixed_requests()
    logits = make_logits(len(requests), seed=3, step=step)
    alone = [draw(logits[i : i + 1], [r])[0] for i, r in enumerate(requests)]
    assert len(set(ids(alone))) > 30
    sampler = Sampler(V, BANNED, END)
    rng = random.Random(2)
    for size in (len(requests), 2, 3, 8, 33, 64):
        rows = rng.sample(range(len(requests)), size)
        together = draw(logits[rows], [requests[i] for i in rows], sampler)
        assert together == [alone[i] for i in rows]


def test_row_alone_equals_row_in_a_batch_of_the_released_vocabulary() -> None:
    logits = make_logits(64, 16387, seed=8, step=0.0625)
    requests = [make_request(i, logprobs=i % 6, **FILTERS[i % len(FILTERS)]) for i in range(64)]
    alone = [draw(logits[i : i + 1], [r])[0] for i, r in enumerate(requests)]
    assert draw(logits, requests) == alone
    assert draw(logits.flip(0), requests[::-1]) == alone[::-1]


def step_logits(request: Request) -> Tensor:
    """What a model gives after the request's tokens: much the same each time, so words recur."""
    base = make_logits(1, seed=request.seed) / 2
    return base + make_logits(1, seed=1000 * request.seed + len(request.generated)) / 8


def test_joining_leaving_and_reordering_change_nothing() -> None:
    """The sampler keeps arrays, and the places that a penalty touches, between steps."""
    params: list[dict[str, Any]] = [
        {}, {"temperature": 0}, {"repetition_penalty": 1.9}, {"top_k": 0, "top_p": 0.9},
        {"repetition_penalty": 1.5, "logit_bias": ((4, 5.0),)}, {"min_tokens": 9},
    ]  # fmt: skip
    alone, together = (
        [make_request(i, [i, 20 + i], **p) for i, p in enumerate(params)] for _ in range(2)
    )
    steps, sampler, rng = 30, Sampler(V, BANNED, END), random.Random(3)
    for request in alone:
        for _ in range(steps):
            (sampled,) = sampler.sample(step_logits(request), [request])
            request.generated.append(sampled.token_id)
    while unfinished := [r for r in together if len(r.generated) < steps]:
        batch = rng.sample(unfinished, min(len(unfinished), rng.choice([1, 2, 2, 3, 6])))
        for _ in range(rng.choice([1, 1, 4])):
            batch = [r for r in batch if len(r.generated) < steps]
            if batch:
                sampled_rows = sampler.sample(torch.cat([step_logits(r) for r in batch]), batch)
                for request, token in zip(batch, ids(sampled_rows), strict=True):
                    request.generated.append(token)
    assert [r.generated for r in together] == [r.generated for r in alone]


def test_seed_and_step_decide_and_nothing_else() -> None:
    logits = (make_logits(1) / 4).repeat(50, 1)
    same = ids(draw(logits, [make_request(5) for _ in range(50)]))
    assert len(set(same)) == 1
    assert len(set(ids(draw(logits, [make_request(i) for i in range(50)])))) > 3
    steps = [make_request(5, generated=[1] * i) for i in range(50)]
    assert len(set(ids(draw(logits, steps)))) > 3


def test_greedy_takes_the_lowest_id_of_equals() -> None:
    logits = make_logits(3)
    logits[:, [600, 41, 900]] = 50.0
    params: list[dict[str, Any]] = [{"temperature": 0}, {"top_k": 1}, {}]
    requests = [make_request(i, **p) for i, p in enumerate(params)]
    assert ids(draw(logits[:2], requests[:2])) == [41, 41]
    assert ids(draw(logits, requests))[:2] == [41, 41]


def test_end_waits_for_min_tokens() -> None:
    logits = make_logits(4)
    logits[:, END] = 1000.0
    bias = ((END, 100.0),)
    requests = [make_request(i, generated=[1] * i, min_tokens=2, logit_bias=bias) for i in range(4)]
    chosen = ids(draw(logits, requests))
    assert END not in chosen[:2]
    assert chosen[2:] == [END, END]


def test_banned_ids_are_never_chosen() -> None:
    bias = tuple((i, 100.0) for i in BANNED)
    requests = [make_request(i, **p, logit_bias=bias) for i, p in enumerate(FILTERS)]
    for seed in range(5):
        logits = make_logits(len(requests), seed=seed)
        logits[:, list(BANNED)] = 1000.0
        assert not {*ids(draw(logits, requests))} & {*BANNED}


def test_logit_bias_forces_and_forbids() -> None:
    logits = make_logits(len(FILTERS), seed=4)
    likeliest = logits.argmax(1).tolist()
    forced = [make_request(i, logit_bias=((77, 100.0),), **p) for i, p in enumerate(FILTERS)]
    assert set(ids(draw(logits, forced))) == {77}
    forbidden = [
        make_request(i, logit_bias=((top, -100.0),), **p)
        for i, (top, p) in enumerate(zip(likeliest, FILTERS, strict=True))
    ]
    chosen = ids(draw(logits, forbidden))
    assert all(got != top for got, top in zip(chosen, likeliest, strict=True))


def test_logit_bias_shifts_by_its_value_and_ignores_ids_of_another_vocabulary() -> None:
    logits = make_logits(6, seed=6)
    bias = ((10, 2.5), (500, -1.0), (V, 100.0), (V + 1, 100.0))
    biased = logits.clone()
    biased[::2] += torch.zeros(V).index_add_(0, torch.tensor([10, 500]), torch.tensor([2.5, -1.0]))
    requests = [make_request(i, logit_bias=bias if i % 2 == 0 else ()) for i in range(6)]
    assert ids(draw(logits, requests)) == ids(draw(biased, [make_request(i) for i in range(6)]))


@pytest.mark.parametrize("penalty", [1.4, 0.6])
def test_repetition_penalty_counts_prompt_and_reply_but_not_the_end(penalty: float) -> None:
    logits = make_logits(4, seed=7)
    logits[:, END] = 12.0
    sampler, plain = Sampler(V, BANNED, END), Sampler(V, BANNED, END)
    requests = [
        make_request(i, [1, 2, END, 2], [40], repetition_penalty=1 if i == 3 else penalty)
        for i in range(4)
    ]
    for step in range(6):
        expected = logits.clone()
        for row, request in zip(expected[:3], requests, strict=False):
            for token in {*request.prompt_ids, *request.generated} - {END}:
                row[token] = row[token] / penalty if row[token] > 0 else row[token] * penalty
        reference = [make_request(i, generated=r.generated) for i, r in enumerate(requests)]
        assert ids(draw(logits, requests, sampler)) == ids(draw(expected, reference, plain))
        for i, request in enumerate(requests):
            likeliest = expected[i].topk(3).indices.tolist()
            request.generated.append(next(t for t in likeliest if t != END) if step else END)


def test_logprobs_are_those_of_the_model() -> None:
    """Neither bans nor bias, penalty, temperature or filters show in them."""
    logits = make_logits(4, seed=9, step=0.5)
    logits[:, BANNED[1]] = 30.0
    expected = logits.log_softmax(-1)
    bias = ((6, 50.0),)
    requests = [
        make_request(0, logprobs=5), make_request(1),
        make_request(2, logprobs=1, temperature=0, logit_bias=bias),
        make_request(3, logprobs=3, top_k=0, repetition_penalty=2.0),
    ]  # fmt: skip
    sampled = draw(logits, requests)
    assert sampled[1].logprobs is None
    assert sampled[2].token_id == 6
    for i in (0, 2, 3):
        report, count = sampled[i].logprobs, requests[i].params.logprobs
        assert isinstance(report, TokenLogprobs)
        assert report.token_id == sampled[i].token_id
        assert report.logprob == pytest.approx(expected[i, report.token_id].item(), abs=1e-6)
        order = sorted(range(V), key=lambda t: (-logits[i, t].item(), t))
        assert [token for token, _ in report.top] == order[:count]
        values = [expected[i, token].item() for token in order[:count]]
        assert [value for _, value in report.top] == pytest.approx(values, abs=1e-6)


def test_logprobs_of_a_whole_vocabulary_sum_to_one() -> None:
    sampler = Sampler(5, (), 4)
    (sampled,) = sampler.sample(make_logits(1, 5), [make_request(1, logprobs=5, top_k=2)])
    assert sampled.logprobs is not None
    assert sum(math.exp(value) for _, value in sampled.logprobs.top) == pytest.approx(1, abs=1e-6)
    assert (sampled.token_id, sampled.logprobs.logprob) in sampled.logprobs.top


@pytest.mark.parametrize("params", FILTERS, ids=str)
def test_row_of_nan_ends_and_its_neighbours_do_not_notice(params: dict[str, Any]) -> None:
    logits = make_logits(3, seed=11)
    requests = [make_request(i, **params) for i in range(3)]
    expected = ids(draw(logits, requests))
    logits[1] = math.nan
    assert ids(draw(logits, requests)) == [expected[0], END, expected[2]]
    assert ids(draw(logits[1:2], requests[1:2])) == [END]
