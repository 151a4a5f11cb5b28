"""Small talk, slots, packing: what the model is shown."""

import json
import lzma
import random
from pathlib import Path

import pytest
import torch

from inference.chat_template import Turn
from inference.tokenizer import Tokenizer
from training import corpus, smalltalk
from training.batches import Batches
from training.config import ConfigError, SourceConfig, read_config
from training.rows import IGNORE, Document, pack
from training.smalltalk import DataError, Slots
from training.sources import Source

SMALLTALK = Path("training/data/smalltalk")


def test_smalltalk_every_line_is_in_the_form() -> None:
    train, held_out, broken = smalltalk.read_folder(SMALLTALK)
    assert broken == 0
    assert len(train) + len(held_out) >= 7190
    assert 0.03 < len(held_out) / len(train) < 0.08
    slots = Slots.read(SMALLTALK / "slots.json")
    rng = random.Random(1)
    for turns in train + held_out:
        filled = smalltalk.fill_slots(turns, slots.train, rng)
        assert not any("{" in turn.content for turn in filled)
        assert [t.role for t in filled] == ["user", "assistant"] * (len(filled) // 2)


def test_slots_held_out_words_are_never_trained_on() -> None:
    slots = Slots.read(SMALLTALK / "slots.json")
    for name, words in slots.train.items():
        assert words
        assert slots.held_out[name]
        if len(words) > 12:
            assert not set(words) & set(slots.held_out[name]), name


def test_fill_slots_same_slot_same_word_other_number_other_word() -> None:
    turns = [
        Turn("user", "i have a {pet}, {friend} and {friend2} too"),
        Turn("assistant", "{friend} and {friend2} have a {pet}. {color} is nice."),
    ]
    words = {"pet": ["cat"], "friend": ["Mia", "Joe"], "color": ["red"]}
    user, assistant = smalltalk.fill_slots(turns, words, random.Random(0))
    first, second = user.content.split(", ")[1].split(" too")[0].split(" and ")
    assert {first, second} == {"Mia", "Joe"}
    assert assistant.content == f"{first} and {second} have a cat. Red is nice."


@pytest.mark.parametrize(
    "line", ["hello", "x [INST] a [/INST] b", "[INST] a", "[INST] [/INST] b", "[INST] a [/INST]"]
)
def test_parse_line_refuses(line: str) -> None:
    assert smalltalk.parse_line(line) is None


def test_roughen_leaves_the_assistant_alone() -> None:
    turns = [Turn("user", "Hello There, Friend!"), Turn("assistant", "Good Morning!")]
    rng = random.Random(2)
    seen = {tuple(t.content for t in smalltalk.roughen(turns, rng)) for _ in range(200)}
    assert {assistant for _, assistant in seen} == {"Good Morning!"}
    assert len({user for user, _ in seen}) > 4


def test_read_rows_counts_broken_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl.xz"
    with lzma.open(path, "wt") as lines:
        lines.write('{"text": "one"}\nnot json\n{"text": ""}\n{"turns": []}\n5\n"turns"\n')
    assert [row["text"] for row in corpus.read_rows(path)] == ["one"]
    assert f"{path}: 5 broken lines left out" in capsys.readouterr().err
    with pytest.raises(DataError, match="no such file"):
        list(corpus.read_rows(tmp_path / "nothing"))


def test_story_request_names_the_hero() -> None:
    turns = corpus.as_story_request("Once there was an owl. It sang.", random.Random(0))
    assert turns is not None
    assert "an owl" in turns[0].content
    assert corpus.as_story_request("Once there was a stone. " * 50, random.Random(0)) is None


def test_pack_targets_and_mask_stay_inside_a_document() -> None:
    a = Document([1, 2, 3], [False, True, True])
    b = Document([4, 5], [False, True])
    batch = pack([[a, b]], 8, is_assistant_only=True)
    assert batch.tokens.tolist() == [[1, 2, 3, 4, 5, 0, 0, 0]]
    assert batch.targets.tolist() == [[2, 3, IGNORE, 5, *[IGNORE] * 4]]
    mask = batch.attention_mask()[0, 0]
    assert mask[4].tolist() == [False, False, False, True, True, False, False, False]
    assert torch.equal(mask, mask.tril())


def source(tmp_path: Path, tokenizer: Tokenizer) -> Source:
    (tmp_path / "slots.json").write_text(json.dumps({"name": [f"N{i}" for i in range(30)]}))
    lines = [f"[INST] i am {{name}} {i} [/INST] hello {{name}}, {i} it is" for i in range(40)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    return Source(SourceConfig("s", "smalltalk", 1.0, str(tmp_path)), tokenizer, seed=1)


def test_batches_resume_where_they_stopped(tmp_path: Path, tokenizer: Tokenizer) -> None:
    whole = Batches([source(tmp_path, tokenizer)], 2, 96, "all")
    expected = [whole.next().tokens for _ in range(12)]
    first = Batches([source(tmp_path, tokenizer)], 2, 96, "all")
    got = [first.next().tokens for _ in range(5)]
    rest = Batches([source(tmp_path, tokenizer)], 2, 96, "all")
    rest.load_state(json.loads(json.dumps(first.state())))
    got += [rest.next().tokens for _ in range(7)]
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_slots_are_filled_anew_in_every_epoch(tmp_path: Path, tokenizer: Tokenizer) -> None:
    drawn = source(tmp_path, tokenizer)
    epochs: list[set[tuple[int, ...]]] = []
    for _ in range(2):
        epoch = drawn.epoch
        documents = set()
        while drawn.epoch == epoch:
            documents.add(tuple(drawn.draw().ids))
        epochs.append(documents)
    assert len(epochs[0] & epochs[1]) < len(epochs[0]) / 2


def test_config_unknown_and_missing_keys_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    entry = '[[source]]\nname="s"\nkind="text"\nshare=1\npath="p"\n'
    for text, message in (
        ("name = 'x'\n", "no \\[\\[source"),
        ("name='x'\ntokens=1\ntokenizer='t'\nspeed=3\n" + entry, "unknown keys speed"),
        ("name='x'\ntokens=1\n" + entry, "missing keys tokenizer"),
        ("name='x'\ntokens=1\ntokenizer='t'\nloss_on='x'\n" + entry, "loss_on"),
        ("name=", "run.toml"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_config(path, tmp_path)


def test_released_configs_are_valid() -> None:
    for path in Path("training/configs").glob("*.toml"):
        assert read_config(path, Path()).sources
