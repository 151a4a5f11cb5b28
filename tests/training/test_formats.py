"""Every form of data that the pipeline reads, and what it says about what it cannot read."""

import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from inference.chat_template import Turn
from training import smalltalk
from training.data_formats import TINYCHAT, detect_format, read_documents
from training.smalltalk import DataError

JSONL = (
    b'{"turns": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}],'
    b' "simple": 0.5}\n'
    b"not json\n"
    b"\n"
    b'{"text": "A text."}\n'
    b'{"text": "  "}\n'
    b'{"text": 3}\n'
    b'{"turns": []}\n'
    b'{"turns": [{"role": "system", "content": "x"}]}\n'
    b'{"turns": [{"role": "user"}]}\n'
    b'{"turns": "no"}\n'
    b'["a list"]\n'
    b'{"text": "caf\xe9"}\n'  # not UTF-8
)
TALK = "[INST] Hi [/INST] Hello! [INST] Bye [/INST] See you."
TALK_TURNS = [
    Turn("user", "Hi"),
    Turn("assistant", "Hello!"),
    Turn("user", "Bye"),
    Turn("assistant", "See you."),
]


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress), ("a.jsonl.xz", lzma.compress)],
)
def test_json_lines_are_read_and_broken_ones_counted(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / name).write_bytes(pack(JSONL))
    reading = read_documents(tmp_path / name)
    assert [record.content for record in reading.records] == [
        [Turn("user", "Hi"), Turn("assistant", "Ho")],
        "A text.",
    ]
    assert reading.records[0].extra == {"simple": 0.5}
    assert reading.broken == 9


@pytest.mark.parametrize(("name", "pack"), [("a.txt", bytes), ("a.txt.xz", lzma.compress)])
def test_tinychat_file_is_known_by_its_first_line(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    text = f"\ufeff{TALK}\r\n\r\n[INST] no answer\r\nnothing\r\n{TALK}\r\n"
    (tmp_path / name).write_bytes(pack(text.encode()))
    reading = read_documents(tmp_path / name)
    assert [record.content for record in reading.records] == [TALK_TURNS, TALK_TURNS]
    assert reading.broken == 2


def test_small_talk_is_read_with_open_slots_and_the_same_lines_held_out() -> None:
    folder = Path("training/data/smalltalk")
    reading = read_documents(folder)
    train, held_out, broken = smalltalk.read_folder(folder)
    assert reading.broken == broken
    assert [r.content for r in reading.records if not r.extra["held_out"]] == train
    assert [r.content for r in reading.records if r.extra["held_out"]] == held_out
    assert any("{name}" in turn.content for turns in train for turn in turns)


def test_small_talk_reads_the_wanted_files_only(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TALK)
    (tmp_path / "b.txt").write_text(f"{TALK}\nbroken")
    assert len(read_documents(tmp_path).records) == 2
    reading = read_documents(tmp_path, files="b*.txt")
    assert (len(reading.records), reading.broken) == (1, 1)


def test_plain_text_joins_lines_to_paragraphs_and_paragraphs_to_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one two\nthree\n\n" + b"word " * 117 + b"\n\xff\xfe\n\n\nlast\n")
    reading = read_documents(path)
    first, second = (str(record.content) for record in reading.records)
    assert first.startswith("one two three\nword word")
    assert len(first.split()) == 120
    assert second == "last"
    assert reading.broken == 1


def test_format_can_be_given_against_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(TALK)
    assert detect_format(path) == "tinychat"
    assert read_documents(path, "text").records[0].content == TALK
    with pytest.raises(DataError, match=r"a\.txt: no format 'csv'"):
        read_documents(path, "csv")


def test_unreadable_sources_are_named(tmp_path: Path) -> None:
    whole = lzma.compress(JSONL * 1000)
    contents = {
        "empty.jsonl": b"",
        "broken.jsonl": b"no\nno\n",
        "blank.txt": b"\n \n",
        "short.jsonl.xz": whole[: len(whole) // 2],
        "wrong.jsonl.xz": b"not packed",
        "short.jsonl.gz": gzip.compress(JSONL * 1000)[:-20],
        "wrong.txt.gz": b"not packed",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    for name in (*contents, "missing.jsonl.xz", "missing.txt", "folder"):
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            read_documents(tmp_path / name)
    with pytest.raises(DataError, match="2 broken lines"):
        read_documents(tmp_path / "broken.jsonl")
    with pytest.raises(DataError, match="no such folder"):
        read_documents(tmp_path / "missing", "smalltalk")


class HubTable(dict[str, list[Any]]):
    """What of a `datasets.Dataset` is used."""

    @property
    def column_names(self) -> list[str]:
        return list(self)


def stand_in(monkeypatch: pytest.MonkeyPatch, load: Callable[..., HubTable]) -> None:
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load))


def test_hub_data_set_is_read_and_its_licence_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def load(name: str, split: str, revision: str | None) -> HubTable:
        asked.append((name, split, revision))
        return HubTable(id=[1, 2, 3], text=[TALK, "broken", None])

    stand_in(monkeypatch, load)
    reading = read_documents(Path("some/root") / f"hub:{TINYCHAT}")  # as a config gives it
    assert [record.content for record in reading.records] == [TALK_TURNS]
    assert reading.broken == 2
    assert "NON-COMMERCIAL" in reading.note
    other = read_documents("hub:someone/else@abc")
    assert "licence" in other.note
    assert asked == [(TINYCHAT, "train", None), ("someone/else", "train", "abc")]


def test_hub_without_the_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install datasets==\d"):
        read_documents(f"hub:{TINYCHAT}")


def test_hub_that_cannot_be_reached_is_an_error_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load(*_: object, **__: object) -> HubTable:
        raise ConnectionError("no network")

    stand_in(monkeypatch, load)
    with pytest.raises(DataError, match=f"hub:{TINYCHAT}: no network"):
        read_documents(f"hub:{TINYCHAT}")
