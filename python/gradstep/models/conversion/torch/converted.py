"""What the functions that read modules of PyTorch have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Converted", "Shape", "numbers_of", "refuse", "weights_of"]

# Layers in a row, and for each the arrays of its weights.
Converted = list[tuple[Any, list[np.ndarray]]]
Shape = tuple[int | None, ...]  # of a module's input, with None for the rows


def numbers_of(tensor: Any) -> np.ndarray:
    """A copy of a tensor's numbers."""
    plain = tensor.detach().cpu()
    array: np.ndarray = (plain if plain.element_size() == 8 else plain.float()).numpy()
    return np.array(array)


def refuse(module: Any, condition: bool, what: str) -> None:
    """Raise the error of a module that has no counterpart if a condition holds."""
    if condition:
        raise ValueError(f"{type(module).__name__} must {what} to become a layer here; got {module}.")


def weights_of(module: Any, *names: str) -> list[np.ndarray]:
    """The numbers of a module's tensors by these names; those that it lacks are left out."""
    found = (getattr(module, name, None) for name in names)
    return [numbers_of(tensor) for tensor in found if tensor is not None]
