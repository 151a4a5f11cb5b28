"""`make train-smoke`: every stage of the pipeline once, on a model that a minute can train.

From the repository's small talk alone to a checkpoint one can chat with, through the same
subcommands as the real model; all it writes is below `var/train-smoke`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from training.__main__ import main

_VOCAB_SIZE = 2048
_MEASURES = "loss,recall,facts,identity,repetition"
_QUESTION = "Hello! My name is Ana. What is your name?"


def stages(root: Path, work: Path) -> Iterator[tuple[str, list[str | Path]]]:
    """Give what each stage is for and its subcommand; paths in the configs are below `root`."""
    configs = root / "training" / "configs"
    runs, model = work / "runs", work / "models" / "tiny"
    below_root: list[str | Path] = ["--root", root]
    yield (
        "tokenizer: the words and syllables of our small talk",
        [
            "tokenizer", work / "tokenizer.json", "--config", configs / "smoke.toml",
            *below_root, "--vocab-size", str(_VOCAB_SIZE),
        ],
    )  # fmt: skip
    yield (
        "pretrain: how people talk",
        ["pretrain", configs / "smoke.toml", *below_root, "--runs", runs],
    )
    yield (
        "finetune: how the assistant answers",
        ["finetune", configs / "smoke-finetune.toml", *below_root, "--runs", runs],
    )
    yield (
        "export: a checkpoint with its model card",
        ["export", runs / "smoke-finetune", model, *below_root, "--earlier", runs / "smoke"],
    )
    yield (
        "evaluate: a quick look (a tiny model knows nothing, see that it runs)",
        [
            "evaluate", model, "--out", work / "evaluation", "--only", _MEASURES, "--limit", "10",
            "--smalltalk", root / "training" / "data" / "smalltalk",
        ],
    )  # fmt: skip


def run(root: Path) -> int:
    """Run all stages anew; returns the exit status of the first that failed, or 0."""
    work = root / "var" / "train-smoke"
    shutil.rmtree(work, ignore_errors=True)
    for title, arguments in stages(root, work):
        print(f"\n== {title}", flush=True)
        if status := main([str(argument) for argument in arguments]):
            return status
    model = work / "models" / "tiny"
    print(f"\n== chat\n> {_QUESTION}\n{answer(model)}\n")
    print(f"Chat with it: {_python()} -m training chat {model}")
    return 0


def _python() -> Path:
    python = Path(sys.executable)
    return python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else python


def answer(model: Path) -> str:
    from inference.checkpoint_io import load_model, verify
    from training.generate import reply

    checkpoint = verify(model)
    return reply(load_model(checkpoint), checkpoint.tokenizer(), [_QUESTION], seed=1, max_tokens=40)


if __name__ == "__main__":
    sys.exit(run(Path()))
