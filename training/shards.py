"""Tokenized documents on disk: written once by `prepare`, memory-mapped by training.

Of every source and split there are three files. `NAME.SPLIT.bin`: ids of all documents one after
the other, uint16, little-endian. `NAME.SPLIT.mask.bin`: as many bytes, 1 where the assistant wrote
(everywhere in a text). `NAME.SPLIT.idx.npy`: int64, where each document starts, and the end.
Knows no tokenizer and no kinds of sources.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from training.smalltalk import DataError

MAX_VOCAB_SIZE = 1 << 16
_IDS, _MASK = np.dtype("<u2"), np.dtype("u1")


def shard_paths(folder: Path, name: str, split: str) -> tuple[Path, Path, Path]:
    """Give ids, mask and offsets; where the first exists, all three are whole."""
    stem = f"{name}.{split}"
    return folder / f"{stem}.bin", folder / f"{stem}.mask.bin", folder / f"{stem}.idx.npy"


class ShardWriter:
    """Writes one split aside; it appears under its own name at `publish`, or not at all."""

    def __init__(self, folder: Path, name: str, split: str) -> None:
        self._paths = shard_paths(folder, name, split)
        self._parts = [path.with_name(f".{path.name}.part") for path in self._paths]
        self._ids = self._parts[0].open("wb")
        self._mask = self._parts[1].open("wb")
        self._offsets = [0]

    @property
    def tokens(self) -> int:
        return self._offsets[-1]

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def add(self, ids: Sequence[int], mask: Sequence[bool]) -> None:
        if len(ids) != len(mask):
            raise ValueError(f"{len(ids)} ids, {len(mask)} mask values")
        self._ids.write(np.asarray(ids, dtype=_IDS).tobytes())
        self._mask.write(np.asarray(mask, dtype=_MASK).tobytes())
        self._offsets.append(self.tokens + len(ids))

    def publish(self) -> None:
        """Rename all files into place, the ids last, so that a kill never leaves a mixture."""
        with self._parts[2].open("wb") as file:
            np.save(file, np.asarray(self._offsets, dtype=np.int64))
            _sync(file)
        for stream in (self._ids, self._mask):
            _sync(stream)
            stream.close()
        self._paths[0].unlink(missing_ok=True)
        for part, path in reversed(list(zip(self._parts, self._paths, strict=True))):
            part.replace(path)

    def discard(self) -> None:
        """Close and delete what was not published; after `publish` it does nothing."""
        for stream in (self._ids, self._mask):
            stream.close()
        for part in self._parts:
            part.unlink(missing_ok=True)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


class ShardReader:
    """The documents of one split by number; nothing is held in memory but the offsets."""

    def __init__(self, folder: Path, name: str, split: str = "train") -> None:
        """Raise `DataError` when a file is missing or the three do not belong together."""
        ids, mask, offsets = shard_paths(folder, name, split)
        self._offsets = _read_offsets(offsets)
        tokens = int(self._offsets[-1])
        self._ids = _map(ids, _IDS, tokens)
        self._mask = _map(mask, _MASK, tokens)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @property
    def tokens(self) -> int:
        return int(self._offsets[-1])

    def __getitem__(self, i: int) -> tuple[list[int], list[bool]]:
        """Give ids and mask of document `i`; raises IndexError outside 0 … len - 1."""
        if not 0 <= i < len(self):
            raise IndexError(f"document {i} of {len(self)}")
        part = slice(int(self._offsets[i]), int(self._offsets[i + 1]))
        return self._ids[part].tolist(), self._mask[part].astype(bool).tolist()


def _read_offsets(path: Path) -> NDArray[np.int64]:
    try:
        offsets: NDArray[np.int64] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"cannot read {path}: {error}; prepare the data again") from error
    if (
        offsets.dtype != np.int64
        or offsets.ndim != 1
        or not len(offsets)
        or offsets[0]
        or (np.diff(offsets) < 0).any()
    ):
        raise DataError(f"{path} holds no offsets; prepare the data again")
    return offsets


def _map(path: Path, dtype: np.dtype[Any], tokens: int) -> NDArray[Any]:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"cannot read {path}: {error}; prepare the data again") from error
    if size != tokens * dtype.itemsize:
        raise DataError(
            f"{path} has {size} bytes, its offsets want {tokens * dtype.itemsize}; "
            "prepare the data again"
        )
    if not tokens:  # an empty file cannot be mapped
        return np.zeros(0, dtype)
    return np.memmap(path, dtype, mode="r", shape=(tokens,))
