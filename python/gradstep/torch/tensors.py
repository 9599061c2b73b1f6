"""Which tensors a step can move and read, and how the engine finds them."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["SOURCE", "check_parameter", "check_stored", "check_written", "fits", "gradient", "real"]

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
# How the engine reads where a tensor lies: PyTorch's C functions for that, from 2.10 on; or else a capsule a tensor.
SOURCE = getattr(torch.Tensor, "__dlpack_c_exchange_api__", None) or torch.utils.dlpack.to_dlpack


def real(dtype: Any) -> Any:
    """The type that sums over elements of a type are done in, and state is kept in."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def check_dense(tensor: Any, name: str) -> None:
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} must be dense; its layout is {tensor.layout}.")
    if tensor.device.type != "cpu":
        other = " For a GPU there is gradstep.optimizers, in a build with CUDA." if tensor.is_cuda else ""
        raise TypeError(f"{name} must be in CPU memory; it is on {tensor.device}.{other}")


def check_dtype(tensor: Any, name: str) -> None:
    if tensor.dtype not in DTYPES:
        *others, last = map(str, DTYPES)
        raise TypeError(f"{name} must be {', '.join(others)} or {last}; it is {tensor.dtype}.")


def check_parameter(tensor: Any, name: str, axes: int | None = None) -> None:
    """Refuse a tensor that can never be moved in place, or has not so many axes."""
    check_dense(tensor, name)
    check_dtype(tensor, name)
    if axes is not None and tensor.dim() != axes:
        raise ValueError(f"{name} must have {axes} axes; its shape is {tuple(tensor.shape)}.")


def check_stored(tensor: Any, name: str) -> None:
    """Refuse a tensor whose storage does not hold all of it, as after ``untyped_storage().resize_(0)``."""
    check_dense(tensor, name)
    last = sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.stride(), strict=True))
    needed = (tensor.storage_offset() + last + 1) * tensor.itemsize if tensor.numel() else 0
    has = tensor.untyped_storage().nbytes()
    if has < needed or (needed and not tensor.data_ptr()):
        raise ValueError(
            f"{name} must lie in its storage, which has been freed or cut: it has {has} bytes of {needed}."
        )


def check_written(tensor: Any, name: str) -> None:
    """Refuse a tensor that cannot be written now: cut storage, or several elements in one place."""
    check_stored(tensor, name)
    reach = 1
    for stride, n in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if n > 1 and stride < reach and tensor.numel():
            raise ValueError(
                f"{name} must not have overlapping elements; its strides are {tensor.stride()} for shape "
                f"{tuple(tensor.shape)} (an expanded tensor?)."
            )
        reach += stride * (n - 1)
    if tensor.is_neg():
        raise ValueError(f"{name} must not be a view with negated values (tensor.is_neg()).")


def check_state(tensor: Any, shape: tuple[int, ...], name: str) -> None:
    """Refuse what cannot be state of this shape."""
    check_dense(tensor, name)
    check_dtype(tensor, name)
    if tensor.shape != shape:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; it must have {shape}.")
    check_written(tensor, name)


def fits(tensor: Any, shape: tuple[int, ...], dtype: Any, name: str) -> bool:
    """Whether the engine can use state where it lies; if not, it needs a copy. Refuses what cannot be state."""
    check_state(tensor, shape, name)
    return bool(tensor.dtype == dtype and tensor.is_contiguous() and tensor.data_ptr() % tensor.itemsize == 0)


def gradient(parameter: Any, name: str, sparse: bool) -> Any:
    """The gradient of a parameter as the engine can read it.

    A copy where it is sparse, if it may be, or the negative of what is stored.
    """
    found = parameter.grad
    if sparse and found.layout == torch.sparse_coo:
        found = found.detach().to_dense()
    check_dense(found, name)
    check_dtype(found, name)
    if found.shape != parameter.shape:
        raise ValueError(f"{name} has shape {tuple(found.shape)}; its parameter has shape {tuple(parameter.shape)}.")
    if found.dtype not in (parameter.dtype, real(parameter.dtype)) and found.dtype.itemsize != 2:
        raise TypeError(f"{name} is {found.dtype}; its parameter is {parameter.dtype}.")
    check_stored(found, name)
    if found.is_neg() or found.data_ptr() % found.itemsize:
        return found.detach().resolve_neg().clone()
    return found
