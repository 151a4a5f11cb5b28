"""What serving in bf16 and int8 costs: held-out loss through the engine's own network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from inference.engine.config import PRECISIONS, Precision
from inference.engine.fold import FoldedGPT, fold
from inference.engine.kv_cache import KVCache
from inference.engine.network import Network
from training.evaluation.likelihood import smalltalk_documents
from training.evaluation.result import Measure, Row
from training.evaluation.subject import Subject
from training.rows import Document

_DOCUMENTS = 120
_GOAL = "< 0.02"


def precision(subject: Subject) -> Measure:
    """The loss in fp32, and what each other precision adds, on the same conversations."""
    folded = fold(subject.model)
    documents = smalltalk_documents(subject)[:_DOCUMENTS]
    note = f"{len(documents)} conversations"
    rows: list[Row] = []
    exact = None
    for name in tqdm(PRECISIONS, desc="precision", leave=False, disable=subject.is_quiet):
        found = _served_loss(folded, name, documents)
        if name == "fp32":
            exact = found
            rows.append(Row("fp32: held-out loss, nats per token", found, "number", note=note))
            continue
        more = found - exact if found is not None and exact is not None else None
        rows.append(Row(f"{name}: more than fp32", more, "number", goal=_GOAL, note=note))
    return Measure(rows)


def _served_loss(folded: FoldedGPT, name: Precision, documents: Sequence[Document]) -> float | None:
    """Nats a token where the masks are True; None where this machine lacks the precision."""
    try:
        network = Network(folded, name)
    except RuntimeError:
        return None
    cache = KVCache(network.config, 1, is_exact=name == "fp32")
    nats, tokens = 0.0, 0
    for document in documents:
        ids = np.array(document.ids[: network.config.context_length + 1], np.int64)
        places = np.arange(len(ids) - 1)
        wanted = places[np.array(document.mask[1 : len(ids)], np.bool_)]
        if not len(wanted):
            continue
        logits = network.forward(ids[:-1], np.zeros_like(places), places, cache, wanted)
        targets = torch.from_numpy(ids[wanted + 1])
        nats += F.cross_entropy(logits, targets, reduction="sum").item()
        tokens += len(wanted)
    return nats / tokens if tokens else None
