"""The equalities that prove the engine, on a tiny random model in fp32 and in int8."""

import random
import time
from typing import Any

import numba
import pytest
import torch

from inference.chat_template import Turn, fit_prompt
from inference.engine.config import EngineConfig
from inference.engine.detokenizer import Detokenizer
from inference.engine.engine import Engine
from inference.engine.errors import EngineDead, EngineFull
from inference.engine.fold import fold
from inference.engine.network import Network
from inference.engine.params import SamplingParams
from inference.engine.request import StepOutput
from inference.engine.thread import EngineThread
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer


def prompt(engine: Engine, text: str) -> list[int]:
    return fit_prompt(engine.tokenizer, [Turn("user", text)], 60).token_ids


def drain(engine: Engine) -> dict[str, list[StepOutput]]:
    """Step until idle; outputs by request."""
    outputs: dict[str, list[StepOutput]] = {}
    while not engine.is_idle:
        for output in engine.step():
            outputs.setdefault(output.request_id, []).append(output)
    return outputs


def ids(outputs: list[StepOutput]) -> list[int]:
    return [token for output in outputs for token in output.token_ids]


def text(outputs: list[StepOutput]) -> str:
    return "".join(output.text for output in outputs)


def run(engine: Engine, message: str, **params: Any) -> list[StepOutput]:
    engine.submit("alone", prompt(engine, message), SamplingParams(**params))
    return drain(engine)["alone"]


def test_engine_greedy_equals_uncached_forward(model: GPT, tokenizer: Tokenizer) -> None:
    engine = Engine(Network(fold(model)), tokenizer, EngineConfig(slots=1))
    start = prompt(engine, "hello there")
    got = ids(run(engine, "hello there", temperature=0, min_tokens=20, max_tokens=20))
    expected = list(start)
    with torch.inference_mode():
        for _ in range(20):
            logits = model.head(model(torch.tensor([expected]))[0, -1])
            banned = list(engine._banned)
            logits[[*banned, engine.tokenizer.end_id]] = float("-inf")
            expected.append(int(logits.argmax()))
    assert got == expected[len(start) :]


def test_engine_batched_and_late_joiners_equal_alone(engine: Engine) -> None:
    """More requests than slots, joining at different steps, leaving at different steps."""
    requests = {
        str(i): (prompt(engine, "hello " * i), SamplingParams(seed=i, max_tokens=5 * i))
        for i in range(1, 9)
    }
    alone = {}
    for name, (start, params) in requests.items():
        engine.submit(name, start, params)
        alone[name] = ids(drain(engine)[name])
    together: dict[str, list[int]] = {name: [] for name in requests}
    waiting = list(requests.items())
    step = 0
    while waiting or not engine.is_idle:
        if waiting and step % 3 == 0:
            name, (start, params) = waiting.pop(0)
            engine.submit(name, start, params)
        for output in engine.step():
            together[output.request_id] += output.token_ids
        step += 1
    assert together == alone
    assert not engine.scheduler.running


def test_engine_kept_contexts_change_no_word(network: Network, tokenizer: Tokenizer) -> None:
    """A talk of five turns, and a second branch of it, with and without a prefix cache."""
    told: list[list[str]] = []
    for kept in (0, 4):
        engine = Engine(network, tokenizer, EngineConfig(slots=1, kept_contexts=kept))
        ids_so_far: list[int] = []
        replies = []
        for turn in ("hello", "there", "you", "are", "sad"):
            ids_so_far += prompt(engine, turn)
            engine.submit(turn, ids_so_far, SamplingParams(seed=5, max_tokens=8))
            outputs = drain(engine)[turn]
            ids_so_far = [*ids_so_far, *ids(outputs), tokenizer.end_id]
            replies.append(text(outputs))
            engine.submit("branch", ids_so_far[:-3], SamplingParams(seed=6, max_tokens=8))
            replies.append(text(drain(engine)["branch"]))
        told.append(replies)
        if kept:
            assert engine._runner.pool.lengths.max() > 60
    assert told[0] == told[1]
    assert any(told[0])


def test_engine_a_failing_request_leaves_the_others(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    for name in "ab":
        engine.submit(
            name, prompt(engine, "hi"), SamplingParams(seed=1, min_tokens=9, max_tokens=9)
        )
    bad = engine._requests["a"]
    bad.detokenizer = Detokenizer(())  # no token has bytes any more
    outputs = drain(engine)
    assert [(o.finish, o.error) for o in outputs["a"]] == [("error", "internal")]
    assert len(ids(outputs["b"])) == 9
    assert "request a failed" in caplog.text
    assert not engine.scheduler.running


def test_engine_cancel_takes_effect_at_the_next_step(engine: Engine) -> None:
    engine.submit("a", prompt(engine, "hi"), SamplingParams(seed=1, min_tokens=50, max_tokens=50))
    for _ in range(4):
        engine.step()
    engine.cancel("a")
    (last,) = engine.step()
    assert (last.finish, last.token_ids) == ("cancelled", ())
    assert engine.is_idle


def test_engine_same_seed_same_text_and_other_seed_other_text(engine: Engine) -> None:
    first = text(run(engine, "hi", seed=1, min_tokens=30, max_tokens=30))
    assert text(run(engine, "hi", seed=1, min_tokens=30, max_tokens=30)) == first
    assert text(run(engine, "hi", seed=2, min_tokens=30, max_tokens=30)) != first


@pytest.mark.parametrize("cut", [1, 7, 19])
def test_engine_resumed_equals_uninterrupted(engine: Engine, cut: int) -> None:
    params = SamplingParams(seed=4, min_tokens=25, max_tokens=25)
    engine.submit("whole", prompt(engine, "hello"), params)
    whole = drain(engine)["whole"]
    engine.submit("rest", prompt(engine, "hello"), params, ids(whole)[:cut])
    rest = drain(engine)["rest"]
    assert ids(rest) == ids(whole)[cut:]
    assert text(whole).endswith(text(rest))


def test_engine_frees_every_slot_on_every_way_out(engine: Engine) -> None:
    for i in range(10):
        engine.submit(str(i), prompt(engine, "hello"), SamplingParams(seed=i, min_tokens=20))
    for _ in range(3):
        engine.step()
    for i in range(10):
        engine.cancel(str(i))
    finishes = {o.finish for o in engine.step() if o.finish}
    assert finishes == {"cancelled"}
    assert engine.is_idle
    assert len(engine.scheduler) == 0
    assert ids(run(engine, "hello", seed=1))


def test_engine_ends_with_length_at_the_context_limit(engine: Engine) -> None:
    outputs = run(engine, "hello " * 20, min_tokens=300, max_tokens=300)
    assert outputs[-1].finish == "length"
    assert len(prompt(engine, "hello " * 20)) + len(ids(outputs)) == engine.context_length


def test_engine_deadline_ends_with_an_error(network: Network, tokenizer: Tokenizer) -> None:
    engine = Engine(network, tokenizer, EngineConfig(slots=1, deadline_s=0))
    output = run(engine, "hi")[-1]
    assert (output.finish, output.error) == ("error", "deadline_exceeded")


def test_engine_refuses_when_its_line_is_full(network: Network, tokenizer: Tokenizer) -> None:
    engine = Engine(network, tokenizer, EngineConfig(slots=1, queue_limit=2))
    engine.submit("1", prompt(engine, "hi"), SamplingParams())
    engine.submit("2", prompt(engine, "hi"), SamplingParams())
    with pytest.raises(EngineFull):
        engine.submit("3", prompt(engine, "hi"), SamplingParams())
    assert set(drain(engine)) == {"1", "2"}


def test_engine_stop_string_is_not_shown(engine: Engine) -> None:
    whole = text(run(engine, "hi", seed=3, min_tokens=30, max_tokens=30))
    stop = whole[10:13]
    outputs = run(engine, "hi", seed=3, min_tokens=30, max_tokens=30, stop=(stop,))
    assert outputs[-1].finish == "stop"
    assert text(outputs) == whole[: whole.index(stop)]


def test_engine_logprobs_name_the_chosen_and_the_likeliest(engine: Engine) -> None:
    for output in run(engine, "hi", temperature=0, min_tokens=5, max_tokens=5, logprobs=3):
        assert output.logprobs is not None
        assert output.logprobs.token_id == output.token_ids[0]
        assert len(output.logprobs.top) == 3
        values = [value for _, value in output.logprobs.top]
        assert values == sorted(values, reverse=True)
        assert all(value <= 0 for value in values)


def test_sampling_filters_keep_only_what_they_should(engine: Engine) -> None:
    """top_k 1, a tiny top_p and min_p 1 all leave the likeliest token: greedy."""
    greedy = ids(run(engine, "hello", temperature=0, min_tokens=10, max_tokens=10))
    for narrow in ({"top_k": 1}, {"top_p": 0.01}, {"min_p": 1.0}):
        got = run(engine, "hello", temperature=1.5, seed=9, min_tokens=10, max_tokens=10, **narrow)
        assert ids(got) == greedy, narrow


def test_sampling_follows_the_distribution(engine: Engine, model: GPT) -> None:
    """The share of each first token over many seeds is near its probability."""
    start = prompt(engine, "hello there")
    with torch.inference_mode():
        logits = model.head(model(torch.tensor([start]))[0, -1])
    logits = logits.clone()
    logits[list(engine._banned)] = float("-inf")
    probs = logits.softmax(-1)
    token = int(probs.argmax())
    params = {"temperature": 1.0, "top_k": 0, "min_tokens": 0, "max_tokens": 1}
    hits = sum(ids(run(engine, "hello there", seed=s, **params)) == [token] for s in range(600))
    p = probs[token].item()
    assert abs(hits / 600 - p) < 4 * (p * (1 - p) / 600) ** 0.5 + 1e-6


def test_thread_a_broken_engine_ends_every_request(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outputs: list[StepOutput] = []
    deaths: list[bool] = []

    def fail(_: object) -> torch.Tensor:
        raise RuntimeError("broken")

    monkeypatch.setattr(engine._runner, "run", fail)
    thread = EngineThread(engine, outputs.extend, lambda: deaths.append(True))
    for i in range(6):
        thread.submit(str(i), prompt(engine, "hi"), SamplingParams(min_tokens=5), [])
    thread.start()
    thread._thread.join(20)
    ended = [o for o in outputs if o.finish]
    assert sorted(o.request_id for o in ended) == list("012345")
    assert {o.error for o in ended} == {"engine_dead"}
    assert deaths == [True]
    assert "the engine has failed" in caplog.text


def test_detokenizer_equals_whole_decode_on_random_bytes(tokenizer: Tokenizer) -> None:
    rng = random.Random(1)
    for _ in range(200):
        row = [rng.randrange(tokenizer.vocab_size) for _ in range(rng.randrange(1, 40))]
        detokenizer = Detokenizer(tokenizer.token_bytes)
        pieces = [detokenizer.push(i) for i in row] + [detokenizer.flush()]
        assert "".join(pieces) == tokenizer.decode(row)


def test_detokenizer_round_trips_text(tokenizer: Tokenizer) -> None:
    original = "naïve café 🙂 你好 ‮ <|user|> <|end|>"
    encoded = tokenizer.encode(original)
    assert not {tokenizer.user_id, tokenizer.assistant_id, tokenizer.end_id} & set(encoded)
    detokenizer = Detokenizer(tokenizer.token_bytes)
    assert "".join(map(detokenizer.push, encoded)) + detokenizer.flush() == original


def test_engine_refuses_a_second_request_of_one_name(engine: Engine) -> None:
    engine.submit("1", prompt(engine, "hi"), SamplingParams(seed=1))
    with pytest.raises(ValueError, match="already running"):
        engine.submit("1", prompt(engine, "hi"), SamplingParams(seed=1))
    assert set(drain(engine)) == {"1"}


def test_engine_never_writes_a_nul_byte(engine: Engine) -> None:
    """No database stores it, so a sampled one would lose the whole reply."""
    nul = [i for i, raw in enumerate(engine.tokenizer.token_bytes) if b"\x00" in raw]
    assert nul
    params = {"temperature": 2.0, "top_k": 0, "min_tokens": 40, "max_tokens": 40}
    for seed in range(40):
        assert "\x00" not in text(run(engine, "hi", seed=seed, **params))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"prompt_ids": []}, "1 to"),
        ({"prompt_ids": [1] * 96}, "1 to"),
        ({"prompt_ids": [1, 400]}, "vocabulary"),
        ({"prompt_ids": [-1]}, "vocabulary"),
        ({"prompt_ids": [1], "generated": [400]}, "vocabulary"),
        ({"prompt_ids": [1] * 90, "generated": [1] * 7}, "more was generated"),
        ({"prompt_ids": [1], "params": SamplingParams(seed=-1)}, "seed"),
    ],
)
def test_engine_refuses_what_would_fail_later(
    engine: Engine, given: dict[str, Any], reason: str
) -> None:
    engine.submit("good", prompt(engine, "hi"), SamplingParams(seed=1, max_tokens=5))
    with pytest.raises(ValueError, match=reason):
        engine.submit("bad", **{"params": SamplingParams(), **given})
    assert set(drain(engine)) == {"good"}


def test_engine_resumed_after_its_last_token_only_ends(engine: Engine) -> None:
    """An earlier attempt wrote everything but the end."""
    start = prompt(engine, "hello")
    params = SamplingParams(seed=4, min_tokens=9, max_tokens=9)
    engine.submit("whole", start, params)
    whole = drain(engine)["whole"]
    stop = text(whole)[3:6]
    cases = [
        (start, params, ids(whole), "length"),
        (start, SamplingParams(seed=4, max_tokens=20, stop=(stop,)), ids(whole), "stop"),
        ([5] * 90, SamplingParams(), [6] * 6, "length"),
    ]
    for prompt_ids, wish, generated, finish in cases:
        engine.submit("rest", prompt_ids, wish, generated)
        (last,) = drain(engine)["rest"]
        assert (last.finish, last.token_ids, last.text) == (finish, (), "")


def test_thread_a_failing_admission_still_ends_every_request(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outputs: list[StepOutput] = []

    def fail(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(engine._runner.pool, "acquire", fail)
    thread = EngineThread(engine, outputs.extend, lambda: None)
    for name in "abc":
        thread.submit(name, prompt(engine, "hi"), SamplingParams(), [])
    thread.start()
    thread._thread.join(20)
    assert sorted(o.request_id for o in outputs if o.error == "engine_dead") == list("abc")
    with pytest.raises(EngineDead):
        thread.submit("late", prompt(engine, "hi"), SamplingParams(), [])


def test_thread_refuses_after_it_was_stopped(engine: Engine) -> None:
    thread = EngineThread(engine, lambda _: None, lambda: None)
    thread.start()
    thread.stop()
    with pytest.raises(EngineDead):
        thread.submit("late", prompt(engine, "hi"), SamplingParams(), [])


def test_thread_uses_as_many_cores_as_it_is_told(network: Network, tokenizer: Tokenizer) -> None:
    """numba's number belongs to a thread: the one that loads is not the one that steps."""
    engine = Engine(network, tokenizer, EngineConfig(slots=1, threads=1))
    seen: list[int] = []
    thread = EngineThread(engine, lambda _: seen.append(numba.get_num_threads()), lambda: None)
    thread.start()
    thread.submit("a", prompt(engine, "hi"), SamplingParams(max_tokens=3, min_tokens=3), [])
    deadline = time.monotonic() + 20
    while len(seen) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    thread.stop()
    assert set(seen) == {1}
