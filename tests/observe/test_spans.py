"""A generation's spans, from times that the database's clock and the worker's have given."""

from contextlib import nullcontext
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.utils import timezone

from accounts import spans
from accounts.spans import Told
from chat.generation.spans import generation_trace
from chat.models import FinishReason, Generation

PARENT = f"00-{'1' * 32}-{'2' * 16}-01"


class Keeper:
    """A tracer that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def span(self, name: str, facts: dict[str, Any]) -> nullcontext[None]:
        return nullcontext()

    def tell(self, parent: str, told: Told) -> None:
        assert parent == PARENT
        self.told.append(told)


def test_parts_follow_each_other_whatever_the_workers_clock_says() -> None:
    keeper = Keeper()
    here, ahead = timezone.now(), timedelta(minutes=1)
    generation = Generation(
        traceparent=PARENT,
        finish_reason=FinishReason.STOP,
        queued_at=here + ahead - timedelta(seconds=3),
        started_at=here + ahead - timedelta(seconds=2),
        first_token_at=here + ahead - timedelta(seconds=1),
    )
    generation.clock = ahead
    spans.tracer_set(keeper)
    try:
        generation_trace(generation, written_at=here)
    finally:
        spans.tracer_set(None)
    [whole] = keeper.told
    assert all(part.start <= part.end for part in whole.parts)
    assert all(before.end == after.start for before, after in pairwise(whole.parts))
    assert (whole.start, whole.end) == (whole.parts[0].start, whole.parts[-1].end)
