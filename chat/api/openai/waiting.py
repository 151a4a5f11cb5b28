"""Waiting for a reply on the event loop, streamed or as a whole.

A view's work (key, checks, rows) runs in a thread and is short; the seconds of the reply are spent
here, where they cost no thread. A caller who hangs up does not come back for the reply, unlike the
chat page, so it is cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.views import APIView

from accounts.errors import ErrorInfo, error_describe
from accounts.models import User
from accounts.suspension import suspension_check
from accounts.watch import session_watch
from chat.api.openai.errors import ending_error, openai_error
from chat.api.openai.reply import KEEP_ALIVE, Reply, event
from chat.delivery.follow import OUTAGES, follow, in_thread, with_keep_alive
from chat.delivery.sse import KEEP_ALIVE_S
from chat.delivery.streams import Entry
from chat.generation.cancel import generation_cancel
from chat.metrics import connection_open, error_told
from chat.models import FinishReason, Generation

logger = logging.getLogger(__name__)

_RETRY_AFTER_S = 5
_leaving: set[asyncio.Task[None]] = set()  # the loop itself holds its tasks weakly


class StreamedReply(StreamingHttpResponse):
    """Its headers go out at once."""

    def __init__(self, reply: Reply, reader_id: int | None = None) -> None:
        super().__init__(_chunks(reply, reader_id), content_type="text/event-stream; charset=utf-8")
        self.generation_id = reply.generation_id
        self["Cache-Control"] = "no-store, no-transform"
        self["X-Accel-Buffering"] = "no"
        self["X-Generation-Id"] = str(reply.generation_id)


class AwaitedReply(HttpResponse):
    """Stands for an answer that is not there yet: `answer` makes it, with these headers."""

    def __init__(self, reply: Reply, reader_id: int | None = None) -> None:
        super().__init__()
        self._reader_id = reader_id
        self.generation_id = reply.generation_id
        self["X-Generation-Id"] = str(reply.generation_id)
        self._reply = reply

    async def answer(self) -> HttpResponse:
        is_answered = False
        try:
            response = await _whole(self._reply, self._reader_id)
            is_answered = True
        except Exception as error:  # noqa: BLE001  (no exception handler is around this)
            response = _failed(error)
        finally:
            if not is_answered:
                abandon(self.generation_id)
        for name, value in self.items():
            if name != "Content-Type":
                response[name] = value
        return response


def awaiting(view_class: type[APIView]) -> Callable[..., Coroutine[Any, Any, HttpResponseBase]]:
    """The view as an asynchronous one: it runs in a thread, its reply is awaited on the loop."""
    view: Any = view_class.as_view()

    async def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        submitting: asyncio.Future[HttpResponseBase] = asyncio.ensure_future(
            in_thread(partial(view, request, *args, **kwargs))
        )
        try:
            response = await asyncio.shield(submitting)
        except asyncio.CancelledError:
            submitting.add_done_callback(_abandon_late)
            raise
        return await response.answer() if isinstance(response, AwaitedReply) else response

    for name in ("cls", "initkwargs", "csrf_exempt", "__doc__"):  # what routes and schema look at
        setattr(call, name, getattr(view, name))
    return call


def abandon(generation_id: uuid.UUID) -> None:
    """Cancel a generation whose reader has gone. Returns at once: the caller is being cancelled."""
    task = asyncio.get_running_loop().create_task(_cancel(generation_id))
    _leaving.add(task)
    task.add_done_callback(_leaving.discard)


async def _cancel(generation_id: uuid.UUID) -> None:
    def cancel() -> None:
        generation = Generation.objects.filter(pk=generation_id).first()
        if generation is not None:
            generation_cancel(generation=generation)

    try:
        await in_thread(cancel)
    except OUTAGES:
        logger.warning("generation %s goes on without a reader", generation_id, exc_info=True)


def _abandon_late(submitting: asyncio.Future[HttpResponseBase]) -> None:
    """The caller hung up while the view was at work."""
    if submitting.cancelled() or submitting.exception() is not None:
        return
    response = submitting.result()
    if isinstance(response, AwaitedReply | StreamedReply):
        abandon(response.generation_id)


async def _whole(reply: Reply, reader_id: int | None) -> HttpResponse:
    async with aclosing(_entries(reply, reader_id)) as entries:
        async for entry in entries:
            if entry is None:
                continue
            reply.take(entry)
            if entry.type == "done":
                return JsonResponse(reply.completion(entry.data))
            if entry.type == "error":
                return _error_response(ending_error(entry.data))
    return _error_response(ErrorInfo(500, {"code": "internal", "detail": "The reply has no end."}))


def _failed(error: Exception) -> HttpResponse:
    return _error_response(_described(error))


def _described(error: Exception) -> ErrorInfo:
    info = error_describe(error)
    error_told(info.code)
    if info.is_internal:
        logger.error("a reply failed", exc_info=error)
    return info


def _error_response(info: ErrorInfo) -> HttpResponse:
    response = JsonResponse(openai_error(info), status=info.status)
    if info.status == 503:
        response["Retry-After"] = str(_RETRY_AFTER_S)
    return response


async def _chunks(reply: Reply, reader_id: int | None = None) -> AsyncIterator[bytes]:
    is_over = False
    try:
        async with aclosing(_entries(reply, reader_id)) as entries:
            async for entry in entries:
                is_over = entry is not None and entry.is_end
                if entry is None:
                    yield KEEP_ALIVE
                elif entry.type == "error":
                    yield event(openai_error(ending_error(entry.data)))
                else:
                    for chunk in reply.chunks(entry):
                        yield chunk
    except Exception as error:  # noqa: BLE001  (the status has been sent)
        yield event(openai_error(_described(error)))
    finally:
        if not is_over:
            abandon(reply.generation_id)


async def _entries(reply: Reply, reader_id: int | None) -> AsyncGenerator[Entry | None, None]:
    """The reply's entries, None after a quiet while; raises Suspended when the reader is."""
    async with AsyncExitStack() as stack:
        stack.enter_context(connection_open("sse"))
        ended = None
        if reader_id is not None:
            ended = await stack.enter_async_context(session_watch(reader_id))
        followed = follow(reply.generation_id, place=reply.place)
        async with aclosing(with_keep_alive(followed, KEEP_ALIVE_S, ended)) as entries:
            async for entry in entries:
                if reader_id is not None and entry is not None and _is_cancelled(entry):
                    await in_thread(partial(_suspension_check, reader_id))
                yield entry


def _is_cancelled(entry: Entry) -> bool:
    return entry.type == "done" and entry.data["finish_reason"] == FinishReason.CANCELLED


def _suspension_check(reader_id: int) -> None:
    """A suspension may cancel the reply before the watch has seen it; raises Suspended then: OpenAI
    has no word for cancelled, and half a reply would look whole.
    """
    reader = User.objects.filter(pk=reader_id).first()
    if reader is not None:
        suspension_check(reader)
