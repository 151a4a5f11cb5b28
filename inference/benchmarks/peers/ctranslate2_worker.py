"""The worker process of CTranslate2. Needs ctranslate2 and numpy, not torch.

It has no continuous batching: the streams' prompts of one round are one batch, and the next round
begins after it. Given whole replies back, it is measured at its fastest; a callback for each token
would slow it down, so it has no time to first token.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np

from inference.benchmarks.contender import serve
from inference.benchmarks.peers.ctranslate2_model import write_ctranslate2
from inference.benchmarks.peers.scores import Score, score_row
from inference.benchmarks.workload import Trace, Workload
from inference.model.config import GPTConfig


class CTranslate2:
    """`workers` copies of the loop over one model, with the threads shared out among them."""

    def __init__(self, folder: str, *, threads: int, workers: int, compute_type: str) -> None:
        self._workers = workers
        self._compute_type = compute_type
        self._threads = threads
        self._generator = ctranslate2.Generator(
            folder,
            device="cpu",
            compute_type=compute_type,
            inter_threads=workers,
            intra_threads=threads // workers,
        )

    def facts(self) -> dict[str, Any]:
        return {
            "version": f"ctranslate2 {ctranslate2.__version__}",
            "precision": self._compute_type,
            "threads": self._threads,
            "workers": self._workers,
        }

    def run(self, workload: Workload) -> list[Trace]:
        ctranslate2.set_random_seed(workload.seed)
        traces = []
        for turn in range(workload.rounds):
            traces += self._batch([turns[turn] for turns in workload.prompts], workload)
        return traces

    def score(self, rows: list[list[int]]) -> list[list[Score]]:
        return [
            score_row(np.array(self._generator.forward_batch([_tokens(ids)]))[0], ids)
            for ids in rows
        ]

    def _batch(self, prompts: list[list[int]], workload: Workload) -> list[Trace]:
        tokens = [_tokens(ids) for ids in prompts]
        start = time.perf_counter()
        results = self._generator.generate_batch(
            tokens,
            max_batch_size=-(-len(prompts) // self._workers),
            beam_size=1,
            sampling_topk=workload.top_k,
            sampling_temperature=workload.temperature,
            min_length=workload.new_tokens,
            max_length=workload.new_tokens,
            include_prompt_in_result=False,
        )
        end = time.perf_counter()
        return [Trace(start, [end] * len(r.sequences_ids[0])) for r in results]


def _tokens(ids: list[int]) -> list[str]:
    return [str(i) for i in ids]


def open_contender(options: dict[str, Any]) -> CTranslate2:
    """Convert first where the folder is not there yet: only this environment can."""
    folder = Path(options["model"])
    is_int8 = options["compute_type"] == "int8"
    if not (folder / "model.bin").exists():
        source = Path(options["source"])
        config = GPTConfig.from_dict(json.loads((source / "config.json").read_text("utf-8")))
        weights = dict(np.load(source / "weights.npz"))
        write_ctranslate2(config, weights, options["end_id"], folder, "int8" if is_int8 else None)
    return CTranslate2(
        str(folder),
        threads=options["threads"],
        workers=options["workers"],
        compute_type=options["compute_type"],
    )


if __name__ == "__main__":
    serve(open_contender)
