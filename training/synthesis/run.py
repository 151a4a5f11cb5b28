"""The loop: a teacher is loaded, writes until there is enough or time is up, parts are kept."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.runs import load_any
from training.synthesis.filters import turn_fault
from training.synthesis.output import Counts, Output
from training.synthesis.seeds import Seeds
from training.synthesis.writer import Judge, Writer

_PART, _PART_S = 2000, 60.0  # conversations held back, and for how long
_PASSING = 0.85  # expected of them: what is unlikely or near others goes
_ROWS = {"cuda": 512, "cpu": 48}
_DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


def synthesize(
    teacher: Path,
    out: Path,
    *,
    root: Path,
    data: Path,
    prompts: Sequence[Path] = (),
    count: int,
    minutes: float,
    seed: int,
    temperature: float,
    rows: int | None = None,
    precision: str = "bf16",
    is_quiet: bool = False,
    judge: Judge = turn_fault,
) -> Counts:
    """Append to `out` until it holds `count` conversations, or for `minutes`.

    Raises `DataError` when `out` was begun with another teacher, seed, temperature or prompts.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model, tokenizer_file = load_any(teacher, root)
    about = {
        "teacher": f"{teacher.name} {_fingerprint(model)}",
        "seed": seed,
        "temperature": temperature,
        "prompts": sorted(path.name for path in prompts),
    }
    seeds = Seeds(data, prompts, seed)
    output = Output(out, seeds, about)
    with device:  # the engine's tensors follow the default
        writer = Writer(
            model.to(device, _DTYPES[precision]), Tokenizer.from_file(tokenizer_file), seeds,
            temperature=temperature, rows=rows or _ROWS[device.type], judge=judge,
            again=output.counts.open_numbers, next_number=output.counts.next_number,
        )  # fmt: skip
        _write(writer, output, count, minutes, is_quiet)
    return output.counts


def _fingerprint(model: GPT) -> str:
    weight = next(model.ln_final.parameters())
    return f"{zlib.crc32(weight.detach().float().numpy().tobytes()):08x}"


def _write(writer: Writer, output: Output, count: int, minutes: float, is_quiet: bool) -> None:
    counts = output.counts
    meter = _Meter(counts, writer)
    until = meter.started + 60 * minutes
    steps = writer.write()
    flushed = meter.started
    with tqdm(total=count, initial=counts.kept, unit="conversation", disable=is_quiet) as bar:
        while counts.kept < count and time.monotonic() < until:
            for written in next(steps):
                output.add(written)
            enough = counts.kept + _PASSING * len(output.buffer) >= count
            if enough or len(output.buffer) >= _PART or time.monotonic() > flushed + _PART_S:
                meter.update()
                output.flush(count)
                flushed = time.monotonic()
            meter.show(bar, len(output.buffer))
        meter.update()
        output.flush(count)
        meter.show(bar, 0)


class _Meter:
    """Keeps the report's tokens, seconds and numbers up to date, and the bar."""

    def __init__(self, counts: Counts, writer: Writer) -> None:
        self.started = time.monotonic()
        self._counts, self._writer = counts, writer
        self._before = (counts.sampled_tokens, counts.seconds, counts.finished)

    def update(self) -> None:
        counts = self._counts
        tokens, seconds, _ = self._before
        counts.sampled_tokens = tokens + self._writer.sampled_tokens
        counts.seconds = round(seconds + time.monotonic() - self.started, 1)
        counts.open_numbers = self._writer.open_numbers
        counts.next_number = self._writer.next_number

    def show(self, bar: tqdm, held: int) -> None:
        """What is held back counts as kept on the bar until its part is judged."""
        counts, seconds = self._counts, time.monotonic() - self.started
        bar.n = min(counts.kept + held, bar.total)
        bar.set_postfix(
            {
                "kept": f"{(counts.kept + held) / max(1, counts.finished):.0%}",
                "conv/s": f"{(counts.finished - self._before[2]) / seconds:.2f}",
                "tok/s": f"{self._writer.sampled_tokens / seconds:.0f}",
            },
            refresh=False,
        )
        bar.update(0)
