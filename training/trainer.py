"""The training loop: batches in, gradients, a step, now and then an evaluation and a checkpoint.

A run can be ended at any moment and resumed: it goes on exactly as if it had not been ended
(see `training.run_folder`). With several processes the loop is the same in each.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from tqdm import tqdm

from inference.model.gpt import GPT
from inference.tokenizer import Tokenizer
from training.batches import Batches
from training.config import RunConfig
from training.distributed import World
from training.generate import PROBES, reply
from training.heldout import held_out_batches
from training.losses import LOSS_CHUNK, chunk_loss, pad
from training.optim import learning_rate_factor, make_optimizers, update
from training.progress import Progress, StatusBar
from training.rows import IGNORE, Batch
from training.run_folder import RunFolder
from training.runs import model_shape
from training.soft import SoftRows
from training.sources import open_sources

_SAMPLE_TOKENS = 24


class Trainer:
    """One run. `fit` trains until the schedule ends, resuming what the folder holds."""

    def __init__(self, config: RunConfig, folder: Path, world: World | None = None) -> None:
        torch.manual_seed(config.seed)
        random.seed(config.seed)
        self.config, self.folder = config, RunFolder(folder)
        self.world = world or World()
        self.device = self.world.device
        self.tokenizer = Tokenizer.from_file(Path(config.tokenizer))
        shape = model_shape(config, self.tokenizer)
        self.model = GPT(shape, dropout=config.dropout).to(self.device)
        if config.init_from:
            self.model.load_state_dict(load_file(config.init_from))
        self.world.share_weights(self.model)
        if self.world.rank:  # dropout shall differ; the first process is as one that is alone
            torch.manual_seed(config.seed + self.world.rank)
        self.batches = _open_batches(config, self.tokenizer, shape.context_length, self.world)
        self.held_out = held_out_batches(config, self.tokenizer, shape.context_length)
        self.optimizers = make_optimizers(config, self.model)
        if config.compile:  # one block's code serves them all: compiled once, in seconds
            for block in self.model.blocks:
                block.compile()
        self.chunk_loss = torch.compile(chunk_loss) if config.compile else chunk_loss
        self.at = Progress()

    def fit(self) -> Path:
        """Train to the end of the schedule; returns the path of the best weights."""
        self._resume()
        bar = StatusBar(self.config, self.at, is_shown=self.world.is_first)
        saved = last = time.monotonic()
        while self.at.share(self.config) < 1.0 and not self.at.is_overfit(self.config):
            loss, count = self._step()
            now = time.monotonic()
            # One clock for all processes: they must agree on the schedule and on when to save.
            took, unsaved_s = self.world.first(now - last, now - saved)
            self.at.elapsed_s += took
            self._log({"loss": loss, "tokens_per_s": count / took})
            bar.show(loss, count / took)
            if self.at.step % self.config.eval_every == 0:
                self._evaluate()
            if unsaved_s > 60 * self.config.checkpoint_minutes:
                self._save()
                saved = time.monotonic()
            last = time.monotonic()
        bar.close()
        if not self._is_measured():
            self._evaluate()
        self._save()
        return self.folder.best

    def _is_measured(self) -> bool:
        """Whether the last step was evaluated. Only the first process knows: all must agree."""
        history = self.at.history
        measured = bool(history) and "held_out_smalltalk" in history[-1]
        return bool(self.world.first(float(measured))[0])

    def _step(self) -> tuple[float, int]:
        """One optimizer step; returns the mean loss per target and the number of tokens."""
        factor = learning_rate_factor(self.config, self.at.share(self.config))
        loss, count = self.backward(self.batches.next())
        update(self.model, self.optimizers, factor)
        self.at.step += 1
        self.at.tokens += count
        return loss, count

    def backward(self, batch: Batch) -> tuple[float, int]:
        """Leave the gradients of the mean loss per target of all processes' batches.

        Returns that loss and the tokens in these batches.
        """
        self.model.train()
        targets, tokens = self.world.sum(
            int((batch.targets != IGNORE).sum()), int((batch.documents > 0).sum())
        )
        loss = self._loss(batch, targets, is_training=True)
        self.world.sum_gradients(self.model.parameters())
        return self.world.sum(loss)[0], int(tokens)

    def _loss(self, batch: Batch, divisor: float, *, is_training: bool) -> float:
        """Sum of the losses by `divisor`; while training also the gradients, chunk by chunk.

        Only positions with a target get logits, and only `LOSS_CHUNK` of them at a time.
        """
        batch = batch.to(self.device)
        with self._autocast():
            hidden = self.model(batch.tokens, mask=batch.attention_mask())
        targets = batch.targets.view(-1)
        wanted = (targets != IGNORE).nonzero().squeeze(1)
        if not len(wanted):
            return 0.0
        picked = hidden.reshape(-1, hidden.shape[-1])[wanted]
        leaf = picked.detach().requires_grad_(is_training)
        extras: dict[str, Any] = self._regularizers() if is_training else {}
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for start in range(0, len(wanted), LOSS_CHUNK):
            part = slice(start, start + LOSS_CHUNK)
            inputs: list[Any] = [pad(leaf[part]), pad(targets[wanted[part]], IGNORE)]
            inputs += self._taught(batch, wanted[part])
            with self._autocast():
                loss = self.chunk_loss(self.model.head, *inputs, **extras) / divisor
            if is_training:
                torch.autograd.backward(loss)
            total += loss.detach()
        if is_training:
            torch.autograd.backward(picked, leaf.grad)
        return total.item()

    def _autocast(self) -> torch.autocast:
        is_on = self.config.precision == "bf16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=is_on)

    def _regularizers(self) -> dict[str, float]:
        values = {"label_smoothing": self.config.label_smoothing, "z_loss": self.config.z_loss}
        return {name: value for name, value in values.items() if value}

    def _taught(self, batch: Batch, wanted: Tensor) -> list[Any]:
        """What the teacher expects at the `wanted` positions, and how much it counts."""
        if batch.soft_ids is None or batch.soft_probs is None or self.config.soft is None:
            return []
        both = (batch.soft_ids, batch.soft_probs)
        rows = [pad(values.flatten(0, 1)[wanted]) for values in both]
        return [*rows, self.config.soft.weight]

    def _evaluate(self) -> None:
        """Measure the held-out loss and look at a few replies; all processes wait for the first."""
        if self.world.is_first:
            self._measure()
            if self.config.samples:
                self.folder.log_samples(self.at.step, self._samples())
        self.at.best, worse = self.world.first(self.at.best, self.at.worse)
        self.at.worse = int(worse)

    @torch.no_grad()
    def _measure(self) -> None:
        self.model.eval()
        losses = {
            name: sum(self._mean_loss(batch) for batch in batches) / len(batches)
            for name, batches in self.held_out.items()
        }
        main = losses["smalltalk"]
        self.at.worse = 0 if main < self.at.best else self.at.worse + 1
        if main < self.at.best:
            self.at.best = main
            self.folder.save_best(self.model)
        self._log({f"held_out_{name}": value for name, value in losses.items()})
        tqdm.write(f"step {self.at.step} " + " ".join(f"{k}={v:.3f}" for k, v in losses.items()))
        self.folder.plot(self.at.history)

    def _mean_loss(self, batch: Batch) -> float:
        return self._loss(batch, int((batch.targets != IGNORE).sum()), is_training=False)

    def _samples(self) -> dict[str, str]:
        # Compiled blocks would be compiled again for these shapes.
        with torch.compiler.set_stance("force_eager"):
            return {
                probe: reply(
                    self.model, self.tokenizer, [probe],
                    seed=1, temperature=0.0, max_tokens=_SAMPLE_TOKENS,
                )
                for probe in PROBES
            }  # fmt: skip

    def _log(self, values: dict[str, float]) -> None:
        if not self.world.is_first:
            return
        row = {"step": self.at.step, "tokens": self.at.tokens, "elapsed_s": self.at.elapsed_s}
        row |= values
        self.at.history.append(row)
        self.folder.log(row)

    def _save(self) -> None:
        ranks = self.world.gather(self._random_state())
        if not self.world.is_first:
            return
        state = {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "batches": self.batches.state(),
            "ranks": ranks,
        }
        self.folder.save(state | self.at.state())

    def _random_state(self) -> dict[str, Tensor]:
        state = {"rng": torch.get_rng_state()}
        if self.device.type == "cuda":
            state["cuda_rng"] = torch.cuda.get_rng_state(self.device)
        return state

    def _resume(self) -> None:
        state = self.folder.load(self.world.size)
        if state is not None:
            self.model.load_state_dict(state["model"])
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
            self.batches.load_state(state["batches"])
            # Runs of one process once kept their state at the top.
            random_state = state["ranks"][self.world.rank] if "ranks" in state else state
            torch.set_rng_state(random_state["rng"])
            if self.device.type == "cuda" and "cuda_rng" in random_state:
                torch.cuda.set_rng_state(random_state["cuda_rng"], self.device)
            self.at.load_state(state)
        self.world.first(0.0)  # nobody writes before all have read
        if self.world.is_first:
            self.at.history = self.folder.rewind(self.at.step)


def _open_batches(config: RunConfig, tokenizer: Tokenizer, length: int, world: World) -> Batches:
    soft = config.soft
    return Batches(
        open_sources(config, tokenizer, config.seed),
        config.rows,
        length,
        config.loss_on,
        SoftRows(Path(soft.path), config.seed) if soft else None,
        soft.share if soft else 0.0,
        part=(world.rank, world.size),
    )
