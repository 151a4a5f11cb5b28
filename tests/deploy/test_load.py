"""`make load` and `make soak`: what is read from the wire, what is judged, what is drawn.

None of it needs Locust but the last test, which lets a few people in for some seconds.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from deploy.load import flat, leftovers, report, soak
from deploy.load.figures import Part, Run, read_run, summary
from deploy.load.leftovers import Hour, Left, kind_of
from deploy.load.record import FOLDER_VARIABLE, Record
from deploy.load.replies import Reply, Talk, refusal_s
from deploy.load.sse import events, v1_events
from deploy.local.paths import ROOT
from deploy.torture.prompts import Prompt, Question
from tests.support.servers import TestServers
from tests.support.stack import Stack

USAGE = {"usage": {"completion_tokens": 3}, "finish_reason": "stop"}
T = np.arange(0.0, 1200.0, 3.0)


def reply_of(
    *seqs: int, done: str | None = "012", finish: str = "stop", begin: float = 10
) -> Reply:
    reply = Reply(Prompt("c", Question("hi", {})), "socket guest")
    reply.sent.append(begin)
    reply.accept("g", None)
    reply.take("started", "1-0", {}, begin)
    for at, seq in enumerate(seqs):
        reply.take("token", f"{2 + at}-0", {"seq": seq, "text": str(seq)}, begin + 0.5 + at * 0.1)
    if done is not None:
        reply.take("done", "99-0", {"text": done, **USAGE, "finish_reason": finish}, begin + 2)
    return reply


def test_a_whole_reply_has_times_and_no_fault() -> None:
    reply = reply_of(0, 1, 2)
    assert reply.wrong("stop") == ""
    assert reply.tokens == 3
    assert reply.ttft_ms == pytest.approx(500)
    assert reply.gap_p95_ms == pytest.approx(100)
    assert reply.whole_ms == pytest.approx(2000)


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (reply_of(0, 2, done="02"), "1 lost"),
        (reply_of(0, 1, 1, 2, done="0112"), "1 doubled"),
        (reply_of(0, 1, done="01x"), "1 text_differs"),
        (reply_of(0, 1, 2, finish="cancelled"), "finish_reason cancelled"),
        (reply_of(0, 1, done=None), "no end"),
    ],
)
def test_a_reply_that_is_not_right_says_why(reply: Reply, fault: str) -> None:
    assert fault in reply.wrong("stop")


def test_a_reply_that_a_safety_rule_took_back_is_right() -> None:
    assert reply_of(0, 1, 2, done="", finish="filtered").wrong("stop") == ""
    assert "1 lost" in reply_of(0, 2, done="", finish="filtered").wrong("stop")


def test_a_lost_line_is_no_gap_of_the_server() -> None:
    reply = reply_of(0, 1, 2)
    reply.resumes = 1
    assert reply.gap_p95_ms is None


def test_a_reply_without_words_has_no_ttft() -> None:
    assert reply_of(done="").ttft_ms is None
    assert reply_of(done=None).ttft_ms is None


@pytest.mark.parametrize(
    ("body", "header", "wait_s"),
    [
        ({"code": "queue_full", "retry_after": 3}, "", 3.0),
        ({"code": "rate_limited"}, "7", 7.0),
        ({"code": "rate_limited"}, "", None),
        ({"code": "internal", "retry_after": 3}, "3", None),
    ],
)
def test_only_a_refusal_with_a_time_is_obeyed(
    body: dict[str, Any], header: str, wait_s: float | None
) -> None:
    assert refusal_s(body, header) == wait_s


def test_talk_goes_on_after_a_reply_and_begins_anew_after_a_fault() -> None:
    talk = Talk(random.Random(3))  # its first conversation has more than one turn
    talk.next()
    reply = reply_of(0, 1, 2)
    talk.heard(reply)
    assert talk.turns == (("user", "hi"), ("assistant", "012"))
    talk.heard(reply_of(done=None))
    assert talk.next().turns == ()


def test_events_are_read_line_by_line() -> None:
    lines = [
        b": keep-alive", b"", b"id: 5-0", b"event: token", b'data: {"token": "a"}', b"",
        b"id: 6-0", b"event: done",
    ]  # fmt: skip
    assert list(events(lines)) == [("token", "5-0", {"token": "a"})]


def test_chunks_of_a_completion_become_events() -> None:
    def chunk(**delta: str) -> bytes:
        choice = {"delta": delta, "finish_reason": None}
        return b"data: " + json.dumps({"choices": [choice]}).encode()

    last = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"completion_tokens": 2}}
    end = b"data: " + json.dumps(last).encode()
    lines = [chunk(role="assistant"), chunk(content="a"), b"", chunk(content="b"), end]
    found = list(v1_events([*lines, b"data: [DONE]"]))
    assert [kind for kind, _, _ in found] == ["token", "token", "done"]
    done = {"text": "ab", "finish_reason": "stop", "usage": {"completion_tokens": 2}}
    assert found[-1][2] == done
    broken = list(v1_events([chunk(content="a"), b'data: {"error": {"code": "timeout"}}']))
    assert broken[-1] == ("error", "", {"code": "timeout"})


def test_slope_does_not_see_peaks() -> None:
    y = 0.01 * T
    y[::10] += 500
    assert flat.slope(T, y) == pytest.approx(0.01, rel=0.05)
    assert flat.slope(T[:1], y[:1]) == 0


@pytest.mark.parametrize(
    ("name", "line", "grows"),
    [
        ("noise", 300 + np.random.default_rng(1).normal(0, 2, len(T)), False),
        ("a step that stays", 300 + 40.0 * (T > 600), False),
        ("a rise that ends", 300 + 40 * (1 - np.exp(-T / 120)), False),
        ("a leak of 60 MB an hour", 300 + T / 60, True),
        ("a shrinking one", 300 - T / 60, False),
        ("less than 3 MB in all", 300 + T / 600, False),
    ],
)
def test_only_what_keeps_growing_grows(name: str, line: flat.Series, grows: bool) -> None:
    verdict = flat.judge(T, line, 1200, 5.0, 3.0)
    assert verdict is not None
    assert verdict.grows is grows, name


@pytest.mark.parametrize(("each_mb", "grows"), [(0.0, False), (1.0, True)])
def test_postgres_is_judged_for_each_connection(each_mb: float, grows: bool) -> None:
    count = 20 + (T / 100).astype(int)  # more connections as time goes by
    columns = dict.fromkeys(("private_mb", "files", "threads"), count * (2 + each_mb * T / 1200))
    part = Part(T, columns, [list(range(n)) for n in count])
    run = Run(defaultdict(list), {"postgres": part}, 0.0, 1200.0)
    verdicts, faults = soak.judge(run)
    assert list(verdicts["postgres"]) == ["private_mb"]
    assert bool(faults) is grows


def test_too_short_a_line_is_not_judged() -> None:
    assert flat.judge(T[:10], T[:10], 30, 1, 1) is None


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The logs of a soak in which the web process grows and a reply lost a token."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    record = Record()
    record.users(2)
    record.request("/api/quota", 12.0, "")
    record.turned_away("queue_full", 3)
    now = time.monotonic()
    for reply in (reply_of(0, 1, 2, begin=now), reply_of(0, 2, done="02", begin=now)):
        record.reply(reply, reply.wrong("stop"))
    record.close()
    [path] = tmp_path.glob("people-*.jsonl")
    first, *rest = (json.loads(line) for line in path.read_text().splitlines())
    late = {"t": first["t"] + 1200, "kind": "users", "process": path.stem, "count": 2}
    whole = [first, *rest, late]
    path.write_text("".join(json.dumps(line) + "\n" for line in whole) + '{"t": 1, "ki')
    (tmp_path / "processes.jsonl").write_text("".join(samples(first["t"])))
    meta = {"kind": "soak", "host": "", "begun": "2026-11-23", "load_before": 0, "exit_code": 1}
    (tmp_path / report.META).write_text(json.dumps(meta))
    return tmp_path


def samples(begin: float) -> Iterator[str]:
    common = {"rss_mb": 400.0, "files": 20, "threads": 9}
    for t in T:
        web = common | {"cpu_s": t / 2, "private_mb": 200 + t / 20, "pids": [1]}
        jobs = common | {"cpu_s": 1.0, "private_mb": 90, "pids": [2 if t < 900 else 3]}
        yield json.dumps({"t": begin + t, "parts": {"web": web, "jobs": jobs}}) + "\n"


def test_figures_of_a_run(logs: Path) -> None:
    run = read_run(logs)
    found = summary(run)
    assert (found["requests"], found["replies"], found["tokens"]) == (1, 1, 6)
    assert found["turned_away"] == {"queue_full": 1}
    assert found["failed_replies"] == {"1 lost": 1}
    assert found["users"] == 2
    assert found["processes"]["web"]["cores"] == pytest.approx(0.5)
    assert float(np.sum(run.tokens_rate()) * run.bucket_s) == 6


def test_the_report_names_every_fault_and_draws(logs: Path) -> None:
    faults = report.write(logs)
    assert any(fault.startswith("web grows by 180.0 MB an hour") for fault in faults)
    assert "jobs was started anew during the run" in faults
    assert any("lost" in fault for fault in faults)
    figures = json.loads((logs / "report.json").read_text())
    assert figures["faults"] == faults
    assert figures["verdicts"]["jobs"]["private_mb"]["grows"] is False
    assert "| web | +180.0 |" in (logs / "report.md").read_text()
    picture = (logs / "report.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 200_000


def test_a_run_that_was_hardly_looked_at_is_drawn(logs: Path) -> None:
    """On a machine that has no time for samples."""
    path = logs / "processes.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    meta = json.loads((logs / report.META).read_text())
    (logs / report.META).write_text(json.dumps(meta | {"kind": "load"}))
    report.write(logs)
    assert (logs / "report.png").stat().st_size > 0


def test_a_run_of_nobody_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nobody did anything"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("eugpt:gen:6f9f1c38-0000-4000-8000-000000000001:control", "eugpt:gen:control"),
        ("eugpt:{gen}:17", "eugpt:{gen}"),
        ("_kombu.binding.default", "_kombu.binding.default"),
    ],
)
def test_kinds_of_keys_have_no_ids(key: str, kind: str) -> None:
    assert kind_of(key) == kind


def test_what_is_left_is_said() -> None:
    before = Left({"a": 2}, {"a": 2}, 0, 0)
    after = Left({"a": 3, "b": 1}, {"a": 2, "b": 1}, 1, 2)
    assert before.more_than(before) == []
    assert after.more_than(before) == [
        "1 rows queued or running", "2 open connections to web",
        "1 more keys of the kind a", "1 more keys of the kind b",
        "1 more keys without an end of life of the kind b",
    ]  # fmt: skip


def test_the_hour_passes_for_old_streams_only(servers: TestServers) -> None:
    with redis.Redis.from_url(servers.valkey.admin_url) as client:
        client.flushall()
        client.set(f"{leftovers.STREAMS}old", 1, ex=3600 - int(leftovers.STREAM_LIFE_S) - 5)
        client.set(f"{leftovers.STREAMS}new", 1, ex=3600)
        client.set(f"{leftovers.STREAMS}lasting", 1)
        client.set("other", 1, ex=5)
        assert Hour(servers.valkey.admin_url).pass_by() == 1
        left = {b"eugpt:gen:new", b"eugpt:gen:lasting", b"other"}
        assert set(client.keys()) == left


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_people_load_a_eugpt_and_obey_its_limits(stack: Stack, tmp_path: Path) -> None:
    install = subprocess.run(
        [ROOT / "deploy" / "load" / "setup.sh"], capture_output=True, text=True, check=False
    )
    if install.returncode:
        pytest.skip(f"Locust cannot be installed here: {install.stderr.strip()[-200:]}")
    few = {"EUGPT_LIMITS": "on", "EUGPT_GUEST_ADDRESS_RATE": "2 per minute"}
    with stack.more_web(few) as url:
        options = ["--host", url, "-u", "12", "-r", "12", "-t", "8s", "--out", str(tmp_path)]
        result = subprocess.run(
            [sys.executable, "-m", "deploy.load", "load", *options],
            cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    [folder] = tmp_path.iterdir()
    figures = json.loads((folder / "report.json").read_text())
    assert figures["faults"] == []
    assert figures["replies"] > 0
    assert figures["turned_away"]["rate_limited"] > 0
    assert {"web", "worker"} <= set(figures["processes"])
    everybody = {"sse guest", "sse member", "v1 stream", "socket guest", "socket member"}
    assert set(figures["transports"]) <= everybody
    assert any("socket" in transport for transport in figures["transports"])
