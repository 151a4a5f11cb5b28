"""Gives every request and socket an id: in the context, in its answer and in its tasks.

A client's own `X-Request-Id` is taken over when it is well-formed, so that what happened in a
browser is found in the logs of web process and worker.
"""

from __future__ import annotations

from typing import Any

from accounts.request_ids import HEADER, request_id, request_id_of, work_for, working_for
from accounts.spans import span, traceparent, work_below
from accounts.work import work_on, working_on

_HEADER = HEADER.lower().encode()
_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_TASK_HEADER, _TASK_PARENT = "x_request_id", "x_traceparent"


class RequestIds:
    """ASGI: the id of a request in its context and in the head of its answer.

    It begins with neither generation nor trace: uvicorn starts a pipelined request in the context
    of the one before.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        said = next((v for n, v in scope["headers"] if n == _HEADER), b"")
        name = request_id_of(said.decode("latin1"))

        async def send_named(message: dict[str, Any]) -> None:
            if message["type"] in _STARTS:
                headers = [*message.get("headers", ()), (_HEADER, name.encode())]
                message = {**message, "headers": headers}
            await send(message)

        work_below("")
        with working_for(name), working_on():
            await self.application(scope, receive, send_named)


def task_sent(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Celery's `before_task_publish`: the task names the request that sends it."""
    if headers is not None and (name := request_id()):
        headers[_TASK_HEADER] = name
    if headers is not None and (parent := traceparent()):
        headers[_TASK_PARENT] = parent


def task_begins(task: Any = None, **_: Any) -> None:
    """Celery's `task_prerun`: the thread works for that request, or for none (the schedule)."""
    work_for(getattr(task.request, _TASK_HEADER, None) or "")
    if parent := getattr(task.request, _TASK_PARENT, None):
        work_below(parent)
        task.request.span = open_span = span(f"task {task.name.rpartition('.')[2]}")
        open_span.__enter__()


def task_ended(task: Any = None, **_: Any) -> None:
    """Celery's `task_postrun`."""
    if (open_span := getattr(task.request, "span", None) if task else None) is not None:
        open_span.__exit__(None, None, None)
        work_below("")
    work_for("")
    work_on(None)
