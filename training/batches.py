"""Batches of packed rows from weighted sources.

The order depends on the seed and the cursors alone, and the cursors are part of a run's
checkpoint: a resumed run sees exactly what an uninterrupted one would have seen.
"""

from __future__ import annotations

from typing import Any

from training.rows import Batch, Document, join, pack
from training.soft import SoftRows
from training.sources import Source

_MISFITS = 12  # documents that may fail to fit before the rows are called full


class Batches:
    """Packed batches of `rows` rows of `length` tokens from the mixture.

    With `soft`, that share of the rows comes from the teacher's store instead. With `part` (i, n)
    every n-th batch is given, from the i-th on: n processes see different batches, and all have
    the same cursors.
    """

    def __init__(
        self,
        sources: list[Source],
        rows: int,
        length: int,
        loss_on: str,
        soft: SoftRows | None = None,
        soft_share: float = 0.0,
        *,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        self.sources, self.soft = sources, soft
        self.soft_count = round(rows * soft_share) if soft else 0
        self.rows, self.length = rows - self.soft_count, length
        self.part = part
        self.is_assistant_only = loss_on == "assistant"
        self._carried: list[Document] = []

    def _draw(self) -> Document:
        """Draw from the source that is furthest behind its share."""
        source = min(self.sources, key=lambda s: s.tokens / s.config.share)
        document = source.draw()
        return Document(document.ids[: self.length], document.mask[: self.length])

    def next(self) -> Batch:
        taught = self._taught() if self.soft_count else None
        if not self.rows and taught:
            return taught
        number, of = self.part
        fresh = [self._deal() for _ in range(of)][number]
        batch = pack(fresh, self.length, self.is_assistant_only)
        return join(taught, batch) if taught else batch

    def _taught(self) -> Batch:
        assert self.soft is not None
        number, of = self.part
        self.soft.cursor += number * self.soft_count
        batch = self.soft.next(self.soft_count, is_assistant_only=self.is_assistant_only)
        self.soft.cursor += (of - 1 - number) * self.soft_count
        return batch

    def _deal(self) -> list[list[Document]]:
        """Put documents into the fullest row that has room for them."""
        rows: list[list[Document]] = [[] for _ in range(self.rows)]
        room = [self.length] * self.rows
        carried, self._carried = self._carried, []
        while len(self._carried) < _MISFITS:
            document = carried.pop() if carried else self._draw()
            fits = [i for i in range(self.rows) if room[i] >= len(document.ids)]
            if not fits:
                self._carried.append(document)
                continue
            best = min(fits, key=lambda i: room[i])
            rows[best].append(document)
            room[best] -= len(document.ids)
        return rows

    def state(self) -> dict[str, Any]:
        return {
            "soft": self.soft.cursor if self.soft else 0,
            "sources": {s.config.name: s.state() for s in self.sources},
            "carried": [(d.ids, d.mask) for d in self._carried],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        for source in self.sources:
            source.load_state(state["sources"][source.config.name])
        self._carried = [Document(list(ids), list(mask)) for ids, mask in state["carried"]]
        if self.soft:
            self.soft.cursor = state["soft"]
