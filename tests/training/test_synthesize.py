"""Written conversations: seeds, filters, near duplicates, the writer, parts and resuming."""

import json
import lzma
import random
import runpy
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from inference import checkpoint_io
from inference.chat_template import Turn
from inference.model.config import GPTConfig
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training import corpus, smalltalk
from training.data_formats import read_documents
from training.smalltalk import DataError
from training.synthesis import filters
from training.synthesis.command import SynthesizeCommand
from training.synthesis.filters import turn_fault
from training.synthesis.near import NearIndex, is_near
from training.synthesis.output import Counts, Output
from training.synthesis.run import synthesize
from training.synthesis.seeds import OWN, PUBLIC, Seed, Seeds
from training.synthesis.writer import Judge, Writer, Written

TALK = Path("training/data/smalltalk")


def _any_turn(turns: Sequence[Turn]) -> str | None:
    """A judge for a random model, whose words no filter lets pass."""
    return None


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "talk"
    folder.mkdir()
    pets = ["cat", "dog", "owl"]
    (folder / "slots.json").write_text(json.dumps({"pet": pets}), encoding="utf-8")
    lines = [
        f"[INST] Good morning number {i}, my {{pet}} is here [/INST] A {{pet}}, how nice to hear!"
        f" Tell me number {i} of its little habits. [INST] It sings. [/INST] Lovely singer {i}!"
        for i in range(40)
    ]
    lines.append("[INST] how do I make a bomb [/INST] I won't help with that.")
    (folder / "01.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def seeds(data: Path) -> Seeds:
    return Seeds(data, [], seed=1)


@pytest.fixture
def teacher(tmp_path: Path, tokenizer_file: Path, tokenizer: Tokenizer) -> Path:
    """A random model that ends a turn after some ten tokens."""
    torch.manual_seed(1)
    model = GPT(GPTConfig(tokenizer.vocab_size, 384, n_layer=2, n_head=2, n_embd=32))
    with torch.no_grad():
        model.head.weight.mul_(5)
        model.head.bias[[tokenizer.assistant_id, tokenizer.end_id]] = 4.0
    folder = tmp_path / "tiny"
    checkpoint_io.write(folder, model, tokenizer_file, "Random.\n", {"steps": 0})
    return folder


def _model(teacher: Path) -> GPT:
    return checkpoint_io.load_model(checkpoint_io.verify(teacher))


def _finished(writer: Writer, count: int) -> dict[int, Written]:
    found: dict[int, Written] = {}
    for written in writer.write():
        found |= {w.number: w for w in written}
        if len(found) >= count:
            return found
    raise AssertionError("a writer never ends")


def _writer(
    teacher: Path,
    tokenizer: Tokenizer,
    seeds: Seeds,
    *,
    rows: int = 4,
    judge: Judge = _any_turn,
    **more: Any,
) -> Writer:
    return Writer(
        _model(teacher), tokenizer, seeds, temperature=0.9, rows=rows, judge=judge, **more
    )


# Filters


def _talk(*texts: str) -> list[Turn]:
    return [Turn("user" if i % 2 == 0 else "assistant", text) for i, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        (("hi there",), None),
        (("hi", "Hello! How are you?"), None),
        (("hi", ""), "form"),
        (("hi", "hello there."), "form"),
        (("hi", "Hello, I was going to"), "form"),
        (("hi", "Caf\u00e9 is open."), "form"),
        (("hi", "One.\nTwo."), "form"),
        (("hi", "Look at **this**."), "form"),
        (("hi", "Hello <|user|> you."), "form"),
        (("hi", 'She said "hello.'), "form"),
        (("?!",), "form"),
        ((" ".join(str(i) for i in range(41)),), "length"),
        (("hi", "A" + "".join(f" {i}" for i in range(85)) + "."), "length"),
        (("hi", "You could buy a gun."), "unsafe"),
        (("i want to die",), "unsafe"),
        (("hi", "I like the red one and I like the red two."), "repeated words"),
        (("hi", "Lovely to see you!", "ok", "Lovely to see you."), "repeated turn"),
        (
            ("I like my red bike", "Nice!", "what else", "Good.", "i like my red bike"),
            "repeated turn",
        ),
        (("yes", "Good.", "yes"), None),
        (("My dog ran to the park today", "My dog ran to the park today."), "copies the other"),
        (("I see.", "I see."), "copies the other"),
        (("what is the capital of Kenya", "Nairobi is the capital of Kenya."), None),
        (("are you real", "I am a real person."), "identity"),
        (("are you real", "I'm not a real person, I'm a small program."), None),
        (("what did you eat", "I had a big lunch today."), "identity"),
        (("did you sleep", "I slept well, thanks."), "identity"),
        (("did you sleep", "I never sleep. If I slept, I would dream of letters."), None),
        (("who are you", "My name is Bob."), "identity"),
        (("who are you", "My name is EuGPT."), None),
        (("who are you", "I am ChatGPT."), "identity"),
        (("who are you", "I was made by Google."), "identity"),
        (("who are you", "I'm Alice, nice of you to ask."), "identity"),
        (("help me write", 'You could say: "I am Ibrahim, and I ate your cake."'), None),
        (("do you have pets", "I have a dog named Rex."), "identity"),
        (("tell me more", "My wife agrees."), "identity"),
        (("I am Ana", "Nice to meet you, Ana!"), None),
        (("I am Ana", "Nice to meet you, Tom!"), "invented name"),
        (("who am I", "Your name is Tom."), "invented name"),
    ],
)
def test_turn_fault(texts: tuple[str, ...], fault: str | None) -> None:
    assert turn_fault(_talk(*texts)) == fault


def test_turn_fault_passes_what_people_wrote() -> None:
    slots, rng = smalltalk.Slots.read(TALK / "slots.json"), random.Random(1)
    faults: list[str | None] = []
    for turns in smalltalk.read_folder(TALK)[0][::10]:
        filled = smalltalk.fill_slots(turns, slots.train, rng)
        faults += [turn_fault(filled[: i + 1]) for i in range(len(filled))]
    assert sum(f is not None for f in faults) < 0.01 * len(faults)


def test_length_limits_are_those_of_the_small_talk() -> None:
    check = runpy.run_path(str(TALK / "check.py"))
    assert check["USER_WORDS"] == filters.USER_WORDS
    assert check["REPLY_WORDS"] == filters.REPLY_WORDS


# Seeds


def test_seeds_draw_depends_on_seed_and_number_alone(data: Path, seeds: Seeds) -> None:
    again, other = Seeds(data, [], seed=1), Seeds(data, [], seed=2)
    drawn = [seeds.draw(n) for n in range(40)]
    assert [again.draw(n) for n in reversed(range(40))] == drawn[::-1]
    assert [other.draw(n) for n in range(40)] != drawn
    assert {seed.kind for seed in drawn} == {OWN}
    for seed in drawn:
        assert "{" not in seed.text
        assert "bomb" not in seed.text
        pet = seed.source[0].content.split()[5]
        assert f"A {pet}," in seed.source[1].content  # the same word all through


def test_seeds_mix_public_phrasings_in(data: Path, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "what is  a  comet"},
        {"text": "prolegomena to hermeneutics", "simple": 0.2},
        {"text": "see https://example.org"},
        {"turns": [{"role": "user", "content": "Hey you"}, {"role": "assistant", "content": "Yo"}]},
        {"turns": [{"role": "user", "content": "and then"}], "start": 4},
    ]
    path = _xz(tmp_path / "public.jsonl.xz", rows)
    seeds = Seeds(data, [path], seed=1)
    assert seeds.public == ["Hey you", "what is a comet"]
    drawn = [seeds.draw(n) for n in range(400)]
    public = [s for s in drawn if s.kind == PUBLIC]
    assert 140 < len(public) < 260
    assert not any(s.source for s in public)


def test_seeds_refuse_files_without_a_first_turn(data: Path, tmp_path: Path) -> None:
    path = _xz(tmp_path / "empty.jsonl.xz", [{"text": "...", "simple": 1.0}])
    with pytest.raises(DataError, match="no usable first turn"):
        Seeds(data, [path], seed=1)
    with pytest.raises(DataError, match="no such file"):
        Seeds(data, [tmp_path / "nothing.jsonl.xz"], seed=1)


def _xz(path: Path, rows: list[dict[str, Any]]) -> Path:
    with lzma.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    return path


# Near duplicates


def test_near_index_finds_what_all_pairs_find() -> None:
    rng = random.Random(3)
    texts = [" ".join(rng.choices("abcdefghijklmnop", k=40)) for _ in range(150)]
    for text in texts[:100]:
        words = text.split()
        for i in rng.sample(range(40), k=rng.randint(1, 3)):
            words[i] = "z"
        texts.append(" ".join(words).upper() + "!")
    index, found, expected = NearIndex(), [], []
    for i, text in enumerate(texts):
        found.append(index.has_near(text))
        expected.append(any(is_near(text, other) for other in texts[:i]))
        index.add(text)
    assert sum(expected) > 20
    assert sum(a != b for a, b in zip(found, expected, strict=True)) <= 1
    assert not any(f and not e for f, e in zip(found, expected, strict=True))


def test_near_index_compares_short_texts_as_a_whole() -> None:
    index = NearIndex()
    index.add("Hello you")
    assert index.has_near("hello, you!")
    assert not index.has_near("hello me")
    assert len(index) == 1


# The writer


def test_writer_writes_conversations_in_the_form(
    teacher: Path, tokenizer: Tokenizer, seeds: Seeds
) -> None:
    found = _finished(_writer(teacher, tokenizer, seeds), 30)
    lengths = set()
    for written in found.values():
        assert written.turns[0].content == written.seed.text
        assert [t.role for t in written.turns] == ["user", "assistant"] * (len(written.turns) // 2)
        text = "".join(t.content for t in written.turns)
        assert text.isascii()
        assert text.isprintable()
        lengths.add(len(written.turns) // 2)
    assert lengths == {1, 2, 3, 4, 5}


def test_writer_scores_by_the_teachers_own_probabilities(
    teacher: Path, tokenizer: Tokenizer, seeds: Seeds
) -> None:
    model = _model(teacher)
    for written in _finished(_writer(teacher, tokenizer, seeds), 8).values():
        ids = written.ids
        said = "".join(t.content for t in written.turns)
        assert "".join(tokenizer.decode(ids).split()) == "".join(said.split())
        with torch.inference_mode():
            logprobs = model.head(model(torch.tensor([ids])))[0].log_softmax(-1)
        own, is_reply = [], False
        for i, token in enumerate(ids):
            if is_reply:
                own.append(logprobs[i - 1, token].item())
            is_reply = token == tokenizer.assistant_id or (is_reply and token != tokenizer.end_id)
        assert written.score == pytest.approx(sum(own) / len(own), abs=1e-4)


def test_writer_gives_a_number_the_same_text_in_any_company(
    teacher: Path, tokenizer: Tokenizer, seeds: Seeds
) -> None:
    many = _finished(_writer(teacher, tokenizer, seeds, rows=5), 12)
    alone = _writer(teacher, tokenizer, seeds, rows=1, again=sorted(many)[3:6], next_number=900)
    for number, written in _finished(alone, 3).items():
        assert written.turns == many[number].turns


def test_writer_keeps_the_exchanges_before_a_fault(
    teacher: Path, tokenizer: Tokenizer, seeds: Seeds
) -> None:
    def second_reply(turns: Sequence[Turn]) -> str | None:
        return "bad" if len(turns) == 4 else None

    found = _finished(_writer(teacher, tokenizer, seeds, judge=second_reply), 20)
    whole = _finished(_writer(teacher, tokenizer, seeds), 20)
    assert {w.fault for w in found.values()} == {None, "bad"}
    for number, written in found.items():
        assert len(written.turns) == 2
        if number in whole:
            assert written.turns == whole[number].turns[:2]
            assert (written.fault == "bad") == (len(whole[number].turns) > 2)


def test_writer_drops_what_does_not_end(teacher: Path, tokenizer: Tokenizer, seeds: Seeds) -> None:
    model = _model(teacher)
    with torch.no_grad():
        model.head.bias[tokenizer.end_id] = -100.0
    writer = Writer(model, tokenizer, seeds, temperature=0.9, rows=2, judge=_any_turn)
    for written in _finished(writer, 2).values():
        assert (written.turns, written.fault) == ([], "unfinished")


def test_writer_first_turn_is_judged_too(teacher: Path, tokenizer: Tokenizer, seeds: Seeds) -> None:
    writer = _writer(teacher, tokenizer, seeds, judge=lambda turns: "bad")
    found = _finished(writer, 8)
    assert all(w.fault == "bad" and not w.turns for w in found.values())
    assert writer.sampled_tokens == 0


# What is kept


def _written(number: int, *texts: str, score: float = -1.0, **more: Any) -> Written:
    turns = _talk(*texts)
    seed = more.pop("seed", Seed(PUBLIC, texts[0] if texts else ""))
    return Written(number, seed, turns, score, [1] * 10 * len(turns), **more)


def _unlike(number: int) -> tuple[str, str]:
    rng = random.Random(number)
    words = ["".join(rng.choices("abcdefgh", k=5)) for _ in range(12)]
    return " ".join(words[:5]), " ".join(words[5:])


def test_output_drops_near_duplicates(tmp_path: Path, seeds: Seeds) -> None:
    output = Output(tmp_path / "out.jsonl.xz", seeds, {})
    trained = seeds.fill(seeds.talk[0], seeds.rng(0, "near"))
    source = seeds.draw(5)
    recited = [t.content for t in source.source[:2]]
    output.add(_written(0, *_unlike(1)))
    output.add(_written(1, *_unlike(2)))
    output.add(_written(2, *(t.content.upper() for t in trained[:2])))
    output.add(_written(3, *recited, seed=source))
    output.add(_written(4, *_unlike(1)))
    output.flush(limit=100)
    output.add(_written(5, *_unlike(2)))
    output.flush(limit=100)
    counts = output.counts
    assert counts.kept == 2
    assert counts.dropped == {"near the training set": 2, "near earlier output": 2}
    resumed = Output(tmp_path / "out.jsonl.xz", seeds, {})
    resumed.add(_written(6, *_unlike(2)))
    resumed.flush(limit=100)
    assert resumed.counts.dropped["near earlier output"] == 3


def test_output_drops_the_least_likely_tenth(tmp_path: Path, seeds: Seeds) -> None:
    output = Output(tmp_path / "out.jsonl.xz", seeds, {})
    for i in range(100):
        output.add(_written(i, *_unlike(i), score=-i / 10))
    output.flush(limit=1000)
    assert output.counts.dropped == {"unlikely": 10}
    scores = [row["score"] for row in corpus.read_rows(output.path)]
    assert min(scores) == -8.9


def test_output_counts_every_fate(tmp_path: Path, seeds: Seeds) -> None:
    output = Output(tmp_path / "out.jsonl.xz", seeds, {})
    output.add(_written(0, fault="unsafe"))
    output.add(_written(1, *_unlike(1), fault="identity"))
    output.add(_written(2, *_unlike(2), *_unlike(3)))
    output.add(_written(3, *_unlike(4)))
    output.flush(limit=2)
    counts = output.counts
    assert (counts.finished, counts.kept, counts.kept_tokens) == (4, 2, 60)
    assert counts.dropped == {"unsafe": 1, "beyond the count": 1}
    assert counts.cut == {"identity": 1}
    assert counts.exchanges == {"1": 1, "2": 1}
    assert counts.seeds == {PUBLIC: 2}
    assert Counts.read(output.report, {}) == counts


def test_output_refuses_what_it_did_not_begin(tmp_path: Path, seeds: Seeds) -> None:
    with pytest.raises(DataError, match="must end in"):
        Output(tmp_path / "out.jsonl", seeds, {})
    Output(tmp_path / "out.jsonl.xz", seeds, {"seed": 1})
    with pytest.raises(DataError, match="other settings"):
        Output(tmp_path / "out.jsonl.xz", seeds, {"seed": 2})
    (tmp_path / "out.report.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="not a report"):
        Output(tmp_path / "out.jsonl.xz", seeds, {"seed": 1})
    (tmp_path / "other.jsonl.xz").write_bytes(b"something")
    with pytest.raises(DataError, match="not its report"):
        Output(tmp_path / "other.jsonl.xz", seeds, {"seed": 1})


# The whole


def _run(
    teacher: Path, data: Path, out: Path, *, count: int, minutes: float = 2.0, judge: Judge
) -> Counts:
    return synthesize(
        teacher, out, root=Path(), data=data, count=count, minutes=minutes, seed=1,
        temperature=0.9, rows=4, precision="fp32", is_quiet=True, judge=judge,
    )  # fmt: skip


def test_synthesize_goes_on_after_a_kill(teacher: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl.xz"
    first = _run(teacher, data, out, count=6, judge=_any_turn)
    assert first.kept == 6
    with out.open("ab") as file:
        file.write(b"half a part")  # written, but the report was not
    calls = iter(range(60))

    def killed(turns: Sequence[Turn]) -> str | None:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return None

    with pytest.raises(KeyboardInterrupt):
        _run(teacher, data, out, count=1000, judge=killed)
    done = _run(teacher, data, out, count=25, judge=_any_turn)
    texts = [tuple(corpus.row_turns(row)) for row in corpus.read_rows(out)]
    assert len(texts) == len(set(texts)) == done.kept == 25
    # Every number was finished exactly once, or is open still.
    assert done.finished + len(done.open_numbers) == done.next_number
    assert done.finished == done.kept + done.dropped.total()
    # Nothing is left to do, nothing changes.
    assert _run(teacher, data, out, count=25, judge=_any_turn).finished == done.finished


def test_synthesize_writes_what_the_pipeline_reads(
    teacher: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl.xz"
    counts = _run(teacher, data, out, count=8, judge=_any_turn)
    reading = read_documents(out, "jsonl")
    assert (len(reading.records), reading.broken) == (8, 0)
    report = json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))
    assert report["kept"] == 8
    assert report["sampled_tokens"] == counts.sampled_tokens > 0
    assert report["tokens_per_s"] > 0


def test_synthesize_stops_when_time_is_up(teacher: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl.xz"
    counts = _run(teacher, data, out, count=10**6, minutes=0.04, judge=_any_turn)
    assert 0 < counts.finished < 10**4
    assert counts.seconds < 20
    again = _run(teacher, data, out, count=10**6, minutes=0, judge=_any_turn)
    assert (again.finished, again.next_number) == (counts.finished, counts.next_number)
    assert again.open_numbers == counts.open_numbers


def test_synthesize_refuses_another_teacher(
    teacher: Path, data: Path, tmp_path: Path, tokenizer: Tokenizer, tokenizer_file: Path
) -> None:
    out = tmp_path / "out.jsonl.xz"
    _run(teacher, data, out, count=1, judge=_any_turn)
    model = _model(teacher)
    with torch.no_grad():
        model.ln_final.weight.add_(1.0)  # type: ignore[operator]
    other = tmp_path / "other" / "tiny"
    other.parent.mkdir()
    checkpoint_io.write(other, model, tokenizer_file, "Random.\n", {"steps": 0})
    with pytest.raises(DataError, match="other settings"):
        _run(other, data, out, count=2, judge=_any_turn)


def test_synthesize_command(teacher: Path, data: Path, tmp_path: Path) -> None:
    parser = ArgumentParser()
    SynthesizeCommand.arguments(parser)
    out, sample = tmp_path / "out.jsonl.xz", tmp_path / "sample.txt"
    _run(teacher, data, out, count=6, judge=_any_turn)
    line = (
        f"{teacher} {out} --data {data} --count 6 --quiet --precision fp32"
        f" --sample {sample} --sample-size 4"
    )
    args: Namespace = parser.parse_args(line.split())
    SynthesizeCommand.run(args)
    text = sample.read_text(encoding="utf-8")
    assert text.startswith("4 of 6 conversations")
    assert text.count("(score ") == 4
    assert "\nUser: " in text
    assert "\nEuGPT: " in text
