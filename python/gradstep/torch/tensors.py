"""The memory of tensors as NumPy arrays, and which tensors have one."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

__all__ = ["check_parameter", "gradient", "memory"]

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


@cache
def bfloat16() -> np.dtype[Any]:
    """NumPy's type for torch.bfloat16, which NumPy itself has not."""
    try:
        import ml_dtypes
    except ModuleNotFoundError as error:
        raise ImportError("torch.bfloat16 needs ml_dtypes: pip install 'gradstep[torch]'.") from error
    found: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return found


def check_dense(tensor: Any, name: str) -> None:
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} must be dense; its layout is {tensor.layout}.")
    if tensor.device.type != "cpu":
        raise TypeError(f"{name} must lie in the CPU's memory; it is on {tensor.device}.")


def check_parameter(tensor: Any, name: str, axes: int | None = None) -> None:
    """Refuse a tensor that cannot be moved in place, or has not so many axes."""
    check_dense(tensor, name)
    if tensor.dtype not in DTYPES:
        *others, last = map(str, DTYPES)
        raise TypeError(f"{name} must be {', '.join(others)} or {last}; it is {tensor.dtype}.")
    if tensor.dtype == torch.bfloat16:
        bfloat16()
    if axes is not None and tensor.dim() != axes:
        raise ValueError(f"{name} must have {axes} axes; its shape is {tuple(tensor.shape)}.")


def memory(tensor: Any) -> np.ndarray:
    """The memory of a tensor, never a copy."""
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(bfloat16())  # type: ignore[no-any-return]
    return tensor.numpy()  # type: ignore[no-any-return]


def gradient(tensor: Any, name: str) -> np.ndarray:
    """What a gradient holds; a copy only where it is the negative of what is stored."""
    check_dense(tensor, name)
    return memory(tensor.resolve_neg())
