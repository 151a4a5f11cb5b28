"""Two web and two worker processes under load: what they count, summed, is what the database says.

The same load is scraped by a real Prometheus, which is then asked every query of the dashboards.
"""

import asyncio
import collections
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import processes, procfile
from tests.metrics.promtool import program
from tests.metrics.scraper import ask_everything, prometheus
from tests.support.stack import Stack
from tests.support.wire import http, send, sign_up, socket, sse, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Numbers = collections.Counter[tuple[str, tuple[str, ...]]]

# Long enough to be worth taking over from another slot.
TEXT = "hello there, how are you today?"
STREAM_EVENTS = {"started", "token", "done", "error"}
_ROWS = """
SELECT coalesce(nullif(finish_reason, ''), '-'), error_code, count(*),
    count(first_token_at), sum(attempt), sum(prompt_tokens), sum(completion_tokens)
FROM chat_generation GROUP BY 1, 2
"""
# Another row like one there is, in the hands of a worker that does not live.
_LOST = """
CREATE TEMP TABLE lost AS SELECT * FROM chat_generation WHERE message_id IS NULL LIMIT 1;
UPDATE lost SET id = gen_random_uuid(), client_id = NULL, status = 'running', finish_reason = '',
    worker_id = 'gone:1:abc', attempt = {attempt}, queued_at = now(), started_at = now(),
    finished_at = NULL, first_token_at = NULL, prompt_tokens = 0, completion_tokens = 0;
INSERT INTO chat_generation SELECT * FROM lost;
DROP TABLE lost;
"""


class Web:
    """One web process, as clients see it."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.ws_url = base_url.replace("http", "ws", 1) + "/ws/chat/"


@dataclass(frozen=True)
class Site:
    """The stack with a second web and a second worker process."""

    stack: Stack
    webs: list[Web]
    private: list[tuple[str, str]]  # role, url

    def sums(self) -> Numbers:
        """Every sample of ours, summed over the processes; labels as `name=value`."""
        found: Numbers = collections.Counter()
        for _, url in self.private:
            text = httpx.get(f"{url}/metrics", timeout=20, trust_env=False).text
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    labels = tuple(sorted(f"{k}={v}" for k, v in sample.labels.items()))
                    found[(sample.name, labels)] += sample.value  # type: ignore[assignment]
        return found

    def rows(self) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stack.env["DATABASE_URL"]) as connection:
            return connection.execute(_ROWS).fetchall()

    def lose(self, attempt: int) -> None:
        with psycopg.connect(self.stack.env["DATABASE_URL"]) as connection:
            connection.execute(_LOST.format(attempt=attempt).encode())


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, f"{url} is not ready"
        time.sleep(0.2)


@pytest.fixture
def site(stack: Stack) -> Iterator[Site]:
    with ExitStack() as more:
        private = [(role, stack.private_url(role)) for role in procfile.read_table()]
        ports = [processes.free_port(), processes.free_port()]
        webs = [Web(stack.base_url)]
        envs = [{"EUGPT_METRICS_PORT": str(port)} for port in ports]
        more.enter_context(stack.more_worker(envs[0]))
        webs.append(Web(more.enter_context(stack.more_web(envs[1]))))
        roles = ("worker", "web")
        private += [
            (role, f"http://127.0.0.1:{port}") for role, port in zip(roles, ports, strict=True)
        ]
        for _, url in private:
            wait_until_ready(url)
        yield Site(stack, webs, private)


async def load(webs: list[Web]) -> collections.Counter[str]:
    """A known number of everything; returns what the clients saw."""
    seen: collections.Counter[str] = collections.Counter()
    for number, web in enumerate(webs * 2):
        await asyncio.gather(
            _member(web, seen), _guest(web, seen, number), _guest(web, seen, number + 100)
        )
        await _refused(web, seen)
    await _cancelled(webs[0], seen)
    return seen


async def _member(web: Web, seen: collections.Counter[str]) -> None:
    token = await sign_up(web)
    async with socket(web, token) as ws:
        for number in range(2):
            body = {"text": TEXT, "client_id": f"c{number}", "params": {"max_tokens": 30}}
            await send(ws, type="prompt", **body)
            messages = await until(ws, "done")
            seen["entries"] += sum(message["type"] in STREAM_EVENTS for message in messages)
            seen["queued"] += 1
        await send(ws, type="prompt", **body)  # once more
        messages = await until(ws, "done")
        seen["repeated"] += 1


async def _guest(web: Web, seen: collections.Counter[str], number: int) -> None:
    params = {"max_tokens": 20, "seed": number}
    async with http(web) as client:
        events = await sse(
            client, "POST", "/api/chat/guest", json={"message": TEXT, "params": params}
        )
    seen["entries"] += sum(name in STREAM_EVENTS for name, _, _ in events)
    seen["queued"] += 1
    seen["guest_requests"] += 1


async def _refused(web: Web, seen: collections.Counter[str]) -> None:
    async with http(web) as client:
        body = {"message": "hi", "params": {"top_k": -1}}
        answer = await client.post("/api/chat/guest", json=body)
        assert answer.json()["code"] == "bad_params"
        assert (
            await client.get(f"/api/generations/{'0' * 8}-0000-4000-8000-{'0' * 12}")
        ).status_code == 404
    seen["bad_params"] += 1


async def _cancelled(web: Web, seen: collections.Counter[str]) -> None:
    token = await sign_up(web)
    async with socket(web, token) as ws:
        params = {"max_tokens": 300, "min_tokens": 300}
        await send(ws, type="prompt", text="hello", client_id="x", params=params)
        messages = await until(ws, "token")
        await send(ws, type="cancel", generation=messages[0]["generation"])
        messages += await until(ws, "done")
    assert messages[-1]["finish_reason"] == "cancelled"
    seen["entries"] += sum(message["type"] in STREAM_EVENTS for message in messages)
    seen["queued"] += 1
    seen["cancels"] += 1


def wait_for_ends(site: Site) -> None:
    """Until no generation is left and no connection is open."""
    deadline = time.monotonic() + 60
    while True:
        sums = site.sums()
        is_open = any(v for (name, _), v in sums.items() if name == "eugpt_sockets")
        if not is_open and all(row[0] != "-" for row in site.rows()):
            return
        assert time.monotonic() < deadline, (site.rows(), is_open)
        time.sleep(0.2)


def test_queries_can_be_asked() -> None:
    """Skipped where they are not: what is counted is compared all the same."""
    assert program("prometheus")


@dataclass(frozen=True)
class Counted:
    """What came to be between two looks at everything."""

    before: Numbers
    after: Numbers
    rows_before: list[tuple[Any, ...]]
    rows_after: list[tuple[Any, ...]]

    def grown(self, name: str, *labels: str) -> float:
        """How much the samples of this name that have all these labels have grown."""
        return sum(
            value - self.before[key]
            for key, value in self.after.items()
            if key[0] == name and set(labels) <= set(key[1])
        )

    def rows(self, column: int, reason: str = "", code: str = "") -> int:
        """The same of a column of `_ROWS`, for a finish reason or an error code."""

        def total(rows: list[tuple[Any, ...]]) -> int:
            fitting = (r for r in rows if reason in ("", r[0]) and code in ("", r[1]))
            return sum(row[column] for row in fitting)

        return total(self.rows_after) - total(self.rows_before)


async def test_sums_are_what_the_database_says_and_prometheus_answers_every_query(
    site: Site, tmp_path: Path
) -> None:
    with prometheus(site.private, tmp_path) as url:
        before, rows_before = site.sums(), site.rows()
        seen = await load(site.webs)
        site.lose(attempt=1)  # goes on once more, without its words
        site.lose(attempt=3)  # was lost too often
        wait_for_ends(site)
        counted = Counted(before, site.sums(), rows_before, site.rows())
        _compare(counted, seen)
        if url:
            ask_everything(url)


def _compare(counted: Counted, seen: collections.Counter[str]) -> None:
    grown, rows = counted.grown, counted.rows
    for reason in ("stop", "length", "cancelled", "error", "filtered"):
        assert grown("eugpt_generations_total", f"finish_reason={reason}") == rows(2, reason)
    assert rows(2, "cancelled") == grown("eugpt_cancels_total") == seen["cancels"] == 1
    for code in ("worker_lost", "input_expired"):
        assert rows(2, "error", code) == 1
        assert grown("eugpt_errors_total", "source=generation", f"code={code}") == 1
    assert grown("eugpt_requeues_total") == 1
    assert grown("eugpt_attempts_total") == rows(4) - 1 - 3  # those that were lost had these
    assert grown("eugpt_queue_wait_seconds_count") == grown("eugpt_attempts_total")
    assert grown("eugpt_ttft_seconds_count") == rows(3) == seen["queued"]
    assert grown("eugpt_tokens_total", "kind=prompt") == rows(5)
    assert grown("eugpt_tokens_total", "kind=generated") == rows(6)
    assert 0 < grown("eugpt_tokens_total", "kind=cached") < rows(5)
    # Each token but a reply's first follows another.
    assert grown("eugpt_inter_token_seconds_count") >= rows(6) - seen["queued"]
    assert grown("eugpt_batch_size_count") == grown("eugpt_step_seconds_count") > 0
    for result in ("queued", "repeated", "bad_params"):
        assert grown("eugpt_admissions_total", f"result={result}") == seen[result] > 0
    assert grown("eugpt_errors_total", "source=api", "code=bad_params") == seen["bad_params"]
    assert grown("eugpt_errors_total", "source=api", "code=not_found") == seen["bad_params"]
    route = "route=api/chat/guest"
    assert grown("eugpt_http_requests_total", route, "status_class=2xx") == seen["guest_requests"]
    assert grown("eugpt_http_requests_total", route, "status_class=4xx") == seen["bad_params"]
    # A repeated request is told again what stands in the stream: history, and no lag.
    assert grown("eugpt_stream_lag_seconds_count") == seen["entries"]
    assert grown("eugpt_sockets") == 0
    assert not any("0000-4000-8000" in label for _, labels in counted.after for label in labels)
