"""The folder of a run: what was asked for, what happened, and what is needed to go on.

`config.toml`, `git.json` (the code's commit), `metrics.jsonl`, `samples.jsonl`, `loss.png`,
`last.pt` (everything needed to resume) and `best.safetensors` (the weights with the lowest
held-out loss). Whatever is read again is written aside and renamed: a kill leaves no half files.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from inference.model.gpt import GPT
from training.config import ConfigError, RunConfig, read_config
from training.smalltalk import DataError

_MAY_CHANGE = {
    "tokens", "max_minutes", "eval_every", "checkpoint_minutes", "patience", "samples",
}  # fmt: skip


class RunFolder:
    """Files of one run. Only the first of several processes may write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.best = path / "best.safetensors"
        self._last = path / "last.pt"

    def claim(self, config_file: Path, root: Path, *, is_writing: bool = True) -> RunConfig:
        """Read the config, keep a copy of it and of the code's commit; paths are below `root`.

        Raises `ConfigError` where the folder holds a run that the config would not go on with.
        """
        config = read_config(config_file, root)
        stored = self.path / "config.toml"
        if self._last.is_file() and stored.is_file():
            changed = _differences(read_config(stored, root), config)
            if changed:
                raise ConfigError(
                    f"{self.path} holds a run with another {', '.join(changed)}: give the new "
                    f"run another name, or move that folder away"
                )
        if is_writing:
            self.path.mkdir(parents=True, exist_ok=True)
            _replace(stored, config_file.read_bytes())
            text = json.dumps(git_state(Path(__file__).parent)) + "\n"
            _replace(self.path / "git.json", text.encode())
        return config

    def log(self, row: dict[str, Any]) -> None:
        self._append("metrics.jsonl", row)

    def log_samples(self, step: int, replies: dict[str, str]) -> None:
        self._append("samples.jsonl", {"step": step, "replies": replies})

    def _append(self, name: str, row: dict[str, Any]) -> None:
        with (self.path / name).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")

    def rewind(self, step: int) -> list[dict[str, Any]]:
        """Forget what was logged after `step`; returns the metrics that are left."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._cut("samples.jsonl", step)
        return self._cut("metrics.jsonl", step)

    def _cut(self, name: str, step: int) -> list[dict[str, Any]]:
        path = self.path / name
        if not path.is_file():
            return []
        rows = []
        for line in path.read_text(encoding="utf-8").split("\n"):
            if not line:
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError:  # cut short by a kill
                break
            if row["step"] <= step:
                rows.append(row)
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        _replace(path, "".join(lines).encode())
        return rows

    def plot(self, history: list[dict[str, Any]]) -> None:
        from training.plot import plot_losses  # matplotlib is slow to import

        plot_losses(history, self.path / "loss.png")

    def save_best(self, model: GPT) -> None:
        aside = self.best.with_suffix(".tmp")
        save_file({k: v.to(torch.bfloat16) for k, v in model.state_dict().items()}, aside)
        _rename(aside, self.best)

    def save(self, state: dict[str, Any]) -> None:
        aside = self.path / "last.pt.tmp"
        torch.save(state, aside)
        _rename(aside, self._last)

    def load(self, processes: int) -> dict[str, Any] | None:
        """Give what `save` got, on the CPU, or None; `processes` must be as many as then."""
        if not self._last.is_file():
            return None
        state: dict[str, Any] = torch.load(self._last, map_location="cpu", weights_only=True)
        saved = len(state.get("ranks", [None]))
        if saved != processes:
            raise DataError(f"{self.path} was trained by {saved} processes, not {processes}")
        return state


def _differences(stored: RunConfig, config: RunConfig) -> list[str]:
    return [
        f.name
        for f in fields(RunConfig)
        if f.name not in _MAY_CHANGE and getattr(stored, f.name) != getattr(config, f.name)
    ]


def git_state(folder: Path) -> dict[str, Any]:
    """Commit of the code in `folder` and whether it was changed since; None outside git."""
    commit = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "is_dirty": bool(status) if commit else None}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(path.name + ".tmp")
    aside.write_bytes(content)
    _rename(aside, path)


def _rename(aside: Path, path: Path) -> None:
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(path)
