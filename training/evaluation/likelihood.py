"""Held-out loss: how well the model foresees text it never trained on.

Every conversation stands alone from position 0, as in serving. The loss is on the assistant's
tokens (`<|end|>` included) of conversations and on all tokens of plain text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch.nn import functional as F
from tqdm import tqdm

from inference.chat_template import encode_conversation
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training import corpus, smalltalk
from training.config import SourceConfig
from training.data_formats import Record
from training.evaluation.result import Measure, Row
from training.evaluation.subject import Subject
from training.prepare.units import Filtered, Unit, read_units, split_units
from training.rows import Document

_ROWS = 16
_UNITS_PER_SOURCE = 100


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Sums over the tokens that count. `bytes` are those tokens' UTF-8 bytes."""

    nats: float
    tokens: int
    bytes: int

    @property
    def per_token(self) -> float | None:
        return self.nats / self.tokens if self.tokens else None

    @property
    def bits_per_byte(self) -> float | None:
        return self.nats / math.log(2) / self.bytes if self.bytes else None


@torch.inference_mode()
def likelihood(
    model: GPT, tokenizer: Tokenizer, documents: Sequence[Document], *, is_quiet: bool = True
) -> Likelihood:
    """Sum up the loss where the masks are True; what exceeds the context is left out."""
    length = model.config.context_length
    byte_counts = torch.tensor([len(raw) for raw in tokenizer.token_bytes])
    ordered = sorted(documents, key=lambda d: len(d.ids))  # little padding
    nats, tokens, n_bytes = 0.0, 0, 0
    for start in tqdm(range(0, len(ordered), _ROWS), desc="loss", leave=False, disable=is_quiet):
        rows = ordered[start : start + _ROWS]
        ids, wanted = _pad(rows, length)
        # Padding stands on the right, where a causal model cannot see it.
        hidden = model(ids[:, :-1])[wanted[:, 1:]]
        targets = ids[:, 1:][wanted[:, 1:]]
        logits = model.head(hidden).float()
        nats += F.cross_entropy(logits, targets, reduction="sum").item()
        tokens += len(targets)
        n_bytes += int(byte_counts[targets].sum())
    return Likelihood(nats, tokens, n_bytes)


def _pad(rows: Sequence[Document], length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """ids and mask, (B, T) with T the longest row's, at most `length` + 1 and at least 2."""
    longest = max(2, *(min(len(d.ids), length + 1) for d in rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for i, document in enumerate(rows):
        n = min(len(document.ids), longest)
        ids[i, :n] = torch.tensor(document.ids[:n])
        mask[i, :n] = torch.tensor(document.mask[:n])
    return ids, mask


def loss(subject: Subject) -> Measure:
    """Small talk, and with a corpus folder each public source."""
    rows = _loss_rows("small talk", subject, smalltalk_documents(subject), "conversations")
    files = sorted(subject.corpus.glob("*.jsonl.xz")) if subject.corpus else []
    if subject.corpus and not files:
        raise smalltalk.DataError(f"no *.jsonl.xz in {subject.corpus}")
    for path in files:
        documents = _source_documents(path, subject)
        rows += _loss_rows(path.name.removesuffix(".jsonl.xz"), subject, documents, "documents")
    return Measure(rows)


def _loss_rows(label: str, subject: Subject, documents: list[Document], unit: str) -> list[Row]:
    found = likelihood(subject.model, subject.tokenizer, documents, is_quiet=subject.is_quiet)
    note = f"{len(documents)} {unit}, {found.tokens} tokens"
    return [
        Row(f"held-out loss, {label}: nats per token", found.per_token, "number", note=note),
        Row(f"held-out loss, {label}: bits per byte", found.bits_per_byte, "number", note=note),
    ]


def smalltalk_documents(subject: Subject) -> list[Document]:
    return [Document(*encode_conversation(subject.tokenizer, t)) for t in subject.held_out]


def _source_documents(path: Path, subject: Subject) -> list[Document]:
    tokenizer = subject.tokenizer
    documents = []
    for unit in islice(_held_out_units(path), subject.limit or _UNITS_PER_SOURCE):
        if isinstance(unit.content, str):
            ids = [*tokenizer.encode(unit.content), tokenizer.end_id]
            documents.append(Document(ids, [True] * len(ids)))
        else:
            documents.append(Document(*encode_conversation(tokenizer, unit.content)))
    return documents


def _held_out_units(path: Path) -> Iterator[Unit]:
    """What `prepare` keeps from training, one by one: the first of it, whatever a run filters."""
    for row in corpus.read_rows(path):
        kind = "turns" if "turns" in row else "text"
        content = corpus.row_turns(row) if kind == "turns" else str(row["text"])
        source = SourceConfig(path.name, kind, 1.0, str(path))
        yield from split_units(read_units(source, [Record(content)], Filtered()))["held_out"]
