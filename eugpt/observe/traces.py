"""Spans for OpenTelemetry over OTLP/HTTP: request or socket message, task, generation.

Spans are made of names, numbers, codes and ids. They are sent in batches from a thread of their
own with a queue of 2,048; what does not fit is dropped, the oldest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from accounts.request_ids import request_id
from accounts.spans import Told, traceparent, tracer_set, work_below
from accounts.work import work
from eugpt.config import Config
from eugpt.log_formats import HOST
from eugpt.process_name import process_name
from eugpt.version import version

_QUEUE, _BATCH, _EVERY_MS = 2048, 512, 1000
_SEND_TIMEOUT_S = 5
_carrier = TraceContextTextMapPropagator()


def traces_start(config: Config) -> Callable[[], object]:
    """Tell spans from now on; gives what sends the last ones."""
    about = {
        "service.name": "eugpt",
        "service.version": version(),
        "service.instance.id": f"{process_name()}@{HOST}",
        "deployment.environment.name": config.env,
        "eugpt.process": process_name(),
    }
    provider = TracerProvider(
        resource=Resource(about),  # not `create`, which reads command lines
        sampler=ParentBased(TraceIdRatioBased(config.otel_ratio)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(
        endpoint=f"{config.otel_endpoint.rstrip('/')}/v1/traces", timeout=_SEND_TIMEOUT_S
    )
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=_QUEUE,
        max_export_batch_size=_BATCH,
        schedule_delay_millis=_EVERY_MS,
    )
    provider.add_span_processor(processor)
    tracer_set(OtelTracer(provider))
    return provider.shutdown


class OtelTracer:
    """Makes spans below the place that the context, a task or a row names."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("eugpt")

    @contextmanager
    def span(self, name: str, facts: dict[str, Any]) -> Iterator[Span]:
        """Inside the block this span is the place; of an exception its class is told."""
        made = self._tracer.start_span(name, _place(traceparent()), attributes=_known(facts))
        before = traceparent()
        work_below(_traceparent_of(made))
        try:
            yield made
        except Exception as error:
            made.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            work_below(before)
            made.set_attributes(_ids())
            made.end()

    def tell(self, parent: str, told: Told) -> None:
        self._tell(_place(parent), told)

    def _tell(self, place: Context, told: Told) -> None:
        made = self._tracer.start_span(
            told.name, place, attributes=_known(told.facts) | _ids(), start_time=_ns(told.start)
        )
        below = set_span_in_context(made, Context())
        for part in told.parts:
            self._tell(below, part)
        made.end(max(_ns(told.end), _ns(told.start)))


def _place(parent: str) -> Context:
    return _carrier.extract({"traceparent": parent}, Context())


def _traceparent_of(span: Span) -> str:
    """ "" where the trace is not among those that are kept: then nothing below is, either."""
    carried: dict[str, str] = {}
    if span.get_span_context().trace_flags.sampled:
        _carrier.inject(carried, set_span_in_context(span, Context()))
    return carried.get("traceparent", "")


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {f"eugpt.{name}": value for name, value in facts.items() if value is not None}


def _ids() -> dict[str, str]:
    generation_id, conversation_id = work()
    ids = {
        "eugpt.request_id": request_id(),
        "eugpt.conversation_id": conversation_id,
        "eugpt.generation_id": generation_id,
    }
    return {name: value for name, value in ids.items() if value}


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
