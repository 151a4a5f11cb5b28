"""A student that starts from its teacher: fewer layers, a narrower stream, fewer heads.

Width: the residual stream is turned into its principal directions and cut (Ashkboos et al. 2024,
SliceGPT: RMSNorm commutes with rotations once its weights are folded into the next matrix).
Heads and hidden units: those that write most. Depth: layers are chosen one by one for the lowest
loss, then exchanged while that helps. What is left predicts badly and learns fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from inference import checkpoint_io
from inference.model.config import GPTConfig
from inference.model.gpt import GPT, Block
from inference.tokenizer import Tokenizer
from training.batches import Batches
from training.config import read_config
from training.rows import IGNORE, Batch
from training.runs import load_any, model_shape
from training.smalltalk import DataError
from training.sources import open_sources

_ROWS = 6  # for calibration


@dataclass(frozen=True, slots=True)
class Traces:
    """What the teacher does on the calibration rows, N tokens in all."""

    directions: Tensor  # (C, C): of the residual stream, strongest first
    heads: list[Tensor]  # per layer (H,): mean square that a head writes
    hidden: list[Tensor]  # per layer (hidden,): the same of a unit of the MLP


@torch.inference_mode()
def trace(teacher: GPT, batch: Batch) -> Traces:
    """Run the teacher once and watch its stream, heads and hidden units."""
    used = batch.documents.view(-1) > 0
    c, h = teacher.config.n_embd, teacher.config.n_head
    moment = torch.zeros(c, c, dtype=torch.float64)
    heads: list[Tensor] = []
    hidden: list[Tensor] = []

    def flat(x: Tensor) -> Tensor:
        return x.reshape(-1, x.shape[-1])[used]

    def see_stream(_: object, args: tuple[Tensor, ...]) -> None:
        # Each token counts alike: a few of them have streams a hundred times as long.
        x = F.normalize(flat(args[0]), dim=-1).double()
        moment.add_(x.T @ x)

    def see_heads(module: torch.nn.Linear, args: tuple[Tensor, ...]) -> None:
        parts = flat(args[0]).view(-1, h, c // h)
        written = torch.einsum("nhd,chd->nhc", parts, module.weight.view(c, h, c // h))
        heads.append(written.square().sum(-1).mean(0))

    def see_hidden(module: torch.nn.Linear, args: tuple[Tensor, ...]) -> None:
        hidden.append(flat(args[0]).square().mean(0) * module.weight.square().sum(0))

    handles = [teacher.ln_final.register_forward_pre_hook(see_stream)]
    for block in cast("Iterable[Block]", teacher.blocks):
        handles += [block.ln1.register_forward_pre_hook(see_stream)]
        handles += [block.ln2.register_forward_pre_hook(see_stream)]
        handles += [block.attn.proj.register_forward_pre_hook(see_heads)]
        handles += [block.mlp.down.register_forward_pre_hook(see_hidden)]
    teacher(batch.tokens, mask=batch.attention_mask())
    for handle in handles:
        handle.remove()
    _, vectors = torch.linalg.eigh(moment)
    return Traces(vectors.flip(1).float(), heads, hidden)


def shrink(teacher: GPT, traces: Traces, shape: GPTConfig, layers: Sequence[int]) -> GPT:
    """Build a GPT of `shape` out of the teacher's `layers`."""
    old = teacher.config
    if shape.head_size != old.head_size or shape.n_head > old.n_head:
        raise DataError(f"heads are kept or dropped whole: head size {old.head_size} must stay")
    turn = traces.directions[:, : shape.n_embd]
    # RMSNorm divides by the root of the width: what it gives is longer in the wider stream.
    read = turn * (old.n_embd / shape.n_embd) ** 0.5
    w = {name: value.detach() for name, value in teacher.state_dict().items()}
    weights = {
        "tokens.weight": w["tokens.weight"] @ turn,
        "head.weight": (w["head.weight"] * w["ln_final.weight"]) @ read,
        "head.bias": w["head.bias"],
        "ln_final.weight": torch.ones(shape.n_embd),
    }
    for new, layer in enumerate(layers):
        heads = traces.heads[layer].topk(shape.n_head).indices.sort().values
        units = traces.hidden[layer].topk(shape.hidden_size).indices.sort().values
        block = _shrink_block(teacher.blocks[layer], shape, read, turn, heads, units)
        weights |= {f"blocks.{new}.{name}": tensor for name, tensor in block.items()}
    student = GPT(shape)
    student.load_state_dict({name: w.detach().clone() for name, w in weights.items()})
    return student


def _shrink_block(
    block: torch.nn.Module, shape: GPTConfig, read: Tensor, turn: Tensor, heads: Tensor,
    units: Tensor,
) -> dict[str, Tensor]:  # fmt: skip
    w = {name: value.detach() for name, value in block.state_dict().items()}
    d = shape.head_size
    rows = (heads[:, None] * d + torch.arange(d)).view(-1)  # of the kept heads, in one of q, k, v
    old_rows = w["attn.qkv.weight"].shape[0] // 3
    qkv = torch.cat([rows + part * old_rows for part in range(3)])
    up = torch.cat((units, units + w["mlp.up.weight"].shape[0] // 2))
    ones = torch.ones(shape.n_embd)
    return {
        "ln1.weight": ones,
        "ln2.weight": ones,
        "attn.qkv.weight": (w["attn.qkv.weight"] * w["ln1.weight"])[qkv] @ read,
        "attn.qkv.bias": w["attn.qkv.bias"][qkv],
        "attn.proj.weight": turn.T @ w["attn.proj.weight"][:, rows],
        "attn.proj.bias": turn.T @ w["attn.proj.bias"],
        "mlp.up.weight": (w["mlp.up.weight"] * w["ln2.weight"])[up] @ read,
        "mlp.up.bias": w["mlp.up.bias"][up],
        "mlp.down.weight": turn.T @ w["mlp.down.weight"][:, units],
        "mlp.down.bias": turn.T @ w["mlp.down.bias"],
    }


def choose_layers(teacher: GPT, traces: Traces, shape: GPTConfig, batch: Batch) -> list[int]:
    """Pick `shape.n_layer` layers: greedily the best next one, then exchanges while they help."""
    whole = replace(shape, n_layer=teacher.config.n_layer)
    narrow = shrink(teacher, traces, whole, range(whole.n_layer)).eval()
    every = list(narrow.blocks)

    @torch.inference_mode()
    def loss(layers: Sequence[int]) -> float:
        narrow.blocks = torch.nn.ModuleList(every[i] for i in sorted(layers))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = narrow(batch.tokens, mask=batch.attention_mask())
            wanted = batch.targets != IGNORE
            logits = narrow.head(hidden[wanted])
        return F.cross_entropy(logits.float(), batch.targets[wanted]).item()

    print(f"all layers, width {shape.n_embd}: loss {loss(range(whole.n_layer)):.3f}")
    chosen: list[int] = []
    for _ in range(shape.n_layer):
        free = [i for i in range(whole.n_layer) if i not in chosen]
        chosen.append(min(tqdm(free, leave=False), key=lambda i: loss([*chosen, i])))
    best, is_better = loss(chosen), True
    while is_better:
        is_better = False
        for old in chosen:
            rest = [i for i in chosen if i != old]
            for new in (i for i in range(whole.n_layer) if i not in chosen):
                if (value := loss([*rest, new])) < best - 1e-3:
                    best, chosen, is_better = value, [*rest, new], True
                    rest = [i for i in chosen if i != new]
        print(f"layers {sorted(chosen)}: loss {best:.3f}")
    return sorted(chosen)


def write_student(
    config_file: Path, root: Path, teacher_folder: Path, out: Path, layers: list[int] | None
) -> None:
    """Write the student of a run's [model] as a checkpoint in `out`."""
    config = read_config(config_file, root)
    teacher, tokenizer_file = load_any(teacher_folder, root)
    tokenizer = Tokenizer.from_file(Path(config.tokenizer))
    shape = model_shape(config, tokenizer)
    sources = open_sources(config, tokenizer, config.seed + 2)
    batch = Batches(sources, _ROWS, shape.context_length, "all").next()
    traces = trace(teacher, batch)
    chosen = layers or choose_layers(teacher, traces, shape, batch)
    student = shrink(teacher, traces, shape, chosen)
    card = f"# {out.name}\n\nLayers {chosen} of {teacher_folder.name}, before any training.\n"
    checkpoint_io.write(out, student, tokenizer_file, card, {"layers": chosen})
