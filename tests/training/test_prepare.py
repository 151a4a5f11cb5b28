"""Cleaning, near duplicates, splits, shards, and the whole of `prepare`."""

import json
import lzma
import random
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.chat_template import Turn, encode_conversation
from inference.tokenizer import Tokenizer
from training.config import read_config
from training.prepare.clean import MAX_TURN_WORDS, clean_text, clean_turns, split_text
from training.prepare.command import PrepareCommand
from training.prepare.deduplicate import THRESHOLD, deduplicate, jaccard, word_runs
from training.prepare.fingerprint import open_shard
from training.prepare.pipeline import prepare
from training.prepare.report import SourceReport, read_reports
from training.prepare.units import HELD_OUT_MOST, HELD_OUT_SHARE, Unit, split_units
from training.shards import ShardReader, ShardWriter, shard_paths
from training.smalltalk import DataError


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("  a \t b\x00\x07 ", "a b"),
        ("a\r\nb\rc \n d", "a\nb\nc\nd"),
        ("a\n\n\n\n b", "a\n\nb"),
        ("\ufb01sh\u00a0\uff21\u200b\u00adb\ufeff", "fish Ab"),
        ("\u2028a\x85b", "a b"),
        ("caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600"),
    ],
)
def test_clean_text(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean
    assert clean_text(clean) == clean


def talk(*contents: str, first: str = "user") -> list[Turn]:
    roles = ("user", "assistant") if first == "user" else ("assistant", "user")
    return [Turn(roles[i % 2], content) for i, content in enumerate(contents)]  # type: ignore[arg-type]


def test_clean_turns_alternate_and_end_with_the_assistant() -> None:
    assert clean_turns(talk("hello", "a", "b", "c", first="assistant")) == talk("a", "b")
    turns = [Turn("user", "a"), Turn("user", "b"), Turn("assistant", "c"), Turn("user", " \x00")]
    assert clean_turns([*turns, Turn("assistant", "d")]) == talk("a b", "c d")
    assert clean_turns(talk("alone")) == []


def test_clean_turns_end_before_a_turn_that_is_too_long() -> None:
    long = "word " * (MAX_TURN_WORDS + 1)
    assert clean_turns(talk("a", "b", "c", long, "d", "e")) == talk("a", "b")
    assert clean_turns(talk("a", "b", long, "c")) == talk("a", "b")
    assert clean_turns(talk("a", long)) == []
    assert len(clean_turns(talk("a", long[:-5]))) == 2


def test_split_text_loses_no_word_and_keeps_parts_short() -> None:
    rng = random.Random(3)
    for _ in range(30):
        sentences = ["word " * rng.randint(1, 30) + 'end."' for _ in range(rng.randint(1, 90))]
        text = " ".join(sentences)
        parts = split_text(text)
        assert " ".join(parts).split() == text.split()
        assert max(len(part.split()) for part in parts) <= 275
        assert all(part.endswith('end."') for part in parts)
    assert split_text("short. text.") == ["short. text."]


def words(rng: random.Random, n: int) -> list[str]:
    return [f"w{rng.randrange(400)}" for _ in range(n)]


def test_deduplicate_agrees_with_comparing_every_pair() -> None:
    rng = random.Random(1)
    texts = []
    for _ in range(60):
        base = words(rng, rng.randint(3, 80))
        for _ in range(4):
            copy = [rng.choice(words(rng, 1)) if rng.random() < 0.02 else w for w in base]
            texts.append(" ".join(copy) + rng.choice(("", ".", "!")))
    found = deduplicate(texts)
    runs = word_runs(texts)
    expected: list[int] = []
    for i in range(len(texts)):
        if all(jaccard(runs[i], runs[j]) < THRESHOLD for j in expected):
            expected.append(i)
    assert found.kept == expected
    assert found.exact == len(texts) - len(set(texts)) > 0
    assert found.near == len(texts) - found.exact - len(found.kept) > 10


def test_deduplicate_is_deaf_to_case_and_marks_but_not_to_order() -> None:
    texts = ["How are you?", "how are you", "You are how?", "?!", "...", "Hi", "hi!", "Hi"]
    found = deduplicate(texts)
    assert [texts[i] for i in found.kept] == ["How are you?", "You are how?", "?!", "...", "Hi"]
    assert (found.exact, found.near) == (1, 2)
    assert deduplicate([]).kept == []


def test_jaccard_of_word_runs() -> None:
    a, b = word_runs(["a b c d e f", "a b c d e g"])  # abcd bcde | cdef, cdeg
    assert jaccard(a, b) == 2 / 4


def test_split_is_stable_and_capped() -> None:
    units = [Unit(f"text {i}", f"text {i}") for i in range(20_000)]
    splits = split_units(units)
    assert 60 < len(splits["held_out"]) < 140
    assert len(splits["train"]) + len(splits["held_out"]) == len(units)
    some = split_units(reversed(units[5_000:]))
    assert {u.key for u in some["held_out"]} < {u.key for u in splits["held_out"]}
    many = [Unit("x", key) for u in splits["held_out"] for key in [u.key] * 5]
    assert len(split_units(many)["held_out"]) == HELD_OUT_MOST


def write(folder: Path, documents: list[tuple[list[int], list[bool]]]) -> None:
    writer = ShardWriter(folder, "s", "train")
    for ids, mask in documents:
        writer.add(ids, mask)
    writer.publish()
    writer.discard()


def test_shards_give_back_what_was_written(tmp_path: Path) -> None:
    rng = random.Random(1)
    documents = []
    for n in (3, 1, 0, 700, 5):
        mask = [rng.random() < 0.5 for _ in range(n)]
        documents.append(([rng.randrange(1 << 16) for _ in range(n)], mask))
    write(tmp_path, documents)
    reader = ShardReader(tmp_path, "s")
    assert [reader[i] for i in range(len(reader))] == documents
    assert reader.tokens == 709
    assert all(type(value) is bool for value in reader[3][1])
    with pytest.raises(IndexError):
        reader[5]
    write(tmp_path, documents[:1])
    assert len(ShardReader(tmp_path, "s")) == 1
    write(tmp_path, [])
    assert len(ShardReader(tmp_path, "s")) == 0
    assert len(list(tmp_path.iterdir())) == 3


def test_unpublished_shard_leaves_the_old_one(tmp_path: Path) -> None:
    write(tmp_path, [([1, 2], [True, False])])
    writer = ShardWriter(tmp_path, "s", "train")
    writer.add([3], [True])
    assert ShardReader(tmp_path, "s")[0] == ([1, 2], [True, False])
    writer.discard()
    assert len(list(tmp_path.iterdir())) == 3


def test_shard_writer_refuses_ids_beyond_two_bytes(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, "s", "train")
    with pytest.raises(OverflowError):
        writer.add([1 << 16], [True])
    with pytest.raises(ValueError, match="2 ids, 1 mask values"):
        writer.add([1, 2], [True])
    writer.discard()


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("damage", ["cut", "grown", "missing"])
def test_damaged_shards_are_named(tmp_path: Path, number: int, damage: str) -> None:
    write(tmp_path, [([1, 2, 3], [True] * 3)] * 5)
    path = shard_paths(tmp_path, "s", "train")[number]
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "cut" else content + b"\0")
    if damage == "grown" and path.suffix == ".npy":
        assert len(ShardReader(tmp_path, "s")) == 5  # what follows an array is never read
        return
    with pytest.raises(DataError, match=path.name):
        ShardReader(tmp_path, "s")


def test_offsets_must_rise_from_zero(tmp_path: Path) -> None:
    write(tmp_path, [([1, 2, 3], [True] * 3)] * 2)
    for wrong in ([1, 6], [0, 7, 6], [], [[0, 6]], [0.0, 6.0]):
        np.save(tmp_path / "s.train.idx.npy", np.asarray(wrong, dtype=None if wrong else np.int64))
        with pytest.raises(DataError, match=r"s\.train\.idx\.npy"):
            ShardReader(tmp_path, "s")


def row(*contents: str, **extra: Any) -> dict[str, Any]:
    return {"turns": [t._asdict() for t in talk(*contents)], **extra}


def story(i: int) -> str:
    return f"One day a dog number {i} went out {'and ran ' * (i % 7)}. It came home at {i}."


CONFIG = """
name = "tiny"
tokenizer = "{tokenizer}"
tokens = 1
[[source]]
name = "talk"
kind = "smalltalk"
share = 1
path = "talk"
[[source]]
name = "drawn"
kind = "drill"
share = 1
path = "talk"
[[source]]
name = "chat"
kind = "turns"
share = 1
path = "chat.jsonl.xz"
min_simple = {min_simple}
openings_only = true
skip_persona = "rude"
[[source]]
name = "stories"
kind = "stories"
share = 1
path = "texts.jsonl.xz"
[[source]]
name = "texts"
kind = "text"
share = 1
path = "texts.jsonl.xz"
[[source]]
name = "sentences"
kind = "sentences"
share = 1
path = "sentences.txt"
"""
CHAT = [
    row("Where is the cat today?", "It sleeps on the mat."),
    row("Where is the cat today?", "It sleeps on the mat."),
    row("where is the  cat today", "it sleeps on the mat"),
    row("\x00", "Nothing was asked."),
    row("Is it late?", "Yes.", start=4),
    row("Is it early?", "No.", persona="rude"),
    row("Is it difficult to say?", "Perhaps so.", simple=0.2),
    row("Hi\u200b", "Hello  there", "Bye", "So long", "And one more"),
    {"text": "not a conversation"},
    "broken",
]


class Workplace:
    """A root folder with every kind of source, and the folder of its shards."""

    def __init__(self, root: Path, tokenizer_file: Path) -> None:
        self.root, self.out, self.tokenizer_file = root, root / "shards", tokenizer_file
        (root / "talk").mkdir()
        self.talk("[INST] i am {name} [/INST] hello {name}\nbroken")
        (root / "talk/slots.json").write_text(json.dumps({"name": ["Ana", "Ben", "Eva"]}))
        self.rows("chat", CHAT)
        self.rows("texts", [{"text": story(i)} for i in range(1000)] + [{"text": "x. " * 600}])
        lines = [f"Sentence number {i} says {i * 7}." for i in range(40)]
        (root / "sentences.txt").write_text(json.dumps({"text": lines[0]}) + "\n")
        with (root / "sentences.txt").open("a") as file:
            file.writelines(json.dumps({"text": line}) + "\n" for line in lines[1:])
        self.config()

    def talk(self, text: str) -> None:
        (self.root / "talk/a.txt").write_text(text)

    def rows(self, name: str, rows: list[Any]) -> None:
        with lzma.open(self.root / f"{name}.jsonl.xz", "wt") as file:
            file.writelines(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in rows)

    def config(self, min_simple: float = 0.5) -> None:
        text = CONFIG.format(tokenizer=self.tokenizer_file, min_simple=min_simple)
        (self.root / "run.toml").write_text(text)

    def prepare(self) -> dict[str, SourceReport]:
        reports = prepare(read_config(self.root / "run.toml", self.root), self.out)
        return {report.name: report for report in reports}


@pytest.fixture
def workplace(tmp_path: Path, tokenizer_file: Path) -> Workplace:
    return Workplace(tmp_path, tokenizer_file)


def test_prepare_counts_what_it_reads_and_leaves_out(workplace: Workplace) -> None:
    reports = workplace.prepare()
    assert list(reports) == ["talk", "chat", "stories", "texts", "sentences"]
    chat = reports["chat"]
    assert (chat.rows, chat.broken, chat.unwanted, chat.cleaned) == (9, 1, 4, 1)
    assert (chat.exact, chat.near, chat.train + chat.held_out) == (1, 1, 2)
    small = reports["talk"]
    assert (small.rows, small.broken, small.train) == (1, 1, 1)
    assert small.tokens > 0
    assert not list(workplace.out.glob("talk.*"))
    stories, texts = reports["stories"], reports["texts"]
    assert stories.unwanted == 1  # the text without a hero
    assert texts.train + texts.held_out == 1001 - texts.near + 2  # 600 words make three parts
    assert read_reports(workplace.out) == reports


def test_prepare_writes_what_training_would_encode(
    workplace: Workplace, tokenizer: Tokenizer
) -> None:
    reports = workplace.prepare()
    chat = ShardReader(workplace.out, "chat")
    conversations = [
        talk("Where is the cat today?", "It sleeps on the mat."),
        talk("Hi", "Hello there", "Bye", "So long"),
    ]
    encoded = [encode_conversation(tokenizer, turns) for turns in conversations]
    assert [chat[i] for i in range(len(chat))] == encoded
    assert reports["chat"].tokens == chat.tokens == sum(len(ids) for ids, _ in encoded)
    assert reports["chat"].words == 16
    sentences = ShardReader(workplace.out, "sentences")
    joined = []
    for i in range(len(sentences)):
        ids, mask = sentences[i]
        assert all(mask)
        assert ids[-1] == tokenizer.end_id
        joined.append(tokenizer.decode(ids))
        assert 1 <= joined[-1].count(".") <= 10
    numbers = [part.split()[2] for text in joined for part in text.split(".") if part]
    assert sorted(map(int, numbers)) == list(range(40))
    assert numbers != sorted(numbers)


def test_the_same_text_is_held_out_of_every_source(
    workplace: Workplace, tokenizer: Tokenizer
) -> None:
    workplace.prepare()

    def texts(name: str, split: str) -> set[str]:
        shard = ShardReader(workplace.out, name, split)
        whole = (tokenizer.decode(shard[i][0]) for i in range(len(shard)))
        return {text[text.index("One day") :] for text in whole if "One day" in text}

    assert 0 < len(texts("texts", "held_out")) < 1000 / HELD_OUT_SHARE * 3
    assert texts("stories", "held_out") == texts("texts", "held_out")
    assert not texts("stories", "held_out") & texts("texts", "train")


def ages(folder: Path) -> dict[str, int]:
    return {path.name.split(".")[0]: path.stat().st_mtime_ns for path in folder.glob("*.train.bin")}


def changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name in after if after[name] != before.get(name)}


def test_prepare_does_again_only_what_changed(workplace: Workplace) -> None:
    workplace.prepare()
    before = ages(workplace.out)
    workplace.prepare()
    assert changed(before, ages(workplace.out)) == set()
    workplace.config(min_simple=0.1)
    assert workplace.prepare()["chat"].unwanted == 3
    after = ages(workplace.out)
    assert changed(before, after) == {"chat"}
    workplace.rows("texts", [{"text": story(i)} for i in range(20)])
    assert workplace.prepare()["texts"].rows == 20
    assert changed(after, ages(workplace.out)) == {"texts", "stories"}
    after = ages(workplace.out)
    (workplace.out / "sentences.held_out.idx.npy").unlink()
    workplace.prepare()
    assert changed(after, ages(workplace.out)) == {"sentences"}


def test_prepare_goes_on_where_it_failed(workplace: Workplace) -> None:
    (workplace.root / "sentences.txt").write_text("\n")
    with pytest.raises(DataError, match=r"sentences\.txt"):
        workplace.prepare()
    before = ages(workplace.out)
    assert set(before) == {"chat", "stories", "texts"}
    (workplace.root / "sentences.txt").write_text("One sentence that stands alone.\n")
    workplace.prepare()
    assert changed(before, ages(workplace.out)) == {"sentences"}


def test_prepare_failure_leaves_no_part_behind(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(ShardWriter, "add", full)
    with pytest.raises(OSError, match="no space"):
        workplace.prepare()
    assert {path.name for path in workplace.out.iterdir()} == {"report.json"}


def test_open_shard_refuses_what_the_config_does_not_say(workplace: Workplace) -> None:
    config = read_config(workplace.root / "run.toml", workplace.root)
    chat = next(source for source in config.sources if source.name == "chat")
    assert open_shard(workplace.out, chat, config.tokenizer) is None
    workplace.prepare()
    shard = open_shard(workplace.out, chat, config.tokenizer)
    assert shard is not None
    assert len(shard) == 2
    workplace.config(min_simple=0.1)
    other = read_config(workplace.root / "run.toml", workplace.root)
    chat = next(source for source in other.sources if source.name == "chat")
    with pytest.raises(DataError, match="chat was prepared from other"):
        open_shard(workplace.out, chat, other.tokenizer)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"text": "a text only"}], r"chat\.jsonl\.xz: source chat has nothing left of 1 rows"),
        ([row("Hi", "Ho", simple=0.1)], r"1 unwanted by its settings"),
        (["broken"], r"chat\.jsonl\.xz: no document in it \(1 broken lines\)"),
    ],
)
def test_prepare_source_without_a_wanted_row_is_an_error(
    workplace: Workplace, rows: list[Any], message: str
) -> None:
    workplace.rows("chat", rows)
    with pytest.raises(DataError, match=message):
        workplace.prepare()


def test_prepare_small_talk_with_an_unknown_slot_is_an_error(workplace: Workplace) -> None:
    workplace.talk("[INST] i like {animal} [/INST] so do i")
    with pytest.raises(DataError, match=r"no list in slots\.json for animal"):
        workplace.prepare()


def test_prepare_command_prints_a_table(
    workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = ArgumentParser()
    PrepareCommand.arguments(parser)
    line = [str(workplace.root / "run.toml"), "--root", str(workplace.root)]
    args = parser.parse_args([*line, "--out", str(workplace.out)])
    PrepareCommand.run(args)
    lines = capsys.readouterr().out.splitlines()
    cells = {
        row[0]: row[1:] for row in ([c.strip() for c in ln.split("|")[1:-1]] for ln in lines[5:])
    }
    assert cells["source"][:3] == ["rows", "broken", "unwanted"]
    assert cells["chat"][:6] == ["9", "1", "4", "1", "1", "1"]
    total = sum(int(cells[name][0].replace(",", "")) for name in read_reports(workplace.out))
    assert cells["all"][0] == f"{total:,}"
    PrepareCommand.run(args)
    assert "chat: unchanged" in capsys.readouterr().out
