"""The training loop: schedule, optimizers, loss, evaluation, resumable run folders.

A run folder holds `config.toml`, `metrics.jsonl`, `loss.png`, `last.pt` (everything needed to
resume) and `best.safetensors` (the weights with the lowest held-out loss).
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.batches import Batches
from training.config import RunConfig
from training.heldout import held_out_batches
from training.losses import LOSS_CHUNK, chunk_loss, pad
from training.plot import plot_losses
from training.rows import IGNORE, Batch
from training.runs import model_shape
from training.soft import SoftRows
from training.sources import open_sources

_CLIP = 1.0


def schedule(progress: float, warmup: float, decay_from: float) -> float:
    """Trapezoid: up over `warmup`, flat, then straight down to 2 % at the end of the run."""
    if progress < warmup:
        return min(1.0, max(progress, 1e-3) / warmup)
    if progress < decay_from:
        return 1.0
    return 0.02 + 0.98 * max(0.0, (1.0 - progress) / (1.0 - decay_from))


@dataclass(slots=True)
class Progress:
    step: int = 0
    tokens: int = 0
    elapsed_s: float = 0.0
    best: float = float("inf")
    worse: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


class Trainer:
    """One run. `fit` trains until the schedule ends, resuming what the folder holds."""

    def __init__(self, config: RunConfig, folder: Path) -> None:
        torch.manual_seed(config.seed)
        random.seed(config.seed)
        self.config, self.folder = config, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizer = Tokenizer.from_file(Path(config.tokenizer))
        shape = model_shape(config, self.tokenizer)
        self.model = GPT(shape, dropout=config.dropout).to(self.device)
        if config.init_from:
            self.model.load_state_dict(load_file(config.init_from))
        soft = config.soft
        self.batches = Batches(
            open_sources(config, self.tokenizer, config.seed),
            config.rows,
            shape.context_length,
            config.loss_on,
            SoftRows(Path(soft.path), config.seed) if soft else None,
            soft.share if soft else 0.0,
        )
        self.held_out = held_out_batches(config, self.tokenizer, shape.context_length)
        self.optimizers = self._optimizers()
        if config.compile:  # one block's code serves them all: compiled once, in seconds
            for block in self.model.blocks:
                block.compile()
        self.chunk_loss = torch.compile(chunk_loss) if config.compile else chunk_loss
        self.at = Progress()

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        """Muon for the matrices of the blocks, AdamW for all else (Jordan et al. 2024)."""
        config = self.config
        matrices = [p for p in self.model.blocks.parameters() if p.ndim == 2]
        ids = {id(p) for p in matrices}
        others = [p for p in self.model.parameters() if id(p) not in ids]
        adamw = torch.optim.AdamW(
            [{"params": others, "lr": config.lr_other, "weight_decay": 0.0}],
            betas=(0.9, 0.95),
            fused=True,
        )
        optimizers: list[torch.optim.Optimizer] = [adamw]
        group = {
            "params": matrices,
            "lr": config.lr_matrices,
            "weight_decay": config.weight_decay,
        }
        if config.optimizer == "adamw":
            adamw.add_param_group(group)
        else:
            optimizers.append(torch.optim.Muon([group], adjust_lr_fn="match_rms_adamw"))
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["base_lr"] = group["lr"]
        return optimizers

    @property
    def progress(self) -> float:
        """How much of the run is over, by tokens or by time, whichever is further."""
        by_tokens = self.at.tokens / self.config.tokens
        by_time = self.at.elapsed_s / (60 * self.config.max_minutes or float("inf"))
        return max(by_tokens, by_time)

    def fit(self) -> Path:
        """Train to the end of the schedule; returns the path of the best weights."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._resume()
        saved = last = time.monotonic()
        bar = tqdm(total=self.config.tokens, initial=self.at.tokens, unit="tok", unit_scale=True)
        while self.progress < 1.0 and not self._is_overfit():
            loss, count = self._step()
            now = time.monotonic()
            self.at.elapsed_s += now - last
            bar.update(count)
            bar.set_postfix(loss=f"{loss:.3f}", held_out=f"{self.at.best:.3f}")
            self._log({"loss": loss, "tokens_per_s": count / (now - last)})
            last = now
            if self.at.step % self.config.eval_every == 0:
                self._evaluate()
                last = time.monotonic()
            if now - saved > 60 * self.config.checkpoint_minutes:
                self._save()
                saved = last = time.monotonic()
        bar.close()
        self._evaluate()
        self._save()
        return self.folder / "best.safetensors"

    def _is_overfit(self) -> bool:
        return 0 < self.config.patience <= self.at.worse

    def _step(self) -> tuple[float, int]:
        """One optimizer step; returns the mean loss per target and the number of tokens."""
        factor = schedule(self.progress, self.config.warmup, self.config.decay_from)
        batch = self.batches.next()
        self.model.train()
        loss = self._loss(batch, is_training=True)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), _CLIP)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        count = int((batch.documents > 0).sum())
        self.at.step += 1
        self.at.tokens += count
        return loss, count

    def _loss(self, batch: Batch, *, is_training: bool) -> float:
        """Mean loss per target; while training also the gradients, chunk by chunk.

        Only positions with a target get logits, and only `LOSS_CHUNK` of them at a time.
        """
        d = self.device
        with torch.autocast(d.type, dtype=torch.bfloat16):
            hidden = self.model(batch.tokens.to(d), mask=batch.attention_mask().to(d))
        targets = batch.targets.view(-1).to(d)
        wanted = (targets != IGNORE).nonzero().squeeze(1)
        picked = hidden.reshape(-1, hidden.shape[-1])[wanted]
        leaf = picked.detach().requires_grad_(is_training)
        total = 0.0
        for start in range(0, len(wanted), LOSS_CHUNK):
            part = slice(start, start + LOSS_CHUNK)
            inputs: list[Any] = [pad(leaf[part]), pad(targets[wanted[part]], IGNORE)]
            inputs += self._taught(batch, wanted[part])
            with torch.autocast(d.type, dtype=torch.bfloat16):
                loss = self.chunk_loss(self.model.head, *inputs) / len(wanted)
            if is_training:
                torch.autograd.backward(loss)
            total += loss.item()
        if is_training:
            torch.autograd.backward(picked, leaf.grad)
        return total

    def _taught(self, batch: Batch, wanted: Tensor) -> list[Any]:
        """What the teacher expects at the `wanted` positions, and how much it counts."""
        if batch.soft_ids is None or batch.soft_probs is None or self.config.soft is None:
            return []
        both = (batch.soft_ids, batch.soft_probs)
        rows = [pad(values.to(self.device).flatten(0, 1)[wanted]) for values in both]
        return [*rows, self.config.soft.weight]

    @torch.no_grad()
    def _evaluate(self) -> None:
        self.model.eval()
        losses = {
            name: sum(self._loss(b, is_training=False) for b in batches) / len(batches)
            for name, batches in self.held_out.items()
        }
        main = losses["smalltalk"]
        self.at.worse = 0 if main < self.at.best else self.at.worse + 1
        if main < self.at.best:
            self.at.best = main
            _write_weights(self.model, self.folder / "best.safetensors")
        self._log({f"held_out_{name}": value for name, value in losses.items()})
        tqdm.write(f"step {self.at.step} " + " ".join(f"{k}={v:.3f}" for k, v in losses.items()))
        plot_losses(self.at.history, self.folder / "loss.png")

    def _log(self, values: dict[str, float]) -> None:
        row = {"step": self.at.step, "tokens": self.at.tokens, "elapsed_s": self.at.elapsed_s}
        row |= values
        self.at.history.append(row)
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")

    def _save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "batches": self.batches.state(),
            "rng": torch.get_rng_state(),
            "step": self.at.step,
            "tokens": self.at.tokens,
            "elapsed_s": self.at.elapsed_s,
            "best": self.at.best,
            "worse": self.at.worse,
        }
        aside = self.folder / "last.pt.tmp"
        torch.save(state, aside)
        aside.replace(self.folder / "last.pt")

    def _resume(self) -> None:
        path = self.folder / "last.pt"
        if not path.is_file():
            return
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.batches.load_state(state["batches"])
        torch.set_rng_state(state["rng"])
        at = self.at
        at.step, at.tokens, at.elapsed_s = state["step"], state["tokens"], state["elapsed_s"]
        at.best, at.worse = state["best"], state["worse"]
        lines = (self.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        at.history = [row for line in lines if (row := json.loads(line))["step"] <= at.step]


def _write_weights(model: GPT, path: Path) -> None:
    aside = path.with_suffix(".tmp")
    save_file({k: v.to(torch.bfloat16) for k, v in model.state_dict().items()}, aside)
    aside.replace(path)
