"""Matrix products in fp32, bf16 or int8, with weights packed once for this CPU.

fp32 and bf16 go to oneDNN with its own weight layout: 2.2 and 1.9 times as fast as
`torch.nn.functional.linear`, which repacks at every call. int8 goes to FBGEMM: weights with one
scale an output channel; inputs with the one fixed scale of `reach`, so that a row's result does not
depend on the rows beside it (dynamic quantization takes its scale from all of them), and sums
are exact integers, the same in every batch.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from inference.engine.config import Precision
from inference.engine.fold import Affine

# x (N, in) fp32 to (N, out) fp32.
Linear = Callable[[Tensor], Tensor]

_PACKED_FOR_ROWS = 16  # oneDNN chooses a layout for a number of rows; this one is good for all


def pack(affine: Affine, precision: Precision, reach: float, *, has_bias: bool = True) -> Linear:
    """Pack one layer; int8 holds inputs from -reach to reach.

    Raises RuntimeError where this CPU or build of torch lacks the precision.
    """
    bias = affine.bias if has_bias else None
    if precision == "int8":
        return _int8(affine.weight, bias, reach)
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return _plain(affine.weight, bias, precision)
    return _onednn(affine.weight, bias, precision)


def _plain(weight: Tensor, bias: Tensor | None, precision: Precision) -> Linear:
    if precision != "fp32":
        raise RuntimeError(f"{precision} needs oneDNN, which this build of torch lacks")
    weight = weight.contiguous()
    return lambda x: torch.nn.functional.linear(x, weight, bias)


def _onednn(weight: Tensor, bias: Tensor | None, precision: Precision) -> Linear:
    product = torch.ops.mkldnn._linear_pointwise.default
    reorder = torch.ops.mkldnn._reorder_linear_weight
    if precision == "fp32":
        packed = reorder(weight.contiguous(), _PACKED_FOR_ROWS)
        return lambda x: product(x, packed, bias, "none", [], "")
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        raise RuntimeError("this CPU has no bf16 products")
    packed = reorder(weight.bfloat16().contiguous(), _PACKED_FOR_ROWS)
    narrow = None if bias is None else bias.bfloat16()
    return lambda x: product(x.bfloat16(), packed, narrow, "none", [], "").float()


def _int8(weight: Tensor, bias: Tensor | None, reach: float) -> Linear:
    # Without VNNI, FBGEMM adds pairs of products in 16 bits: seven-bit inputs cannot overflow.
    levels = 127 if torch.cpu._is_vnni_supported() else 63
    scale, zero = reach / levels, levels + 1
    scales = weight.abs().amax(1).clamp(min=1e-9).double() / 127
    zeros = torch.zeros(len(weight), dtype=torch.long)
    with _engine("fbgemm"), warnings.catch_warnings():
        # Deprecated in favour of compiled graphs, which would need a C++ compiler on every machine.
        # torch is pinned; where a later one lacks this, `onednn.qlinear_pointwise` does the same.
        warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=UserWarning)
        quantized = torch.quantize_per_channel(weight.contiguous(), scales, zeros, 0, torch.qint8)
        packed = torch.ops.quantized.linear_prepack(quantized, bias)
    product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32.default
    if levels == 127:  # what lies beyond is cut off at the last level
        return lambda x: product(x, scale, zero, packed)
    return lambda x: product(x.clamp(-reach, reach), scale, zero, packed)


@contextmanager
def _engine(name: str) -> Iterator[None]:
    """Pack with one of torch's int8 engines; the packed weights remember which."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = name
    try:
        yield
    finally:
        torch.backends.quantized.engine = before
