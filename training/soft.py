"""A teacher's next-token distributions, computed once and kept on disk.

Knowledge distillation (Hinton et al. 2015): the likeliest K tokens at every position of packed
rows, with their probabilities; what they leave of 1 is kept as one more event.
Files of a store of N rows of T tokens: `tokens.u16`, `documents.u8`, `answers.u8` (1 where the
assistant wrote the next token), `ids.u16` and `probs.f16` (N, T, K), `meta.json`.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.config import RunConfig
from training.rows import IGNORE, Batch
from training.smalltalk import DataError

if TYPE_CHECKING:
    from training.batches import Batches

_KINDS = {
    "tokens": np.uint16, "documents": np.uint8, "answers": np.uint8,
    "ids": np.uint16, "probs": np.float16,
}  # fmt: skip
_SUFFIX = {np.uint16: "u16", np.uint8: "u8", np.float16: "f16"}
_CHUNK = 2048  # positions that get logits at a time


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.{_SUFFIX[_KINDS[name]]}"


class SoftRows:
    """A store, read row by row in an order that depends on the seed and the cursor alone."""

    def __init__(self, folder: Path, seed: int) -> None:
        try:
            meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise DataError(f"{folder} holds no soft targets: {error}") from error
        self.rows, self.length, self.k = meta["rows"], meta["length"], meta["k"]
        self.seed, self.cursor = seed, 0
        self._data = {name: self._open(folder, name) for name in _KINDS}
        self._order: list[int] = []
        self._epoch = -1

    def _open(self, folder: Path, name: str) -> NDArray[Any]:
        last = (self.k,) if name in ("ids", "probs") else ()
        path = _file(folder, name)
        shape = (self.rows, self.length, *last)
        if path.stat().st_size < np.dtype(_KINDS[name]).itemsize * int(np.prod(shape)):
            raise DataError(f"{path} is shorter than meta.json says")
        return np.memmap(path, _KINDS[name], "r", shape=shape)

    def next(self, count: int, *, is_assistant_only: bool) -> Batch:
        """Give the next `count` rows."""
        picked = []
        for _ in range(count):
            epoch, index = divmod(self.cursor, self.rows)
            if epoch != self._epoch:
                self._order = list(range(self.rows))
                random.Random(f"{self.seed}:soft:{epoch}").shuffle(self._order)
                self._epoch = epoch
            picked.append(self._order[index])
            self.cursor += 1
        data = {name: torch.from_numpy(values[picked]) for name, values in self._data.items()}
        tokens, documents = data["tokens"].long(), data["documents"].long()
        targets = torch.full_like(tokens, IGNORE)
        targets[:, :-1] = tokens[:, 1:]
        ends = torch.ones_like(documents, dtype=torch.bool)
        ends[:, :-1] = documents[:, 1:] != documents[:, :-1]
        unwanted = ends | (documents == 0)
        if is_assistant_only:
            unwanted |= data["answers"] == 0
        targets[unwanted] = IGNORE
        return Batch(tokens, targets, documents, data["ids"].long(), data["probs"].float())


def write_soft_rows(
    teacher: GPT,
    batches: Batches,
    folder: Path,
    *,
    rows: int,
    minutes: float,
    k: int,
    about: str = "",
) -> int:
    """Append rows until there are `rows`, or for `minutes`; returns how many there are.

    A store that was begun is continued: the same batches are drawn again and passed over. `about`
    tells what the rows depend on; a store of anything else is refused with a `DataError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "meta.json"
    sizes = {"length": batches.length, "k": k, "batch": batches.rows, "about": about}
    meta: dict[str, Any] = {"rows": 0, **sizes}
    if path.is_file():
        meta = json.loads(path.read_text(encoding="utf-8"))
        if {key: meta.get(key) for key in sizes} != sizes:
            raise DataError(f"{folder} holds rows of another teacher, data or size: {meta}")
    until = time.monotonic() + 60 * minutes
    drawn = 0
    bar = tqdm(total=rows, initial=meta["rows"], unit="row")
    while meta["rows"] < rows and time.monotonic() < until:
        batch = batches.next()
        drawn += len(batch.tokens)
        if drawn <= meta["rows"]:
            continue
        for name, values in _soften(teacher, batch, k).items():
            with _file(folder, name).open("r+b" if meta["rows"] else "wb") as out:
                out.seek(meta["rows"] * values[0].nbytes)
                out.write(values.tobytes())
        meta["rows"] = drawn
        aside = path.with_suffix(".tmp")
        aside.write_text(json.dumps(meta), encoding="utf-8")
        aside.replace(path)
        bar.update(len(batch.tokens))
    bar.close()
    return int(meta["rows"])


@torch.inference_mode()
def _soften(teacher: GPT, batch: Batch, k: int) -> dict[str, NDArray[Any]]:
    device = next(teacher.parameters()).device
    with torch.autocast(device.type, dtype=torch.bfloat16):
        hidden = teacher(batch.tokens.to(device), mask=batch.attention_mask().to(device))
        ids, probs = _top(teacher, hidden.flatten(0, 1), k)
    shape = (*batch.tokens.shape, k)
    values = {
        "tokens": batch.tokens,
        "documents": batch.documents,
        "answers": batch.targets != IGNORE,
        "ids": ids.view(shape),
        "probs": probs.view(shape),
    }
    return {name: value.cpu().numpy().astype(_KINDS[name]) for name, value in values.items()}


def _top(teacher: GPT, hidden: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The K likeliest tokens after each of N positions, (N, K) each."""
    parts = []
    for start in range(0, len(hidden), _CHUNK):
        probs = teacher.head(hidden[start : start + _CHUNK]).float().softmax(-1)
        parts.append(probs.topk(k))
    return torch.cat([p.indices for p in parts]), torch.cat([p.values for p in parts])


def soften(config: RunConfig, teacher: GPT, out: Path, rows: int, minutes: float, k: int) -> int:
    """Write a store for the sources of a run; returns its rows."""
    from training.batches import Batches
    from training.sources import open_sources

    teacher.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    if config.compile:
        for block in teacher.blocks:
            block.compile()
    tokenizer = Tokenizer.from_file(Path(config.tokenizer))
    # Another seed than the run's: fresh rows and taught ones shall not be the same.
    sources = open_sources(config, tokenizer, config.seed + 1)
    # "assistant" marks the answers; the reader takes all other positions from the documents.
    batches = Batches(sources, config.rows, teacher.config.context_length, "assistant")
    about = _fingerprint(config, teacher)
    return write_soft_rows(teacher, batches, out, rows=rows, minutes=minutes, k=k, about=about)


def _fingerprint(config: RunConfig, teacher: GPT) -> str:
    """A hash of the sources, the tokenizer and a part of every one of the teacher's weights."""
    digest = hashlib.sha256(repr((config.sources, config.seed)).encode())
    digest.update(Path(config.tokenizer).read_bytes())
    for weight in teacher.parameters():
        digest.update(weight.detach().flatten()[:64].float().cpu().numpy().tobytes())
    return digest.hexdigest()
