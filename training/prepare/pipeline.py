"""From a run's sources to shards: what is done to each source, in order, and when it is skipped.

Owns the folder of shards. A source is read again only when its files, its settings, the
tokenizer or `fingerprint.VERSION` changed; the report is written after every source, so that an
ended `prepare` goes on where it stopped.
"""

from __future__ import annotations

import time
from pathlib import Path

from inference.chat_template import encode_conversation
from inference.tokenizer import Tokenizer, TokenizerError
from training.config import RunConfig, SourceConfig
from training.data_formats import read_documents
from training.prepare.check import check_smalltalk
from training.prepare.deduplicate import deduplicate
from training.prepare.fingerprint import VERSION, fingerprint
from training.prepare.report import SourceReport, read_reports, write_reports
from training.prepare.units import Filtered, Unit, documents, read_units, split_units
from training.shards import MAX_VOCAB_SIZE, ShardReader, ShardWriter
from training.smalltalk import DataError

SPLITS = ("train", "held_out")
_TOKENIZED = ("turns", "text", "sentences", "stories")
_CHECKED_ONLY = ("smalltalk",)  # every other kind is made at the moment it is drawn


def prepare(config: RunConfig, folder: Path, *, is_forced: bool = False) -> list[SourceReport]:
    """Write shards of every source of `config` into `folder`; raises `DataError`."""
    tokenizer = _read_tokenizer(Path(config.tokenizer))
    folder.mkdir(parents=True, exist_ok=True)
    earlier = read_reports(folder)
    done: dict[str, SourceReport] = {}
    for source in config.sources:
        if source.kind not in (*_TOKENIZED, *_CHECKED_ONLY):
            continue
        if source.name in done:
            raise DataError(f"two sources are named {source.name}")
        mark = fingerprint(source, config.tokenizer)
        old = earlier.get(source.name)
        if old and not is_forced and old.fingerprint == mark and _is_whole(folder, source):
            done[source.name] = old
            print(f"{source.name}: unchanged", flush=True)
        else:
            report = _prepare_source(source, tokenizer, folder, mark)
            done[source.name] = report
            print(f"{source.name}: {report.rows:,} rows, {report.seconds:.1f} s", flush=True)
        if done[source.name].note:
            print(f"  NOTE: {done[source.name].note}", flush=True)
        write_reports(folder, earlier | done, {"config": config.name, "version": VERSION})
    return list(done.values())


def _read_tokenizer(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(path)
    except TokenizerError as error:
        raise DataError(f"{path}: {error}") from error
    if tokenizer.vocab_size > MAX_VOCAB_SIZE:
        raise DataError(f"{path} has {tokenizer.vocab_size} ids, shards hold {MAX_VOCAB_SIZE}")
    return tokenizer


def _is_whole(folder: Path, source: SourceConfig) -> bool:
    if source.kind in _CHECKED_ONLY:
        return True
    try:
        for split in SPLITS:
            ShardReader(folder, source.name, split)
    except DataError:
        return False
    return True


def _prepare_source(
    source: SourceConfig, tokenizer: Tokenizer, folder: Path, mark: str
) -> SourceReport:
    start = time.monotonic()
    report = SourceReport(source.name, source.kind, source.path, mark)
    if source.kind in _CHECKED_ONLY:
        check_smalltalk(source, tokenizer, report)
    else:
        units = _kept_units(source, report)
        _write(source, split_units(units), tokenizer, folder, report)
    report.seconds = round(time.monotonic() - start, 2)
    return report


def _kept_units(source: SourceConfig, report: SourceReport) -> list[Unit]:
    reading = read_documents(source.path, files=source.files)
    report.rows, report.broken, report.note = len(reading.records), reading.broken, reading.note
    filtered = Filtered()
    units = read_units(source, reading.records, filtered)
    report.unwanted, report.cleaned = filtered.unwanted, filtered.unclean
    if not units:
        raise DataError(
            f"{source.path}: source {source.name} has nothing left of {report.rows} rows "
            f"({filtered.unwanted} unwanted by its settings or not of its kind, "
            f"{filtered.unclean} cleaned away)"
        )
    found = deduplicate([unit.key for unit in units])
    report.exact, report.near = found.exact, found.near
    return [units[i] for i in found.kept]


def _write(
    source: SourceConfig,
    splits: dict[str, list[Unit]],
    tokenizer: Tokenizer,
    folder: Path,
    report: SourceReport,
) -> None:
    writers = {split: ShardWriter(folder, source.name, split) for split in SPLITS}
    try:
        for split, writer in writers.items():
            for document in documents(source.kind, splits[split]):
                if isinstance(document, str):
                    ids = [*tokenizer.encode(document), tokenizer.end_id]
                    writer.add(ids, [True] * len(ids))
                else:
                    writer.add(*encode_conversation(tokenizer, document))
        for writer in writers.values():
            writer.publish()
    finally:
        for writer in writers.values():
            writer.discard()
    report.train, report.held_out = (len(writers[split]) for split in SPLITS)
    report.tokens, report.held_out_tokens = (writers[split].tokens for split in SPLITS)
    report.words = sum(len(unit.key.split()) for unit in splits["train"])
