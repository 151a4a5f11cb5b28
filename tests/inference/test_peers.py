"""What is handed to the peers is our network, and a wrong conversion is noticed.

The peers themselves are not installed for tests; `make bench-peers` proves the rest with them.
"""

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from inference import checkpoint_io
from inference.benchmarks.peers.gguf_file import NotHeld, to_pairs, write_gguf
from inference.benchmarks.peers.goals import goals_table, verdict
from inference.benchmarks.peers.models import Models, read_weights
from inference.benchmarks.peers.proof import NotProven, check, our_scores, texts
from inference.benchmarks.peers.scores import Comparison, compare, score_row
from inference.benchmarks.session import Row
from inference.benchmarks.statistics import Measure
from inference.checkpoint_io import Checkpoint
from inference.model.config import GPTConfig
from inference.model.gpt import GPT, rotary_table, rotate
from tests.support.tiny_model import build_tiny_checkpoint


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A tiny network of Llama's family, with every bias set."""
    folder = tmp_path_factory.mktemp("llama")
    tiny = build_tiny_checkpoint(folder / "gpt2", context_length=96)
    vocab_size = checkpoint_io.verify(tiny).config.vocab_size
    torch.manual_seed(3)
    config = GPTConfig(
        vocab_size, 96, n_layer=2, n_head=2, n_embd=32, n_hidden=64,
        activation="swiglu", positions="rotary", norm="rms", rope_theta=100_000,
    )  # fmt: skip
    model = GPT(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    checkpoint_io.write(folder / "llama", model, tiny / "tokenizer.json", "", {}, dtype="float32")
    return checkpoint_io.verify(folder / "llama")


def _read(path: Path) -> tuple[gguf.GGUFReader, dict[str, NDArray[np.float32]]]:
    reader = gguf.GGUFReader(str(path))
    tensors = {
        t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)
        for t in reader.tensors
    }
    return reader, tensors


def test_gguf_file_holds_the_weights_of_a_llama(llama: Checkpoint, tmp_path: Path) -> None:
    weights = read_weights(llama)
    write_gguf(llama.config, weights, tmp_path / "f32.gguf", is_quantized=False)
    reader, tensors = _read(tmp_path / "f32.gguf")
    fields = {
        "general.architecture": "llama",
        "llama.block_count": 2,
        "llama.embedding_length": 32,
        "llama.feed_forward_length": 64,
        "llama.attention.head_count": 2,
        "llama.rope.dimension_count": 16,
        "llama.rope.freq_base": 100_000.0,
        "llama.vocab_size": llama.config.vocab_size,
        "llama.context_length": 96,
        "tokenizer.ggml.model": "none",
    }
    assert {name: reader.fields[name].contents() for name in fields} == fields
    assert reader.fields["llama.attention.layer_norm_rms_epsilon"].contents() == pytest.approx(1e-5)
    assert len(tensors) == 3 + 2 * 12
    same = {
        "token_embd.weight": weights["tokens.weight"],
        "output.weight": weights["head.weight"],
        "output_norm.weight": weights["ln_final.weight"],
        "blk.1.attn_output.bias": weights["blocks.1.attn.proj.bias"],
        "blk.1.ffn_gate.weight": weights["blocks.1.mlp.up.weight"][:64],
        "blk.1.ffn_up.bias": weights["blocks.1.mlp.up.bias"][64:],
        "blk.0.ffn_down.weight": weights["blocks.0.mlp.down.weight"],
    }
    for name, expected in same.items():
        np.testing.assert_array_equal(tensors[name], expected, err_msg=name)
    values = weights["blocks.0.attn.qkv.weight"][64:]  # values are not turned, so not permuted
    np.testing.assert_array_equal(tensors["blk.0.attn_qkv.weight"][64:], values)


def test_q8_0_keeps_the_weights_to_a_127th(llama: Checkpoint, tmp_path: Path) -> None:
    weights = read_weights(llama)
    write_gguf(llama.config, weights, tmp_path / "q8.gguf")
    reader, tensors = _read(tmp_path / "q8.gguf")
    kinds = {t.name: t.tensor_type.name for t in reader.tensors}
    assert {kind for name, kind in kinds.items() if "norm" in name or "bias" in name} == {"F32"}
    assert kinds["output.weight"] == kinds["blk.0.attn_qkv.weight"] == "Q8_0"
    head = weights["head.weight"]
    # A block of 32 shares a scale, itself in half precision: half a step, and a little.
    steps = np.abs(head.reshape(-1, 32)).max(-1, keepdims=True) / 127
    error = np.abs(tensors["output.weight"] - head).reshape(-1, 32)
    assert (error <= 0.6 * steps).all()
    assert error.max() > 0


def test_paired_rows_turn_as_our_halves_do(llama: Checkpoint) -> None:
    """llama.cpp turns neighbours, we turn halves: with `to_pairs` the attention is the same."""
    torch.manual_seed(0)
    heads, size, times = llama.config.n_head, llama.config.head_size, 5
    angles = rotary_table(llama.config)[:, :times]
    x = torch.randn(times, 32)
    weight = {part: torch.randn(32, 32) for part in "qk"}
    ours, theirs = {}, {}
    for part, w in weight.items():
        halves = (x @ w.T).view(times, heads, size).transpose(0, 1)
        ours[part] = rotate(halves, angles[:, None])
        pairs = x @ torch.from_numpy(to_pairs(w.numpy(), heads)).T
        theirs[part] = _turn_neighbours(pairs.view(times, heads, size).transpose(0, 1), angles)
    scores = ours["q"] @ ours["k"].transpose(1, 2)
    torch.testing.assert_close(theirs["q"] @ theirs["k"].transpose(1, 2), scores)


def _turn_neighbours(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Rotary positions as ggml's GGML_ROPE_TYPE_NORMAL: pairs (0, 1), (2, 3), ..."""
    cos, sin = angles
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, b * cos + a * sin), dim=-1).flatten(-2)


def test_gguf_file_holds_gpt2_and_refuses_a_mixture(checkpoint: Checkpoint, tmp_path: Path) -> None:
    weights = read_weights(checkpoint)
    write_gguf(checkpoint.config, weights, tmp_path / "gpt2.gguf")
    reader, tensors = _read(tmp_path / "gpt2.gguf")
    assert reader.fields["general.architecture"].contents() == "gpt2"
    for ours, theirs in (
        ("positions.weight", "position_embd.weight"),
        ("blocks.1.attn.qkv.bias", "blk.1.attn_qkv.bias"),
        ("blocks.0.ln2.bias", "blk.0.ffn_norm.bias"),
        ("ln_final.bias", "output_norm.bias"),
    ):
        np.testing.assert_array_equal(tensors[theirs], weights[ours], err_msg=ours)
    mixture = GPTConfig(positions="rotary", norm="layer", activation="relu")
    with pytest.raises(NotHeld, match="rotary, layer, relu"):
        write_gguf(mixture, {}, tmp_path / "mixture.gguf")
    assert not (tmp_path / "mixture.gguf").exists()


def test_models_are_converted_once_for_a_release(llama: Checkpoint, tmp_path: Path) -> None:
    models = Models(llama, tmp_path, Path("python"))
    file = models.folder / "q8_0.gguf"
    before = file.stat().st_mtime_ns
    again = Models(llama, tmp_path, Path("python"))
    assert (again.folder, file.stat().st_mtime_ns) == (models.folder, before)
    spec = models.ctranslate2(workers=2, threads=2)
    assert (spec.name, spec.options["workers"]) == ("ctranslate2 2x1", 2)
    in_full = models.in_fp32(models.llama_cpp())
    assert in_full.options["model"] == str(models.folder / "f32.gguf")
    loaded = np.load(models.folder / "weights.npz")
    assert set(loaded.files) == set(checkpoint_io.expected_shapes(llama.config))


def test_scores_are_the_networks_log_probabilities(llama: Checkpoint) -> None:
    rows = [ids[:20] for ids in texts(llama)[:3]]
    model = checkpoint_io.load_model(llama)
    with torch.inference_mode():
        logits = model.head(model(torch.tensor(rows)))
    for ids, row_logits, scores in zip(rows, logits, our_scores(llama, rows), strict=True):
        expected = row_logits.log_softmax(-1)[:-1]
        chosen = expected[torch.arange(19), torch.tensor(ids[1:])]
        assert [s[0] for s in scores] == pytest.approx(chosen.tolist(), abs=1e-4)
        assert [s[1] for s in scores] == expected.argmax(-1).tolist()
    reduced = our_scores(llama, rows, ["head.bias"])
    assert compare(reduced, our_scores(llama, rows)).largest_difference > 0.01


def test_proof_notices_rows_that_were_not_permuted(llama: Checkpoint) -> None:
    """The mistake that still gives fluent-looking numbers: queries and keys in the wrong order."""
    rows = texts(llama)
    ours = our_scores(llama, rows)
    check(compare(ours, ours), "same", is_fp32=True)
    model = checkpoint_io.load_model(llama)
    with torch.no_grad():
        for block in model.blocks:
            for tensor in (block.attn.qkv.weight, block.attn.qkv.bias):  # type: ignore[union-attr]
                for rows_of in (tensor[:32], tensor[32:64]):  # type: ignore[index]
                    rows_of.copy_(torch.from_numpy(to_pairs(rows_of.numpy().copy(), 2)))
        wrong = [score_row(model.head(model(torch.tensor([ids])))[0].numpy(), ids) for ids in rows]
    with pytest.raises(NotProven, match="does not compute our network"):
        check(compare(wrong, ours), "wrong", is_fp32=True)


def test_proof_allows_quantization_less_than_it_allows_errors() -> None:
    close = Comparison(loss=3.01, loss_ours=3.0, agreement=0.9, largest_difference=0.5)
    check(close, "quantized", is_fp32=False)
    with pytest.raises(NotProven):
        check(close, "fp32", is_fp32=True)
    far = Comparison(loss=3.1, loss_ours=3.0, agreement=0.9, largest_difference=0.5)
    with pytest.raises(NotProven):
        check(far, "quantized", is_fp32=False)


def _row(contender: str, streams: int, speed: float) -> Row:
    return Row(
        contender, streams, 30, Measure(speed, 1.0, 10), [speed, 1.1 * speed], speed / 2, 100.0, 1.0
    )


def test_goals_count_against_the_better_peer() -> None:
    rows = [
        *(_row("eugpt", s, v) for s, v in ((1, 900), (8, 2000))),
        *(_row("llama.cpp", s, v) for s, v in ((1, 1000), (8, 800))),
        *(_row("ctranslate2 1x2", s, v) for s, v in ((1, 300), (8, 1000))),
        _row("ancestor", 1, 30),
    ]
    lines = goals_table(rows, "eugpt", ["llama.cpp", "ctranslate2 1x2"], "ancestor").splitlines()
    assert [line.split()[-4:] for line in lines[1:]] == [
        ["llama.cpp", "0.90", "1.0", "missed"],
        ["ancestor", "30.00", "30.0", "reached"],
        ["1x2", "2.00", "1.8", "reached"],
    ]
    assert verdict(1.2, None) == ["1.20", "-", ""]
