"""The loss over chunks of positions: only those with a target get logits, a few at a time."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from training.rows import IGNORE

LOSS_CHUNK = 1024  # 1024 x 16,387 logits stay in the cache's reach
_SMALLEST = 1e-6  # of a probability, before its logarithm


def chunk_loss(
    head: nn.Module,
    hidden: Tensor,
    targets: Tensor,
    soft_ids: Tensor | None = None,
    soft_probs: Tensor | None = None,
    weight: float = 0.0,
    *,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
) -> Tensor:
    """Sum the losses of N positions: hidden (N, C), targets (N,), soft_ids, soft_probs (N, K).

    Where there is a teacher, `weight` of the loss is the cross-entropy to its distribution, in
    which all tokens that are not among its K likeliest count as one event. `label_smoothing`
    (Szegedy et al. 2016) is for the rest of the loss; `z_loss` (Chowdhery et al. 2022) keeps the
    logits' normalizer near 1.
    """
    logits = head(hidden).float()
    is_wanted = targets != IGNORE
    if soft_ids is None or soft_probs is None:
        total = F.cross_entropy(
            logits,
            targets,
            ignore_index=IGNORE,
            reduction="sum",
            label_smoothing=label_smoothing,
        )
    else:
        log_probs = logits.log_softmax(-1)
        hard = -log_probs.gather(1, targets.clamp(min=0)[:, None])[:, 0]
        if label_smoothing:
            hard = hard + label_smoothing * (-log_probs.mean(-1) - hard)
        soft = _soft_loss(log_probs, soft_ids, soft_probs)
        share = weight * (soft_probs.sum(-1) > 0)
        total = ((hard + share * (soft - hard)) * is_wanted).sum()
    if z_loss:
        total = total + z_loss * (logits.logsumexp(-1).square() * is_wanted).sum()
    return total


def _soft_loss(log_probs: Tensor, soft_ids: Tensor, soft_probs: Tensor) -> Tensor:
    """Cross-entropy (N,) to the teacher's K likeliest tokens and one event for the others."""
    top = log_probs.gather(1, soft_ids)
    rest = (1 - top.exp().sum(-1)).clamp(min=_SMALLEST).log()
    unknown = (1 - soft_probs.sum(-1)).clamp(min=0)
    return -(soft_probs * top).sum(-1) - unknown * rest


def pad(values: Tensor, fill: int = 0) -> Tensor:
    """Fill the last chunk up: one shape, one compilation."""
    missing = LOSS_CHUNK - len(values)
    if not missing:
        return values
    return F.pad(values, (0, 0) * (values.ndim - 1) + (0, missing), value=fill)
