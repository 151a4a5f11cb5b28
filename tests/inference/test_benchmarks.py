"""The benchmarks measure what they say: workload, statistics, loops, and `bench_engine` itself."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from inference.benchmarks.baselines import Ancestor, BatchCache, Naive, draw
from inference.benchmarks.contender import Spec, Worker, WorkerFailed
from inference.benchmarks.conversation import second_turns
from inference.benchmarks.engine_bench import WORKER
from inference.benchmarks.engine_worker import ClosedLoop
from inference.benchmarks.machine import ROOT, describe, rss_mb
from inference.benchmarks.report import align, ratio, table
from inference.benchmarks.session import Plan, Row, numbers
from inference.benchmarks.statistics import Measure, percentile, spread, summarize, typical
from inference.benchmarks.workload import Trace, Workload, make_prompt, make_workload
from inference.checkpoint_io import Checkpoint
from inference.engine.engine import Engine
from inference.engine.loading import load_engine
from inference.engine.params import SamplingParams
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer


@pytest.fixture
def engine(checkpoint: Checkpoint) -> Engine:
    """One precision is enough here; every other has its own tests."""
    return load_engine(checkpoint, slots=4, threads=torch.get_num_threads(), precision="fp32")


def test_percentile_lies_on_the_line_between_two_values() -> None:
    values = [40.0, 10.0, 30.0, 20.0]
    assert [percentile(values, q) for q in (0, 50, 95, 100)] == [10.0, 25.0, 38.5, 40.0]
    assert percentile([7.0], 95) == 7.0
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 50)


def test_summarize_counts_from_the_first_prompt_to_the_last_token() -> None:
    traces = [Trace(1.0, [1.5, 1.75, 2.0]), Trace(2.0, [3.0, 3.25, 5.0])]
    found = summarize(traces)
    assert (found.tokens, found.seconds, found.tokens_per_s) == (6, 4.0, 1.5)
    assert found.ttft_p50_ms == 750.0
    assert found.inter_token_p50_ms == 250.0
    assert found.inter_token_p95_ms == pytest.approx(250 + 1500 * 0.85)
    assert summarize(traces, is_streamed=False) == Measure(1.5, 4.0, 6)


def test_typical_is_the_median_of_each_number_and_spread_the_distance() -> None:
    runs = [
        Measure(speed, 1.0, 10, ttft_p50_ms=wait) for speed, wait in ((90, 5), (100, 9), (140, 1))
    ]
    found = typical(runs)
    assert (found.tokens_per_s, found.ttft_p50_ms, found.ttft_p95_ms) == (100, 5, None)
    assert spread([m.tokens_per_s for m in runs]) == 0.5


@pytest.mark.parametrize("prompt_tokens", [3, 30, 300])
def test_prompts_have_exactly_the_asked_length(tokenizer: Tokenizer, prompt_tokens: int) -> None:
    workload = make_workload(tokenizer, streams=5, prompt_tokens=prompt_tokens, rounds=2)
    prompts = [prompt for turns in workload.prompts for prompt in turns]
    assert (workload.streams, workload.rounds, len(prompts)) == (5, 2, 10)
    for prompt in prompts:
        assert len(prompt) == prompt_tokens
        assert (prompt[0], prompt[-1]) == (tokenizer.user_id, tokenizer.assistant_id)
        special = {tokenizer.user_id, tokenizer.assistant_id, tokenizer.end_id}
        assert not special & set(prompt[1:-1])


def test_prompts_differ_from_their_beginning_and_stay_the_same_for_a_seed(
    tokenizer: Tokenizer,
) -> None:
    workload = make_workload(tokenizer, streams=64, prompt_tokens=30, rounds=3)
    beginnings = [tuple(prompt[:16]) for turns in workload.prompts for prompt in turns]
    assert len(set(beginnings)) == len(beginnings)
    assert make_workload(tokenizer, streams=64, prompt_tokens=30, rounds=3) == workload
    assert make_workload(tokenizer, streams=64, prompt_tokens=30, rounds=3, seed=2) != workload
    seeds = {workload.seed_of(s, t) for s in range(64) for t in range(3)}
    assert len(seeds) == 64 * 3
    assert Workload(**json.loads(json.dumps(workload.to_dict()))) == workload


def test_a_prompt_that_cannot_have_its_length_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match="at least 3"):
        make_prompt(tokenizer, "hello", 2)
    with pytest.raises(ValueError, match="gives only"):
        make_prompt(tokenizer, "hello", 300)
    with pytest.raises(ValueError, match="need 120 places, the context has 96"):
        Plan([1], [60, 30]).check(96)


def test_numbers_reads_a_list_of_positive_numbers() -> None:
    assert numbers("1,8,32") == [1, 8, 32]
    for text in ("", "1,x", "8,0"):
        with pytest.raises(ValueError):
            numbers(text)


def test_closed_loop_sends_the_next_prompt_after_the_reply(
    engine: Engine, tokenizer: Tokenizer
) -> None:
    workload = make_workload(tokenizer, streams=3, prompt_tokens=9, rounds=2, new_tokens=7)
    traces = ClosedLoop(engine, workload, "test").run()
    assert len(traces) == 6
    assert all(len(t.token_times_s) == 7 for t in traces)
    assert all(t.submitted_s <= t.token_times_s[0] for t in traces)
    assert all(t.token_times_s == sorted(t.token_times_s) for t in traces)
    first, second = traces[:3], traces[3:]
    ends = sorted(t.token_times_s[-1] for t in first)
    assert all(t.submitted_s >= end for t, end in zip(second, ends, strict=True))


def test_second_turns_are_measured_continued_and_fresh(
    engine: Engine, tokenizer: Tokenizer
) -> None:
    workload = make_workload(tokenizer, streams=2, prompt_tokens=9, new_tokens=5)
    others = make_workload(tokenizer, streams=2, prompt_tokens=9, seed=2)
    follow_up = make_prompt(tokenizer, "how are you", 5)
    found = second_turns(engine, workload, [turns[0] for turns in others.prompts], follow_up)
    assert {kind: len(times) for kind, times in found.items()} == {"continued": 2, "fresh": 2}
    assert all(time > 0 for times in found.values() for time in times)
    assert engine.is_idle


def test_ancestor_writes_what_the_engine_writes(
    checkpoint: Checkpoint, engine: Engine, tokenizer: Tokenizer
) -> None:
    """With one candidate left, sampling is greedy: two loops, one text."""
    prompts = make_workload(tokenizer, streams=1, prompt_tokens=12).prompts
    workload = Workload(prompts, new_tokens=4, top_k=1)
    ancestor = Ancestor(checkpoint, threads=torch.get_num_threads())
    written = list(ancestor.reply(prompts[0][0], workload))
    engine.submit("one", prompts[0][0], SamplingParams(temperature=0, max_tokens=4, min_tokens=0))
    ids: list[int] = []
    while not engine.is_idle:
        ids += [token for output in engine.step() for token in output.token_ids]
    assert ids == written


def test_baselines_answer_every_prompt_in_full(
    checkpoint: Checkpoint, tokenizer: Tokenizer
) -> None:
    workload = make_workload(tokenizer, streams=3, prompt_tokens=9, rounds=2, new_tokens=4)
    threads = torch.get_num_threads()
    for loop in (Ancestor(checkpoint, threads=threads), Naive(checkpoint, threads=threads)):
        traces = loop.run(workload)
        assert [len(t.token_times_s) for t in traces] == [4] * 6
        assert all(t.submitted_s < t.token_times_s[0] for t in traces)
    one_at_a_time = Ancestor(checkpoint, threads=threads).run(workload)
    for before, after in pairwise(one_at_a_time):
        assert before.token_times_s[-1] <= after.token_times_s[0]


def test_naive_cache_gives_what_the_whole_context_gives(model: GPT) -> None:
    torch.manual_seed(0)
    ids = torch.randint(0, 200, (3, 12))
    cache = BatchCache(model.config, 3, 12)
    with torch.inference_mode():
        whole = model(ids)
        parts = [
            cache.forward(model, part)
            for part in (ids[:, :9], ids[:, 9:10], ids[:, 10:11], ids[:, 11:])
        ]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=1e-4, atol=1e-5)


def test_draw_takes_only_the_likeliest() -> None:
    torch.manual_seed(0)
    logits = torch.tensor([[0.0, 9.0, 8.9, -1.0]]).expand(200, 4)
    drawn = draw(logits, Workload([[[1]]], top_k=2, temperature=1.0)).squeeze(1)
    assert set(drawn.tolist()) == {1, 2}


def _row(contender: str, streams: int, speed: float) -> Row:
    return Row(
        contender, streams, 30, Measure(speed, 1.0, 10), [speed, 1.1 * speed], speed / 2, 100.0, 1.0
    )


def test_ratio_compares_the_same_streams_or_the_most_that_were_measured() -> None:
    rows = [_row("ours", 1, 300), _row("ours", 8, 900), _row("peer", 1, 100), _row("peer", 8, 450)]
    rows.append(_row("ancestor", 1, 30))
    assert ratio(rows, rows[0], "peer") == 3.0
    assert ratio(rows, rows[1], "peer") == 2.0
    assert ratio(rows, rows[1], "ancestor") == 30.0
    assert ratio(rows, rows[4], "nobody") is None
    lines = table(rows, ["peer"]).splitlines()
    assert lines[0] == "prompt 30 tokens"
    cells = lines[3].split()
    assert cells[:7] == ["ours", "8", "900", "5", "0.50", "3.00", "2.00"]
    assert len({len(line) for line in lines[1:]}) == 1


def test_align_puts_names_to_the_left_and_numbers_to_the_right() -> None:
    assert align([["name", "n"], ["a", "100"]]) == "name    n\na     100"


def test_machine_is_described_without_places_on_it() -> None:
    found = describe()
    assert {"processor", "cores", "torch", "python"} <= set(found)
    assert str(ROOT) not in json.dumps(found)
    assert 10 < rss_mb() < 1e6


def test_worker_that_cannot_start_says_why(tmp_path: Path, tokenizer: Tokenizer) -> None:
    first = make_workload(tokenizer, streams=1, prompt_tokens=5, new_tokens=1)
    spec = Spec("lost", WORKER, {"kind": "ancestor", "checkpoint": str(tmp_path / "none")})
    with pytest.raises(WorkerFailed, match=r"lost ended: .*no checkpoint folder"):
        Worker(spec, first, tmp_path / "log", threads=1)


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "bench_engine", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.timeout(240)
def test_bench_engine_writes_table_json_and_picture(checkpoint: Checkpoint, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = _bench(
        "--checkpoint", str(checkpoint.folder), "--out", str(out), "--precision", "fp32",
        "--streams", "1,2", "--prompts", "8,20", "--new-tokens", "6", "--rounds", "2",
        "--repeats", "2", "--threads", "1", "--baselines",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "prompt 8 tokens" in result.stdout
    assert "prompt 20 tokens" in result.stdout
    found = json.loads((out / "engine.json").read_text(encoding="utf-8"))
    rows = {(r["contender"], r["streams"], r["prompt_tokens"]): r for r in found["rows"]}
    assert set(rows) == {
        *(("eugpt fp32", s, p) for s in (1, 2) for p in (8, 20)),
        *(("naive", s, p) for s in (1, 2) for p in (8, 20)),
        *(("ancestor", 1, p) for p in (8, 20)),
    }
    assert found["machine"]["cores"] >= 1
    assert rows["eugpt fp32", 2, 8]["facts"]["slots"] == 2
    for row in rows.values():
        measured = row["measure"]
        assert measured["tokens"] == row["streams"] * 2 * 6
        assert measured["tokens_per_s"] == pytest.approx(
            measured["tokens"] / measured["seconds"], rel=0.5
        )
        assert 0 < measured["ttft_p50_ms"] <= measured["ttft_p95_ms"]
        assert row["start_s"] > 0
        assert row["rss_mb"] > 10
        assert row["cold"] > 0
        assert row["facts"]["precision"]
    assert (out / "engine.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.timeout(120)
def test_bench_engine_compares_second_turns(checkpoint: Checkpoint, tmp_path: Path) -> None:
    result = _bench(
        "--checkpoint", str(checkpoint.folder), "--out", str(tmp_path), "--precision", "fp32",
        "--streams", "2", "--prompts", "20", "--new-tokens", "8", "--threads", "1",
        "--conversation",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "fresh/continued" in result.stdout
    found = json.loads((tmp_path / "conversation.json").read_text(encoding="utf-8"))
    (turn,) = found["conversations"]
    assert (turn["second_tokens"], turn["new_tokens"]) == (20 + 8 + 15, 15)
    assert [len(turn["ttft_ms"][kind]) for kind in ("fresh", "continued")] == [2, 2]


def test_bench_engine_refuses_what_does_not_fit(checkpoint: Checkpoint, tmp_path: Path) -> None:
    result = _bench("--checkpoint", str(checkpoint.folder), "--out", str(tmp_path / "out"))
    assert result.returncode == 1
    assert "CommandError: prompts of 300 tokens" in result.stderr
    assert not (tmp_path / "out").exists()
    assert _bench("--streams", "1,none").returncode == 2
