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
from training.config import RunConfig, read_config
from training.generate import PROBES, reply
from training.plot import plot_losses
from training.runs import model_shape
from training.smalltalk import DataError

_CARD = Path(__file__).with_name("model_card.md")
_NOT_MEASURED = "Not measured yet: `python -m training evaluate`."
_UNSAID = "It makes small talk in English, and mistakes. Do not rely on it for advice that matters."
_FREE = "Nothing under a non-commercial licence was used."
_NOT_FREE = "A data set of the Hugging Face hub was used: its licence binds these weights too."
_TEACHER = """The teacher is SmolLM2-135M-Instruct (Apache-2.0) by Hugging Face. Our tokenizer's
merges are selected from its merges; our weights started from six of its layers, cut down, and were
trained on its distributions after it was fine-tuned on our text."""
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
    folders = [*earlier, run]
    stages = [_stage(folder) for folder in folders]
    sources = _sources(folders)
    training = {"stages": stages, "sources": sorted(sources)}
    texts = {
        "about": about.read_text(encoding="utf-8").strip() if about else _UNSAID,
        "evaluation": _NOT_MEASURED,
        "data": "\n".join(f"* {name}: {text}" for name, text in sorted(sources.items())),
        "teacher": _TEACHER if config.soft or _has_soft(folders) else "No teacher was used.",
        "licence": _NOT_FREE if any("hub:" in name for name in sources) else _FREE,
    }
    card = _card(out.name, model, tokenizer, stages, texts)
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = checkpoint_io.write(out, model, tokenizer_file, card, training)
    plot_losses(_history(folders), out / "loss.png")
    if evaluation:
        _add_evaluation(evaluation, checkpoint)


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


def _configs(folders: list[Path]) -> list[RunConfig]:
    return [read_config(f / "config.toml", Path()) for f in folders]


def _has_soft(folders: list[Path]) -> bool:
    return any(config.soft for config in _configs(folders))


def _sources(folders: list[Path]) -> dict[str, str]:
    """Every source of every stage: how much of the tokens it had in each."""
    found: dict[str, list[str]] = {}
    for config in _configs(folders):
        total = sum(s.share for s in config.sources)
        for s in config.sources:
            name = s.path if "hub:" in s.path else s.name
            found.setdefault(name, []).append(f"{s.share / total:.1%} of {config.name}")
    return {name: ", ".join(parts) for name, parts in found.items()}


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


def _add_evaluation(evaluation: Path, checkpoint: checkpoint_io.Checkpoint) -> None:
    """Put the table into the card; an evaluation of other weights is a `DataError`."""
    measured = json.loads((evaluation / "evaluation.json").read_text(encoding="utf-8"))["sha256"]
    if measured != checkpoint.sha256:
        raise DataError(f"{evaluation} measured another checkpoint ({measured[:12]})")
    card = checkpoint.folder / "README.md"
    text = card.read_text(encoding="utf-8").replace(_NOT_MEASURED, _table(evaluation))
    card.write_text(text, encoding="utf-8")
    for name in _COPIED:
        if (evaluation / name).is_file():
            shutil.copyfile(evaluation / name, checkpoint.folder / name)


def _card(
    name: str, model: GPT, tokenizer: Tokenizer, stages: list[dict[str, Any]],
    texts: dict[str, str],
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
    return _CARD.read_text(encoding="utf-8").format(
        name=name,
        parameters=model.parameter_count(),
        training=training,
        held_out=stages[-1]["held_out_loss"],
        samples=samples,
        **texts,
        **model.config.to_dict(),
    )
