"""From a run's best weights to a released checkpoint with manifest and model card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from inference import checkpoint_io
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.config import RunConfig
from training.generate import PROBES, reply
from training.runs import model_shape
from training.smalltalk import DataError

_CARD = """# {name}

A small chat model of the EuGPT project: {parameters:,} parameters, {n_layer} layers, {n_head}
heads, width {n_embd}, {vocab_size:,} ids, a context of {context_length} tokens. English small talk
only.

## What it can and cannot do
It greets, says what it is, listens, chats about everyday things and tells short stories. It knows
few facts and makes mistakes in those it knows; it cannot look anything up, calculate reliably, or
remember anything outside the {context_length} tokens it sees. It may contradict itself, and it
often repeats sentences of its training text word for word. Do not rely on it for advice that
matters.

## Training
{training}

Held-out loss on small talk it never saw, slots filled with words it never saw, assistant tokens
only: **{held_out:.3f}** nats per token.

![loss]({loss_png})

## Data and licences
{data}

The tokenizer's merges are selected from those of SmolLM2-135M-Instruct (Apache-2.0), and the
token embeddings started from a projection of that model's; nothing else of it was used. Sources of
the public text: see `docs/data-sources.md`.

## What it answers
Temperature 0.7, top-k 40, seed 1, nothing chosen by hand:

{samples}
"""


def export(run: Path, earlier: list[Path], config: RunConfig, out: Path) -> None:
    """Write `out` from the run folder `run`; `earlier` are the runs it started from."""
    weights = run / "best.safetensors"
    if not weights.is_file():
        raise DataError(f"{run} has no best.safetensors: train first")
    tokenizer_file = Path(config.tokenizer)
    tokenizer = Tokenizer.from_file(tokenizer_file)
    model = GPT(model_shape(config, tokenizer))
    model.load_state_dict(load_file(weights))
    stages = [_stage(folder) for folder in [*earlier, run]]
    training = {"stages": stages, "sources": [s.name for s in config.sources]}
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint_io.write(
        out, model, tokenizer_file, _card(out.name, model, tokenizer, stages), training
    )
    (out / "loss.png").write_bytes((run / "loss.png").read_bytes())


def _stage(folder: Path) -> dict[str, Any]:
    """What one run did, from its metrics."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    held_out = [row["held_out_smalltalk"] for row in rows if "held_out_smalltalk" in row]
    return {
        "run": folder.name,
        "tokens": rows[-1]["tokens"],
        "steps": rows[-1]["step"],
        "minutes": round(rows[-1]["elapsed_s"] / 60, 1),
        "held_out_loss": round(min(held_out), 4),
        "config_sha256": hashlib.sha256((folder / "config.toml").read_bytes()).hexdigest(),
    }


def _card(name: str, model: GPT, tokenizer: Tokenizer, stages: list[dict[str, Any]]) -> str:
    lines = [
        f"* {s['run']}: {s['tokens']:,} tokens, {s['steps']} steps, {s['minutes']} minutes on "
        f"two CPU cores, held-out loss {s['held_out_loss']:.3f}"
        for s in stages
    ]
    samples = "\n\n".join(
        f"> **user**: {probe}\n>\n> **EuGPT**: {reply(model, tokenizer, [probe], seed=1)}"
        for probe in PROBES
    )
    return _CARD.format(
        name=name,
        parameters=model.parameter_count(),
        training="\n".join(lines),
        held_out=stages[-1]["held_out_loss"],
        loss_png="loss.png",
        data="Small talk written for the project (MIT, as the project itself) and open data sets.",
        samples=samples,
        **model.config.to_dict(),
    )
