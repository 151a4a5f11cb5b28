"""Reading conversations and texts in every form that the pipeline knows.

Small talk (a folder), JSON lines of `turns` or `text`, plain text, TinyChat's `[INST]` lines and
data sets of the Hugging Face hub. Lines that are not in their form are counted and left out; a
source without one good document is a `DataError`. Knows nothing of cleaning, tokens or mixtures.
"""

from __future__ import annotations

import gzip
import importlib
import json
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.chat_template import Turn
from training import smalltalk
from training.smalltalk import DataError

FORMATS = ("auto", "smalltalk", "jsonl", "text", "tinychat", "hub")
DATASETS_PIN = "datasets==5.2.0"
TINYCHAT = "starhopp3r/TinyChat"
_HUB = re.compile(r"(?:^|/)hub:(.+)$")
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open}
_DOCUMENT_WORDS = 120  # plain text: paragraphs are joined until a document has as many
_SNIFFED_LINES = 20


@dataclass(frozen=True, slots=True)
class Record:
    """One document as it was read: a conversation or a text, and the other keys of its row."""

    content: list[Turn] | str
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source gave. `note` says what must be known of its licence, if anything."""

    records: list[Record]
    broken: int
    note: str = ""


def read_documents(path: Path | str, format: str = "auto", files: str = "*.txt") -> Reading:  # noqa: A002
    """Read a source whole; `files` are the names read in a folder of small talk.

    Raises `DataError`, with the path in it, when the source is missing, unreadable, empty or
    has no line in its form.
    """
    if format not in FORMATS:
        raise DataError(f"{path}: no format {format!r}, there are {', '.join(FORMATS)}")
    form = detect_format(path) if format == "auto" else format
    note = ""
    broken = _Count()
    if form == "hub":
        name = hub_name(path) or str(path)
        records, note = list(_tinychat(_hub_lines(name), broken)), licence_note(name)
    else:
        file = Path(path)
        records = list(_READERS[form](_lines_of(file, form, files), broken))
    if not records:
        raise DataError(f"{path}: no document in it ({broken.n} broken lines)")
    return Reading(records, broken.n, note)


def detect_format(path: Path | str) -> str:
    """Name the form of a source: by what it is, by its name, else by its first lines."""
    if hub_name(path):
        return "hub"
    file = Path(path)
    if file.is_dir():
        return "smalltalk"
    if {".jsonl", ".json", ".ndjson"} & set(file.suffixes):
        return "jsonl"
    for number, line in enumerate(_lines(file)):
        text = (line or "").strip().lstrip("\ufeff")
        if text.startswith("[INST]"):
            return "tinychat"
        if text.startswith(('{"turns"', '{"text"', '{"source"')):
            return "jsonl"
        if number >= _SNIFFED_LINES:
            break
    return "text"


def hub_name(path: Path | str) -> str | None:
    """`hub:OWNER/NAME`, also with a folder before it: configs put their root before every path."""
    match = _HUB.search(str(path))
    return match.group(1) if match else None


def licence_note(name: str) -> str:
    if name.partition("@")[0] == TINYCHAT:
        return (
            f"{TINYCHAT} is CC BY-NC 4.0: NON-COMMERCIAL use only, "
            "and so may a model that was trained on it"
        )
    return f"{name} has a licence of its own: read it before you train on it"


@dataclass(slots=True)
class _Count:
    n: int = 0


def _lines_of(path: Path, form: str, files: str) -> Iterator[str | None]:
    if form != "smalltalk" or path.is_file():
        yield from _lines(path)
        return
    if not path.is_dir():
        raise DataError(f"no such folder: {path}")
    for file in sorted(path.glob(files)):
        yield from _lines(file)


def _lines(path: Path) -> Iterator[str | None]:
    """The decoded lines of a plain or packed file; None for one that is not UTF-8."""
    if not path.is_file():
        raise DataError(f"no such file: {path}")
    try:
        with _OPENERS.get(path.suffix, open)(path, "rb") as file:
            for raw in file:
                try:
                    yield raw.decode("utf-8")
                except UnicodeDecodeError:
                    yield None
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _jsonl(lines: Iterable[str | None], broken: _Count) -> Iterator[Record]:
    for line in lines:
        if line is not None and not line.strip():
            continue
        record = _json_record(line)
        if record is None:
            broken.n += 1
        else:
            yield record


def _json_record(line: str | None) -> Record | None:
    try:
        row = json.loads((line or "").lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    extra = {key: value for key, value in row.items() if key not in ("turns", "text")}
    if "turns" in row:
        turns = _json_turns(row["turns"])
        return Record(turns, extra) if turns else None
    text = row.get("text")
    return Record(text, extra) if isinstance(text, str) and text.strip() else None


def _json_turns(rows: Any) -> list[Turn] | None:
    if not isinstance(rows, list):
        return None
    turns: list[Turn] = []
    for row in rows:
        role = row.get("role") if isinstance(row, dict) else None
        if role not in ("user", "assistant") or not isinstance(row.get("content"), str):
            return None
        turns.append(Turn(role, row["content"]))
    return turns


def _tinychat(lines: Iterable[str | None], broken: _Count) -> Iterator[Record]:
    for line in lines:
        if line is not None and not line.strip():
            continue
        turns = smalltalk.parse_line((line or "").lstrip("\ufeff"))
        if turns is None:
            broken.n += 1
        else:
            yield Record(turns)


def _smalltalk(lines: Iterable[str | None], broken: _Count) -> Iterator[Record]:
    """Slots stay unfilled: training fills them anew at every draw."""
    for line in lines:
        for record in _tinychat([line], broken):
            is_held_out = smalltalk.is_held_out((line or "").rstrip("\r\n"))
            yield Record(record.content, {"held_out": is_held_out})


def _text(lines: Iterable[str | None], broken: _Count) -> Iterator[Record]:
    """Join the lines of a paragraph by spaces, and paragraphs until a document is long enough."""
    paragraphs: list[str] = []
    words = 0
    for paragraph in _paragraphs(lines, broken):
        paragraphs.append(paragraph)
        words += len(paragraph.split())
        if words >= _DOCUMENT_WORDS:
            yield Record("\n".join(paragraphs))
            paragraphs, words = [], 0
    if paragraphs:
        yield Record("\n".join(paragraphs))


def _paragraphs(lines: Iterable[str | None], broken: _Count) -> Iterator[str]:
    paragraph: list[str] = []
    for line in lines:
        if line is None:
            broken.n += 1
        elif text := line.strip().lstrip("\ufeff"):
            paragraph.append(text)
        elif paragraph:
            yield " ".join(paragraph)
            paragraph = []
    if paragraph:
        yield " ".join(paragraph)


_READERS: dict[str, Callable[[Iterable[str | None], _Count], Iterator[Record]]] = {
    "smalltalk": _smalltalk,
    "jsonl": _jsonl,
    "tinychat": _tinychat,
    "text": _text,
}


def _hub_lines(name: str) -> Iterator[str | None]:
    """The texts of the split `train`; `NAME@REVISION` fixes a revision."""
    try:
        load_dataset = importlib.import_module("datasets").load_dataset
    except ImportError as error:
        raise DataError(
            f"hub:{name} needs the library `datasets`: pip install {DATASETS_PIN}"
        ) from error
    repository, _, revision = name.partition("@")
    try:
        table = load_dataset(repository, split="train", revision=revision or None)
    except Exception as error:  # of the library, of its HTTP client, of the file formats
        raise DataError(f"cannot load hub:{name}: {error}") from error
    columns = table.column_names
    column = "text" if "text" in columns else columns[0]
    for text in table[column]:
        yield text if isinstance(text, str) else None
