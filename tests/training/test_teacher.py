"""A teacher read from a GGUF file, and a student made of its layers."""

from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from inference.model.config import GPTConfig
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.rows import IGNORE, Batch
from training.shrink import choose_layers, shrink, trace
from training.smalltalk import DataError
from training.teacher import Gguf, teacher_model, write_merges

LAYERS, HEADS, KV_HEADS, WIDTH, HIDDEN, THETA = 3, 4, 2, 32, 48, 10_000.0
D = WIDTH // HEADS
NAMES = {
    "attn_q": (WIDTH, WIDTH), "attn_k": (KV_HEADS * D, WIDTH), "attn_v": (KV_HEADS * D, WIDTH),
    "attn_output": (WIDTH, WIDTH), "ffn_gate": (HIDDEN, WIDTH), "ffn_up": (HIDDEN, WIDTH),
    "ffn_down": (WIDTH, HIDDEN), "attn_norm": (WIDTH,), "ffn_norm": (WIDTH,),
}  # fmt: skip


@pytest.fixture(scope="module")
def weights(tokenizer: Tokenizer) -> dict[str, Tensor]:
    """A random Llama in the layout of its paper: neighbouring rotary pairs, shared heads."""
    torch.manual_seed(0)
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (tokenizer.vocab_size + 5, WIDTH),
        "output_norm": (WIDTH,),
    }
    for layer in range(LAYERS):
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in NAMES.items()}
    return {
        f"{name}.weight": torch.rand(shape) + 0.5 if len(shape) == 1 else torch.randn(shape) * 0.2
        for name, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def gguf_file(
    weights: dict[str, Tensor], tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "tiny.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny llama")
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(THETA)
    writer.add_token_list(teacher_tokens(tokenizer))
    writer.add_token_merges(["h e", "l l"])
    for name, weight in weights.items():
        writer.add_tensor(name, weight.numpy().astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def teacher_tokens(tokenizer: Tokenizer) -> list[str]:
    """The teacher's list: its marks first, ours in reverse, and more than we have."""
    ours = [tokenizer.token(i) for i in range(tokenizer.vocab_size - 3)]
    return ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *reversed(ours), *"ABCDE"][
        : tokenizer.vocab_size + 5
    ]


def llama_logits(w: dict[str, Tensor], ids: list[int]) -> Tensor:
    """Touvron et al. 2023, written down once more: complex rotary pairs, grouped heads."""
    t = len(ids)
    x = w["token_embd.weight"][ids]
    frequencies = THETA ** (-torch.arange(0, D, 2).float() / D)
    turns = torch.polar(torch.ones(t, D // 2), torch.outer(torch.arange(t).float(), frequencies))

    def rms(v: Tensor, gain: Tensor) -> Tensor:
        return v / (v.square().mean(-1, keepdim=True) + 1e-5).sqrt() * gain

    def turn(v: Tensor) -> Tensor:
        pairs = torch.view_as_complex(v.view(t, -1, D // 2, 2))
        return torch.view_as_real(pairs * turns[:, None]).flatten(2)

    for layer in range(LAYERS):
        b = {name: w[f"blk.{layer}.{name}.weight"] for name in NAMES}
        h = rms(x, b["attn_norm"])
        q, k = turn(h @ b["attn_q"].T), turn(h @ b["attn_k"].T)
        v = (h @ b["attn_v"].T).view(t, KV_HEADS, D)
        out = []
        for head in range(HEADS):
            shared = head // (HEADS // KV_HEADS)
            scores = q[:, head] @ k[:, shared].T / D**0.5
            scores = scores.masked_fill(torch.ones(t, t).triu(1) > 0, float("-inf"))
            out.append(scores.softmax(-1) @ v[:, shared])
        x = x + torch.cat(out, -1) @ b["attn_output"].T
        h = rms(x, b["ffn_norm"])
        x = x + (F.silu(h @ b["ffn_gate"].T) * (h @ b["ffn_up"].T)) @ b["ffn_down"].T
    return rms(x, w["output_norm.weight"]) @ w["token_embd.weight"].T


def test_teacher_predicts_what_the_original_predicts(
    gguf_file: Path, weights: dict[str, Tensor], tokenizer: Tokenizer
) -> None:
    """The same logits for the tokens that both know, marks included."""
    model = teacher_model(Gguf(gguf_file), tokenizer, 64).eval()
    rows = {token: i for i, token in enumerate(teacher_tokens(tokenizer))}
    marks = {"<|user|>": "<|im_start|>", "<|assistant|>": "<|im_start|>", "<|end|>": "<|im_end|>"}
    names = [tokenizer.token(i) for i in range(tokenizer.vocab_size)]
    theirs = [rows[marks.get(name, name)] for name in names]
    ids = [tokenizer.user_id, *tokenizer.encode("hello there, how are you"), tokenizer.end_id]
    with torch.inference_mode():
        ours = model.head(model(torch.tensor([ids])))[0]
    expected = llama_logits(weights, [theirs[i] for i in ids])[:, theirs]
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


def test_merges_are_written(gguf_file: Path, tmp_path: Path) -> None:
    write_merges(Gguf(gguf_file), tmp_path / "merges.json")
    assert '"merges": ["h e", "l l"]' in (tmp_path / "merges.json").read_text()


def test_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        Gguf(tmp_path / "none.gguf")


@pytest.fixture(scope="module")
def teacher(gguf_file: Path, tokenizer: Tokenizer) -> GPT:
    return teacher_model(Gguf(gguf_file), tokenizer, 64).eval()


@pytest.fixture(scope="module")
def rows(tokenizer: Tokenizer) -> Batch:
    tokens = torch.randint(0, tokenizer.vocab_size, (4, 64), generator=torch.manual_seed(1))
    targets = torch.full_like(tokens, IGNORE)
    targets[:, :-1] = tokens[:, 1:]
    return Batch(tokens, targets, torch.ones_like(tokens))


def test_student_of_full_size_is_the_teacher(teacher: GPT, rows: Batch) -> None:
    """Turning the stream and reordering nothing changes no prediction."""
    student = shrink(teacher, trace(teacher, rows), teacher.config, range(LAYERS)).eval()
    with torch.inference_mode():
        a, b = (m.head(m(rows.tokens)) for m in (teacher, student))
    torch.testing.assert_close(a, b, atol=2e-3, rtol=1e-3)
    assert not torch.equal(teacher.tokens.weight, student.tokens.weight)


def test_narrow_student_keeps_the_strongest_directions(teacher: GPT, rows: Batch) -> None:
    """Nearer to its teacher than one cut along the weakest directions."""
    shape = GPTConfig(**{**teacher.config.to_dict(), "n_embd": 24, "n_head": 3})
    strong = trace(teacher, rows)
    weak = replace(strong, directions=strong.directions.flip(1))
    with torch.inference_mode():
        expected = teacher.head(teacher(rows.tokens)).flatten()
        near, far = (
            F.cosine_similarity(m.head(m(rows.tokens)).flatten(), expected, dim=0).item()
            for m in (shrink(teacher, t, shape, range(LAYERS)).eval() for t in (strong, weak))
        )
    assert near > far + 0.1
    assert strong.heads[0].shape == (HEADS,)
    assert strong.hidden[0].shape == (HIDDEN,)


def test_head_size_must_stay(teacher: GPT, rows: Batch) -> None:
    shape = GPTConfig(**{**teacher.config.to_dict(), "n_head": 2})
    with pytest.raises(DataError, match="head size"):
        shrink(teacher, trace(teacher, rows), shape, range(LAYERS))


def test_chosen_layers_are_the_best_pair(teacher: GPT, rows: Batch) -> None:
    """With three layers every pair can be tried: the search must find one that is as good."""
    traces = trace(teacher, rows)
    shape = GPTConfig(**{**teacher.config.to_dict(), "n_layer": 2})
    chosen = choose_layers(teacher, traces, shape, rows)

    def loss(layers: list[int]) -> float:
        student = shrink(teacher, traces, shape, layers).eval()
        with torch.inference_mode():
            logits = student.head(student(rows.tokens, mask=rows.attention_mask()))
        return F.cross_entropy(logits.flatten(0, 1), rows.targets.flatten()).item()

    best = min(([0, 1], [0, 2], [1, 2]), key=loss)
    assert loss(chosen) == pytest.approx(loss(best), abs=0.05)
