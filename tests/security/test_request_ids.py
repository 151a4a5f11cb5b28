"""One id leads from a request through its logs, its task and its row to its stream."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from accounts.request_ids import request_id, request_id_of, working_for
from accounts.spans import traceparent, work_below
from accounts.work import Work, work, working_on
from eugpt.request_ids import RequestIds, task_begins, task_ended, task_sent
from tests.support.stack import Stack
from tests.support.wire import receive, send

OURS = "browser-7f3a-0001"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "short",
        "x" * 65,
        "with space1",
        "new\nline-12",
        "../../etc/pw",
        "käse-käse",
        "a;b=c;d=e",
    ],
)
def test_what_is_not_well_formed_is_replaced(said: str) -> None:
    assert request_id_of(said) != said
    assert len(request_id_of(said)) == 32


def test_a_well_formed_one_is_taken() -> None:
    assert request_id_of(OURS) == OURS


@pytest.mark.parametrize("start", ["http.response.start", "websocket.accept"])
async def test_answers_name_it_and_the_code_behind_knows_it(start: str) -> None:
    sent: list[dict[str, Any]] = []
    seen = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(request_id())
        await send({"type": start, "headers": [(b"a", b"b")]})

    async def keep(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": start.partition(".")[0], "headers": [(b"x-request-id", OURS.encode())]}
    await RequestIds(application)(scope, None, keep)
    assert seen == [OURS]
    assert sent[0]["headers"] == [(b"a", b"b"), (b"x-request-id", OURS.encode())]
    assert request_id() == ""


async def test_a_request_begins_with_nothing_of_the_one_before() -> None:
    """uvicorn starts a pipelined request from within the answer to the one before."""
    seen = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append((work(), traceparent()))

    scope: dict[str, Any] = {"type": "http", "headers": []}
    with working_on("a-generation", 7):
        work_below("00-" + "1" * 32 + "-" + "2" * 16 + "-01")
        await asyncio.create_task(RequestIds(application)(scope, None, None))
        work_below("")
    assert seen == [(Work(), "")]


def test_a_task_works_for_the_request_that_sent_it() -> None:
    headers: dict[str, Any] = {}
    with working_for(OURS):
        task_sent(headers=headers)

    class Sent:
        request = type("Context", (), headers)

    task_begins(task=Sent)
    assert request_id() == OURS
    task_ended()
    assert request_id() == ""


@pytest.mark.e2e
@pytest.mark.timeout(300)
class TestInTheRealStack:
    def test_a_stream_names_its_request(self, stack: Stack) -> None:
        answer = httpx.post(
            f"{stack.base_url}/api/chat/guest",
            json={"message": "hello"},
            headers={"X-Request-Id": OURS},
            timeout=60,
        )
        assert answer.headers["x-request-id"] == OURS
        assert _started(answer.text)["request_id"] == OURS

    def test_each_answer_has_another(self, stack: Stack) -> None:
        paths = (
            "/livez",
            "/api/nothing",
            "/admin/login/",
            "/static/admin/css/base.css",
            "/nowhere",
        )
        ids = [httpx.get(stack.base_url + it).headers["x-request-id"] for it in paths]
        assert len({*ids}) == len(paths)

    async def test_a_socket_is_one_request(self, stack: Stack) -> None:
        async with connect(stack.ws_url, additional_headers={"X-Request-Id": OURS}) as ws:
            assert ws.response is not None
            assert ws.response.headers["x-request-id"] == OURS
            await receive(ws)
            await send(ws, type="prompt", text="hello", client_id="one")
            while (message := await receive(ws))["type"] != "started":
                pass
            assert message["request_id"] == OURS


def _started(stream: str) -> dict[str, Any]:
    [data] = [part for part in stream.split("\n\n") if "event: started" in part]
    line = next(line for line in data.splitlines() if line.startswith("data: "))
    started: dict[str, Any] = json.loads(line.removeprefix("data: "))
    return started
