"""The checkpoint in the forms that the peers read, and how their workers are started."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from inference.benchmarks.contender import Spec
from inference.benchmarks.peers.gguf_file import write_gguf
from inference.checkpoint_io import WEIGHTS, Checkpoint

_LLAMA = "inference.benchmarks.peers.llama_cpp_worker"
_CTRANSLATE2 = "inference.benchmarks.peers.ctranslate2_worker"
# Keeping each OpenMP thread on its core gave one worker up to 7 %; several workers would all be
# put on the first cores.
_ONE_WORKER = {"OMP_PROC_BIND": "true"}


class Models:
    """Converted models in one folder, made once for each release of a checkpoint."""

    def __init__(self, checkpoint: Checkpoint, parent: Path, python: Path) -> None:
        self.folder = parent / f"{checkpoint.name}-{checkpoint.sha256[:12]}"
        self._python = str(python)
        self._end_id = checkpoint.tokenizer().end_id
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "config.json").exists():
            weights = read_weights(checkpoint)
            write_gguf(checkpoint.config, weights, self.folder / "f32.gguf", is_quantized=False)
            write_gguf(checkpoint.config, weights, self.folder / "q8_0.gguf")
            np.savez(self.folder / "weights.npz", **weights)  # type: ignore[arg-type]
            config = json.dumps(checkpoint.config.to_dict())
            (self.folder / "config.json").write_text(config, encoding="utf-8")

    def llama_cpp(self, *, extra_buffers: bool = False) -> Spec:
        options = {"model": str(self.folder / "q8_0.gguf"), "extra_buffers": extra_buffers}
        return Spec("llama.cpp", _LLAMA, options, self._python, is_tunable=True)

    def ctranslate2(self, workers: int, threads: int) -> Spec:
        options = {
            "model": str(self.folder / "ctranslate2-int8"),
            "source": str(self.folder),
            "end_id": self._end_id,
            "workers": workers,
            "compute_type": "int8",
        }
        name = f"ctranslate2 {workers}x{threads // workers}"
        environment = _ONE_WORKER if workers == 1 else {}
        return Spec(name, _CTRANSLATE2, options, self._python, environment, is_streamed=False)

    def in_fp32(self, spec: Spec) -> Spec:
        """Give the same program on the weights in full, to check the conversion alone."""
        name = "f32.gguf" if spec.module == _LLAMA else "ctranslate2-float32"
        changed = {"model": str(self.folder / name), "compute_type": "float32"}
        return replace(spec, options={**spec.options, **changed})


def read_weights(checkpoint: Checkpoint) -> dict[str, NDArray[np.float32]]:
    """Read the weights as fp32 arrays; numpy has no bfloat16, so torch widens them."""
    tensors = load_file(checkpoint.folder / WEIGHTS)
    return {name: tensor.float().numpy() for name, tensor in tensors.items()}
