"""The store of a teacher's distributions: what is written is what the teacher said."""

import json
import random
from pathlib import Path

import pytest
import torch

from inference.model.config import GPTConfig
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.batches import Batches
from training.config import SourceConfig
from training.rows import IGNORE, Batch
from training.smalltalk import DataError
from training.soft import SoftRows, write_soft_rows
from training.sources import Source

ROWS, LENGTH, K = 6, 48, 5


@pytest.fixture(scope="module")
def teacher(tokenizer: Tokenizer) -> GPT:
    torch.manual_seed(4)
    shape = GPTConfig(tokenizer.vocab_size, LENGTH, n_layer=1, n_head=2, n_embd=16)
    model = GPT(shape).eval()
    with torch.no_grad():
        model.head.weight.mul_(20)  # start values give nearly flat distributions
    return model


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    folder = tmp_path / "talk"
    folder.mkdir()
    (folder / "slots.json").write_text("{}")
    lines = [f"[INST] say {i} [/INST] here is {i} and {i + 1}" for i in range(80)]
    (folder / "talk.txt").write_text("\n".join(lines) + "\n")
    return folder


def batches(tokenizer: Tokenizer, talk: Path, loss_on: str = "assistant") -> Batches:
    source = Source(SourceConfig("talk", "smalltalk", 1.0, str(talk)), tokenizer, 1)
    return Batches([source], 2, LENGTH, loss_on)


def write(teacher: GPT, tokenizer: Tokenizer, talk: Path, out: Path, rows: int = ROWS) -> int:
    return write_soft_rows(teacher, batches(tokenizer, talk), out, rows=rows, minutes=1.0, k=K)


def order(rows: int, seed: int) -> list[int]:
    """Where the rows of a first epoch stood in the store."""
    indices = list(range(rows))
    random.Random(f"{seed}:soft:0").shuffle(indices)
    return indices


def written(tokenizer: Tokenizer, talk: Path) -> Batch:
    """All rows of the store as they were drawn."""
    again = batches(tokenizer, talk)
    parts = [again.next() for _ in range(ROWS // 2)]
    return Batch(
        *(torch.cat([getattr(p, n) for p in parts]) for n in ("tokens", "targets", "documents"))
    )


@pytest.mark.parametrize("is_assistant_only", [True, False])
def test_store_gives_back_the_rows(
    teacher: GPT, tokenizer: Tokenizer, talk: Path, tmp_path: Path, is_assistant_only: bool
) -> None:
    assert write(teacher, tokenizer, talk, tmp_path / "soft") == ROWS
    store = SoftRows(tmp_path / "soft", seed=3)
    read = store.next(ROWS, is_assistant_only=is_assistant_only)
    places = order(ROWS, 3)
    assert places != list(range(ROWS))
    drawn = written(tokenizer, talk)
    assert torch.equal(read.tokens, drawn.tokens[places])
    assert torch.equal(read.documents, drawn.documents[places])
    if is_assistant_only:
        assert torch.equal(read.targets, drawn.targets[places])
        assert (read.targets != IGNORE).any()
    else:
        same = drawn.documents[:, 1:] == drawn.documents[:, :-1]
        expected = torch.where(same & (drawn.documents[:, 1:] > 0), drawn.tokens[:, 1:], IGNORE)
        assert torch.equal(read.targets[:, :-1], expected[places])


def test_store_holds_the_teachers_likeliest_tokens(
    teacher: GPT, tokenizer: Tokenizer, talk: Path, tmp_path: Path
) -> None:
    write(teacher, tokenizer, talk, tmp_path / "soft")
    read = SoftRows(tmp_path / "soft", seed=3).next(ROWS, is_assistant_only=False)
    assert read.soft_ids is not None
    assert read.soft_probs is not None
    with torch.no_grad():
        logits = teacher.head(teacher(read.tokens, mask=read.attention_mask()))
    probs = logits.softmax(-1)
    # The store is made in bfloat16 and keeps float16: three digits.
    said = probs.gather(-1, read.soft_ids)
    torch.testing.assert_close(read.soft_probs, said, rtol=0.1, atol=2e-3)
    torch.testing.assert_close(read.soft_probs, probs.topk(K).values, rtol=0.1, atol=2e-3)
    assert (read.soft_probs.diff(dim=-1) <= 0).all()
    assert read.soft_probs.sum(-1).max() <= 1.001
    assert read.soft_probs[..., 0].max() > 3 / tokenizer.vocab_size  # not flat: the test can fail


def test_store_read_in_parts_and_over_epochs_depends_on_the_cursor_alone(
    teacher: GPT, tokenizer: Tokenizer, talk: Path, tmp_path: Path
) -> None:
    write(teacher, tokenizer, talk, tmp_path / "soft")
    whole = SoftRows(tmp_path / "soft", seed=3).next(2 * ROWS, is_assistant_only=True)
    first = SoftRows(tmp_path / "soft", seed=3)
    first.next(ROWS - 1, is_assistant_only=True)
    later = SoftRows(tmp_path / "soft", seed=3)
    later.cursor = first.cursor
    rest = later.next(ROWS + 1, is_assistant_only=True)
    assert torch.equal(rest.tokens, whole.tokens[ROWS - 1 :])
    for epoch in (whole.tokens[:ROWS], whole.tokens[ROWS:]):
        assert len(torch.unique(epoch, dim=0)) == ROWS  # every row once


def test_continued_store_equals_uninterrupted_one(
    teacher: GPT, tokenizer: Tokenizer, talk: Path, tmp_path: Path
) -> None:
    write(teacher, tokenizer, talk, tmp_path / "whole")
    assert write(teacher, tokenizer, talk, tmp_path / "parts", rows=2) == 2
    with (tmp_path / "parts" / "tokens.u16").open("ab") as file:
        file.write(b"half a row, written before a kill")
    assert write(teacher, tokenizer, talk, tmp_path / "parts") == ROWS
    files = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert len(files) == 6
    for name in files:
        one, other = ((tmp_path / part / name).read_bytes() for part in ("whole", "parts"))
        assert one == other, name


def test_cut_or_missing_store_is_an_error(
    teacher: GPT, tokenizer: Tokenizer, talk: Path, tmp_path: Path
) -> None:
    out = tmp_path / "soft"
    with pytest.raises(DataError, match="holds no soft targets"):
        SoftRows(out, 1)
    write(teacher, tokenizer, talk, out)
    with pytest.raises(DataError, match="another teacher, data or size"):
        write_soft_rows(teacher, batches(tokenizer, talk), out, rows=9, minutes=1.0, k=K + 1)
    path = out / "probs.f16"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"probs\.f16 is shorter than"):
        SoftRows(out, 1)
    (out / "meta.json").write_text(json.dumps({"rows": 1})[:-1])
    with pytest.raises(DataError, match="holds no soft targets"):
        SoftRows(out, 1)
