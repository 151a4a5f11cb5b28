"""The loss in chunks: hard and soft targets, smoothing, the normalizer."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.losses import LOSS_CHUNK, chunk_loss, pad
from training.rows import IGNORE

N, C, V = 7, 8, 11


@pytest.fixture
def head() -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(C, V)


@pytest.fixture
def hidden() -> Tensor:
    return torch.randn(N, C, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def targets() -> Tensor:
    values = torch.randint(V, (N,), generator=torch.Generator().manual_seed(3))
    values[2] = IGNORE
    return values


def teacher(k: int) -> tuple[Tensor, Tensor, Tensor]:
    """The whole distributions (N, V) of a teacher, and its K likeliest tokens."""
    logits = 2 * torch.randn(N, V, generator=torch.Generator().manual_seed(4))
    probs = logits.softmax(-1)
    top = probs.topk(k)
    return probs, top.indices, top.values


def test_hard_loss_is_the_sum_of_cross_entropies(
    head: nn.Linear, hidden: Tensor, targets: Tensor
) -> None:
    log_probs = head(hidden).log_softmax(-1)
    expected = -sum(log_probs[i, t] for i, t in enumerate(targets.tolist()) if t != IGNORE)
    torch.testing.assert_close(chunk_loss(head, hidden, targets), expected)


def test_soft_loss_with_all_tokens_is_the_exact_cross_entropy(
    head: nn.Linear, hidden: Tensor, targets: Tensor
) -> None:
    probs, ids, values = teacher(V)
    log_probs = head(hidden).log_softmax(-1)
    expected = -(probs * log_probs).sum(-1)[targets != IGNORE].sum()
    torch.testing.assert_close(chunk_loss(head, hidden, targets, ids, values, 1.0), expected)


def test_soft_loss_takes_the_other_tokens_as_one_event(
    head: nn.Linear, hidden: Tensor, targets: Tensor
) -> None:
    probs, ids, values = teacher(3)
    ours = head(hidden).softmax(-1)
    is_top = torch.zeros(N, V, dtype=torch.bool).scatter(1, ids, value=True)
    known = (probs * ours.log() * is_top).sum(-1)
    rest = (probs * ~is_top).sum(-1) * (ours * ~is_top).sum(-1).log()
    expected = -(known + rest)[targets != IGNORE].sum()
    torch.testing.assert_close(chunk_loss(head, hidden, targets, ids, values, 1.0), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_soft_loss_of_weight_0_is_the_hard_loss(
    head: nn.Linear, hidden: Tensor, targets: Tensor, smoothing: float
) -> None:
    _, ids, values = teacher(3)
    soft = chunk_loss(head, hidden, targets, ids, values, 0.0, label_smoothing=smoothing)
    hard = chunk_loss(head, hidden, targets, label_smoothing=smoothing)
    torch.testing.assert_close(soft, hard)
    assert smoothing == 0 or hard != chunk_loss(head, hidden, targets)


def test_soft_loss_of_a_row_without_teacher_is_the_hard_loss(
    head: nn.Linear, hidden: Tensor, targets: Tensor
) -> None:
    _, ids, values = teacher(3)
    mixed = chunk_loss(head, hidden, targets, ids, torch.zeros_like(values), 0.7)
    torch.testing.assert_close(mixed, chunk_loss(head, hidden, targets))


def test_weight_mixes_both_losses(head: nn.Linear, hidden: Tensor, targets: Tensor) -> None:
    _, ids, values = teacher(3)
    hard, soft, mixed = (chunk_loss(head, hidden, targets, ids, values, w) for w in (0, 1, 0.7))
    torch.testing.assert_close(mixed, 0.3 * hard + 0.7 * soft)


@pytest.mark.parametrize("k", [0, 3])
def test_z_loss_adds_the_squared_normalizer(
    head: nn.Linear, hidden: Tensor, targets: Tensor, k: int
) -> None:
    soft = (*teacher(k)[1:], 0.5) if k else ()
    normalizer = head(hidden).exp().sum(-1).log()[targets != IGNORE]
    plain = chunk_loss(head, hidden, targets, *soft)
    with_z = chunk_loss(head, hidden, targets, *soft, z_loss=0.01)
    torch.testing.assert_close(with_z - plain, 0.01 * normalizer.square().sum())


def test_label_smoothing_is_pytorchs(head: nn.Linear, hidden: Tensor, targets: Tensor) -> None:
    is_wanted = targets != IGNORE
    expected = F.cross_entropy(
        head(hidden)[is_wanted], targets[is_wanted], reduction="sum", label_smoothing=0.2
    )
    torch.testing.assert_close(chunk_loss(head, hidden, targets, label_smoothing=0.2), expected)


def test_padding_changes_neither_loss_nor_gradient(
    head: nn.Linear, hidden: Tensor, targets: Tensor
) -> None:
    _, ids, values = teacher(3)
    plain = chunk_loss(head, hidden, targets, ids, values, 0.5, z_loss=0.1)
    padded = chunk_loss(
        head, pad(hidden), pad(targets, IGNORE), pad(ids), pad(values), 0.5, z_loss=0.1
    )
    assert len(pad(hidden)) == LOSS_CHUNK
    torch.testing.assert_close(padded, plain)
    for one, other in zip(
        torch.autograd.grad(padded, list(head.parameters())),
        torch.autograd.grad(plain, list(head.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(one, other)
