"""Proof that the peers compute our network, before anything is timed.

Texts are scored by our fp32 network and by each peer: with the weights in fp32, where only
rounding may differ, and as it is timed, where the loss shows what its quantization costs. A tensor
that a peer has no place for is left out on our side too, and what it is worth is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from inference.benchmarks.contender import Spec, Worker
from inference.benchmarks.peers.gguf_file import NOT_HELD
from inference.benchmarks.peers.models import Models
from inference.benchmarks.peers.scores import Comparison, Score, compare, score_row
from inference.benchmarks.report import align
from inference.benchmarks.workload import make_workload
from inference.checkpoint_io import Checkpoint, load_model

_TEXTS, _TEXT_TOKENS = 16, 128
# fp32 against fp32: only the order of sums differs (and llama.cpp keeps its KV in f16). A permuted
# head, a missing bias or another epsilon costs far more. Quantized: measured 0.003 and 89 to 94 %
# on these texts, which leave the network in doubt at many places.
_FP32_LOSS, _FP32_AGREEMENT = 1e-3, 0.995
_QUANTIZED_LOSS, _QUANTIZED_AGREEMENT = 0.02, 0.8


class NotProven(RuntimeError):
    """A peer's scores are too far from ours: its timing would say nothing."""


def texts(checkpoint: Checkpoint) -> list[list[int]]:
    """Give prompts that no stream of a benchmark is given."""
    workload = make_workload(
        checkpoint.tokenizer(),
        streams=_TEXTS,
        prompt_tokens=min(_TEXT_TOKENS, checkpoint.config.context_length),
        seed=7,
    )
    return [turns[0] for turns in workload.prompts]


@torch.inference_mode()
def our_scores(
    checkpoint: Checkpoint, rows: Sequence[list[int]], without: Sequence[str] = ()
) -> list[list[Score]]:
    """Score by the fp32 network, with the tensors `without` set to zero."""
    model = load_model(checkpoint)
    for name in without:
        model.get_parameter(name).zero_()
    return [score_row(model.head(model(torch.tensor([ids])))[0].numpy(), ids) for ids in rows]


def prove(
    checkpoint: Checkpoint,
    models: Models,
    specs: Sequence[Spec],
    threads: int,
    log: Path,
    tell: Callable[[str], None],
) -> str:
    """Compare every peer with our network; returns a table. Raises `NotProven`."""
    rows = texts(checkpoint)
    full = our_scores(checkpoint, rows)
    reduced = our_scores(checkpoint, rows, NOT_HELD)
    first = make_workload(checkpoint.tokenizer(), streams=1, prompt_tokens=8, new_tokens=1)
    lines = [["peer", "loss", "ours", "difference", "same argmax", "largest log-prob difference"]]
    for spec in specs:
        ours = reduced if spec.name == "llama.cpp" else full
        for kind, variant in (("fp32", models.in_fp32(spec)), ("as timed", spec)):
            tell(f"checking the conversion: {spec.name}, {kind}")
            with Worker(variant, first, log, threads=threads) as worker:
                found = compare(worker.call("score", rows=rows), ours)
            lines.append([f"{spec.name} {kind}", *_cells(found)])
            check(found, f"{spec.name} {kind}", is_fp32=kind == "fp32")
    worth = compare(reduced, full)
    return (
        f"{align(lines)}\n"
        f"llama.cpp has no place for {', '.join(NOT_HELD)}: left out on both sides in its rows. "
        f"Without it our loss is {worth.loss:.4f} instead of {worth.loss_ours:.4f}."
    )


def check(found: Comparison, name: str, *, is_fp32: bool) -> None:
    """Raise `NotProven` when a peer's scores are further from ours than it may be."""
    loss, agreement = (
        (_FP32_LOSS, _FP32_AGREEMENT) if is_fp32 else (_QUANTIZED_LOSS, _QUANTIZED_AGREEMENT)
    )
    if abs(found.loss_difference) > loss or found.agreement < agreement:
        raise NotProven(
            f"{name} does not compute our network: loss {found.loss:.4f} against "
            f"{found.loss_ours:.4f}, same argmax at {found.agreement:.1%}"
        )


def _cells(found: Comparison) -> list[str]:
    return [
        f"{found.loss:.4f}",
        f"{found.loss_ours:.4f}",
        f"{found.loss_difference:+.5f}",
        f"{found.agreement:.2%}",
        f"{found.largest_difference:.4f}",
    ]
