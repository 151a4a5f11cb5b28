"""When prepared shards still belong to a source: a hash of everything that decides them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from training.config import SourceConfig
from training.data_formats import hub_name
from training.prepare.report import read_reports
from training.shards import ShardReader, shard_paths
from training.smalltalk import DataError

VERSION = 1  # of cleaning, de-duplication and splitting: raise it when what they give changes


def open_shard(
    folder: Path, source: SourceConfig, tokenizer: str, split: str = "train"
) -> ShardReader | None:
    """Give the prepared documents of `source`, or None when it was never prepared there.

    Raises `DataError` when the shard is damaged, or was made from other files, with other
    settings or another tokenizer: training must not silently read what its config does not say.
    """
    if not shard_paths(folder, source.name, split)[0].exists():
        return None
    report = read_reports(folder).get(source.name)
    if report is None or report.fingerprint != fingerprint(source, tokenizer):
        raise DataError(
            f"{folder}: {source.name} was prepared from other data, settings or another "
            "tokenizer; prepare it again"
        )
    return ShardReader(folder, source.name, split)


def fingerprint(source: SourceConfig, tokenizer: str) -> str:
    """A hash of all that decides a source's shards; of a hub data set only its name is known."""
    settings = {k: v for k, v in asdict(source).items() if k not in ("name", "share", "path")}
    digest = hashlib.sha256(json.dumps([VERSION, settings], sort_keys=True).encode())
    if name := hub_name(source.path):
        digest.update(name.encode())
    else:
        for file in _files(source):
            digest.update(f"\n{file.name}\n".encode())
            digest.update(_file_hash(file))
    digest.update(_file_hash(Path(tokenizer)))
    return digest.hexdigest()


def _files(source: SourceConfig) -> Iterator[Path]:
    path = Path(source.path)
    if path.is_dir():
        yield from sorted([*path.glob(source.files), *path.glob("slots.json")])
    else:
        yield path


def _file_hash(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
