"""From a run's best weights to a released checkpoint with manifest, model card and loss curve."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from inference import checkpoint_io
from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.config import RunConfig
from training.generate import PROBES, reply
from training.plot import plot_losses
from training.runs import model_shape
from training.smalltalk import DataError

_CARD = Path(__file__).with_name("model_card.md")
_NOT_MEASURED = "Not measured yet: `python -m training evaluate`."
_UNSAID = "It makes small talk in English, and mistakes. Do not rely on it for advice that matters."
_COPIED = ("evaluation.json", "evaluation.md", "conversations.html")


def export(
    run: Path,
    earlier: list[Path],
    config: RunConfig,
    out: Path,
    *,
    evaluation: Path | None = None,
    about: Path | None = None,
) -> None:
    """Write `out` from the run folder `run`; `earlier` are the runs it started from.

    evaluation: folder that `evaluate` wrote for these weights. about: Markdown that says what
    the model can and cannot do.
    """
    weights = run / "best.safetensors"
    if not weights.is_file():
        raise DataError(f"{run} has no best.safetensors: train first")
    tokenizer_file = Path(config.tokenizer)
    tokenizer = Tokenizer.from_file(tokenizer_file)
    model = GPT(model_shape(config, tokenizer))
    model.load_state_dict(load_file(weights))
    stages = [_stage(folder) for folder in [*earlier, run]]
    training = {"stages": stages, "sources": [s.name for s in config.sources]}
    texts = {
        "about": about.read_text(encoding="utf-8").strip() if about else _UNSAID,
        "evaluation": _table(evaluation) if evaluation else _NOT_MEASURED,
    }
    card = _card(out.name, model, tokenizer, stages, config, texts)
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = checkpoint_io.write(out, model, tokenizer_file, card, training)
    plot_losses(_history([*earlier, run]), out / "loss.png")
    if evaluation:
        _copy_evaluation(evaluation, checkpoint)


def _stage(folder: Path) -> dict[str, Any]:
    """What one run did, from its metrics."""
    rows = _metrics(folder)
    held_out = [row["held_out_smalltalk"] for row in rows if "held_out_smalltalk" in row]
    return {
        "run": folder.name,
        "tokens": rows[-1]["tokens"],
        "steps": rows[-1]["step"],
        "minutes": round(rows[-1]["elapsed_s"] / 60, 1),
        "held_out_loss": round(min(held_out), 4),
        "config_sha256": hashlib.sha256((folder / "config.toml").read_bytes()).hexdigest(),
    }


def _metrics(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _history(folders: list[Path]) -> list[dict[str, Any]]:
    """The metrics of the runs that trained these weights, one after another."""
    history: list[dict[str, Any]] = []
    for folder in folders:
        before = history[-1]["tokens"] if history else 0
        history += [row | {"tokens": row["tokens"] + before} for row in _metrics(folder)]
    return history


def _table(evaluation: Path) -> str:
    path = evaluation / "evaluation.md"
    if not path.is_file():
        raise DataError(f"{evaluation} has no evaluation.md: evaluate first")
    lines = path.read_text(encoding="utf-8").splitlines()
    table = "\n".join(line for line in lines if line.startswith("|"))
    return (
        f"{table}\n\nEvery failed case: [evaluation.md](evaluation.md). Sixty fixed conversations "
        "to read: [conversations.html](conversations.html)."
    )


def _copy_evaluation(evaluation: Path, checkpoint: checkpoint_io.Checkpoint) -> None:
    measured = json.loads((evaluation / "evaluation.json").read_text(encoding="utf-8"))["sha256"]
    if measured != checkpoint.sha256:
        raise DataError(f"{evaluation} measured another checkpoint ({measured[:12]})")
    for name in _COPIED:
        if (evaluation / name).is_file():
            shutil.copyfile(evaluation / name, checkpoint.folder / name)


def _card(
    name: str, model: GPT, tokenizer: Tokenizer, stages: list[dict[str, Any]],
    config: RunConfig, texts: dict[str, str],
) -> str:  # fmt: skip
    training = "\n".join(
        f"* {s['run']}: {s['tokens']:,} tokens, {s['steps']} steps, {s['minutes']} minutes, "
        f"held-out loss {s['held_out_loss']:.3f}"
        for s in stages
    )
    samples = "\n\n".join(
        f"> **user**: {probe}\n>\n> **EuGPT**: {reply(model, tokenizer, [probe], seed=1)}"
        for probe in PROBES
    )
    total = sum(s.share for s in config.sources)
    return _CARD.read_text(encoding="utf-8").format(
        name=name,
        parameters=model.parameter_count(),
        training=training,
        held_out=stages[-1]["held_out_loss"],
        data="\n".join(f"* {s.name}: {s.share / total:.1%} of the tokens" for s in config.sources),
        samples=samples,
        **texts,
        **model.config.to_dict(),
    )
