"""Schedules and optimizers: what a config says about learning rates, made real."""

from __future__ import annotations

import math

import torch

from inference.model.gpt import GPT
from training.config import RunConfig

_CLIP = 1.0  # of the gradients' norm
_LAST = 0.02  # of the learning rate, when the run ends


def trapezoid(progress: float, warmup: float, decay_from: float) -> float:
    """Up over `warmup`, flat, then straight down to 2 % at the end of the run."""
    if progress < warmup:
        return _rise(progress, warmup)
    if progress < decay_from:
        return 1.0
    left = (1.0 - progress) / max(1.0 - decay_from, 1e-9)
    return _LAST + (1 - _LAST) * max(0.0, left)


def cosine(progress: float, warmup: float) -> float:
    """Up over `warmup`, then half a cosine down to 2 % (Loshchilov and Hutter 2017)."""
    if progress < warmup:
        return _rise(progress, warmup)
    over = min(1.0, (progress - warmup) / max(1.0 - warmup, 1e-9))
    return _LAST + (1 - _LAST) * 0.5 * (1 + math.cos(math.pi * over))


def _rise(progress: float, warmup: float) -> float:
    return min(1.0, max(progress, 1e-3) / warmup)


def learning_rate_factor(config: RunConfig, progress: float) -> float:
    """What the learning rates are multiplied with when `progress` (0 to 1) of the run is over."""
    if config.schedule == "cosine":
        return cosine(progress, config.warmup)
    return trapezoid(progress, config.warmup, config.decay_from)


def make_optimizers(config: RunConfig, model: GPT) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for all else (Jordan et al. 2024); or AdamW."""
    matrices = [p for p in model.blocks.parameters() if p.ndim == 2]
    ids = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in ids]
    adamw = torch.optim.AdamW(
        [{"params": others, "lr": config.lr_other, "weight_decay": 0.0}],
        betas=(0.9, 0.95),
        fused=True,
    )
    optimizers: list[torch.optim.Optimizer] = [adamw]
    group = {"params": matrices, "lr": config.lr_matrices, "weight_decay": config.weight_decay}
    if config.optimizer == "adamw":
        adamw.add_param_group(group)
    else:
        optimizers.append(torch.optim.Muon([group], adjust_lr_fn="match_rms_adamw"))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return optimizers


def update(model: GPT, optimizers: list[torch.optim.Optimizer], factor: float) -> None:
    """One step along the gradients, clipped, which are gone afterwards."""
    torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
