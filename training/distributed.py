"""Several processes that train one model, started by torchrun: one device each.

Every process draws the same batches and keeps its own (see `training.batches`), gradients are
summed over all, and the first process alone evaluates, logs and saves while the others wait.
With one process everything here does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn

from training.config import ConfigError

_WAIT = timedelta(minutes=60)  # the first process may evaluate or compile for so long


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True, slots=True)
class World:
    """This process among all: number `rank` of `size`."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=_device)

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def sum(self, *values: float) -> list[float]:
        """Add up what each process gives; all get the sums."""
        if self.size == 1:
            return list(values)
        numbers = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(numbers)
        return [float(number) for number in numbers.tolist()]

    def first(self, *values: float) -> list[float]:
        """Give every process the values of the first; the others wait for it here."""
        if self.size == 1:
            return list(values)
        numbers = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.broadcast(numbers, 0)
        return [float(number) for number in numbers.tolist()]

    def gather(self, value: Any) -> list[Any]:
        """Collect one value of each process, in their order, at the first; else nothing."""
        if self.size == 1:
            return [value]
        values: list[Any] | None = [None] * self.size if self.is_first else None
        distributed.gather_object(value, values)
        return values or []

    @torch.no_grad()
    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add up the gradients of all processes, in one message."""
        if self.size == 1:
            return
        owners = list(parameters)
        # A process whose rows hold no target has no gradients, yet the others wait for its part.
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in owners]
        flat = torch.cat([part.reshape(-1) for part in parts])
        distributed.all_reduce(flat)
        sums = torch.split(flat, [p.numel() for p in owners])
        for owner, part in zip(owners, sums, strict=True):
            owner.grad = part.view_as(owner)

    def share_weights(self, model: nn.Module) -> None:
        """Give every process the weights of the first."""
        if self.size == 1:
            return
        value: Tensor
        for value in model.state_dict().values():
            distributed.broadcast(value, 0)


@contextmanager
def join_world() -> Iterator[World]:
    """Take this process's place among those that torchrun started; alone without it.

    Raises `ConfigError` where there are more processes than GPUs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ else 1
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = _device()
    if device.type == "cuda":
        if local >= torch.cuda.device_count():
            raise ConfigError(f"process {local} has no GPU: start one process for each")
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high")
    if size == 1:
        yield World(0, 1, device)
        return
    _import_before_joining()
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_WAIT)
    try:
        yield World(distributed.get_rank(), size, device)
    finally:
        distributed.destroy_process_group()


def _import_before_joining() -> None:
    """Load what an optimizer's first step would load later.

    Imported while a process group exists, torch._dynamo holds on to it: its threads outlive
    `destroy_process_group`, and one that lets go of a tensor while the interpreter ends aborts the
    process (seen in one of 30 runs; torch 2.13).
    """
    import torch._dynamo  # noqa: F401
