"""The worker process of llama.cpp. Needs llama-cpp-python and numpy, not torch."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import llama_cpp
import numpy as np

from inference.benchmarks.contender import serve
from inference.benchmarks.peers.llama_cpp_loop import BATCH_TOKENS, Batch, Loop
from inference.benchmarks.peers.scores import Score, score_row
from inference.benchmarks.statistics import summarize
from inference.benchmarks.workload import Trace, Workload

_WARNING = 3  # enum ggml_log_level
_PAD = 256  # llama.cpp rounds the room of a sequence up to this


@dataclass(frozen=True, slots=True)
class Settings:
    """What changes the speed of a context and nothing else."""

    flash_attn: bool = True
    kv_unified: bool = False
    ubatch: int = 512


class LlamaCpp:
    """One loaded model; each run opens a context, which is not counted."""

    def __init__(self, path: str, *, threads: int, extra_buffers: bool) -> None:
        llama_cpp.llama_backend_init()
        params = llama_cpp.llama_model_default_params()
        # Repacked weights: llama.cpp's AMX path crashed on one machine, and on one without AMX
        # they made no difference.
        params.use_extra_bufts = extra_buffers
        self._threads = threads
        self._settings = Settings()
        self._model = llama_cpp.llama_model_load_from_file(path.encode(), params)
        if not self._model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._vocab_size = llama_cpp.llama_vocab_n_tokens(vocab)

    def facts(self) -> dict[str, Any]:
        return {
            "version": f"llama-cpp-python {llama_cpp.__version__}",
            "precision": "Q8_0",
            "threads": self._threads,
            "uses": llama_cpp.llama_print_system_info().decode().strip(" |"),
        }

    def run(self, workload: Workload) -> list[Trace]:
        return self._run(workload, self._settings)

    def tune(self, workload: Workload) -> dict[str, Any]:
        """Try every setting on one round and keep the fastest."""
        one_round = replace(workload, prompts=[turns[:1] for turns in workload.prompts])
        choices = product((True, False), (False, True), (512, BATCH_TOKENS))
        every = [Settings(*values) for values in choices]
        speeds = dict.fromkeys(every, 0.0)
        # A round of one stream takes a twentieth of a second: too short to judge by one.
        for settings in every * (5 if workload.streams < 8 else 2):
            speed = summarize(self._run(one_round, settings)).tokens_per_s
            speeds[settings] = max(speeds[settings], speed)
        self._settings = max(speeds, key=lambda s: speeds[s])
        tried = [{**asdict(s), "tokens_per_s": round(v)} for s, v in speeds.items()]
        return {"settings": asdict(self._settings), "tried": tried}

    def score(self, rows: list[list[int]]) -> list[list[Score]]:
        return [self._score(ids) for ids in rows]

    def _run(self, workload: Workload, settings: Settings) -> list[Trace]:
        room = workload.prompt_tokens + workload.new_tokens
        with self._context(settings, workload.streams, room) as context:
            return Loop(context, workload).run()

    def _score(self, ids: list[int]) -> list[Score]:
        batch = Batch()
        with self._context(self._settings, 1, len(ids)) as context:
            for position, token in enumerate(ids):
                batch.add(token, position, 0, is_wanted=True)
            batch.decode(context)
            shape = (self._vocab_size,)
            logits = [
                np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, i), shape)
                for i in range(len(ids))
            ]
            scores = score_row(np.stack(logits), ids)
        batch.free()
        return scores

    @contextmanager
    def _context(self, settings: Settings, sequences: int, tokens: int) -> Iterator[Any]:
        """Open a context with room for `tokens` in each of `sequences`."""
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = sequences * -(-tokens // _PAD) * _PAD
        params.n_seq_max = sequences
        params.n_batch = BATCH_TOKENS
        params.n_ubatch = settings.ubatch
        params.n_threads = params.n_threads_batch = self._threads
        params.flash_attn_type = int(settings.flash_attn)
        params.kv_unified = settings.kv_unified
        context = llama_cpp.llama_init_from_model(self._model, params)
        if not context:
            raise RuntimeError("llama.cpp cannot open a context")
        try:
            yield context
        finally:
            llama_cpp.llama_free(context)


@llama_cpp.llama_log_callback
def _log(level: int, text: bytes, _: Any) -> None:
    if level >= _WARNING:
        sys.stderr.write(text.decode(errors="replace"))


def open_contender(options: dict[str, Any]) -> LlamaCpp:
    llama_cpp.llama_log_set(_log, ctypes.c_void_p(0))
    return LlamaCpp(
        options["model"], threads=options["threads"], extra_buffers=options["extra_buffers"]
    )


if __name__ == "__main__":
    serve(open_contender)
