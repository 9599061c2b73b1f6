"""The structure of x0: any nesting of arrays as one flat vector, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...checks import check_unmasked, describe, is_array

__all__ = ["Layout"]

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


class Layout:
    """What x0 is made of, and how a flat vector becomes the same structure again.

    Parameters
    ----------
    x0 : float, array_like, or list, tuple or dict of arrays, nested to any depth
        Numbers and lists of numbers count as float64; arrays keep float32 or float64, one dtype for all of them.

    Attributes
    ----------
    x0 : ndarray, shape (n,)
        A copy of the values, in the order of the structure.
    dtype : dtype
        float32 or float64.
    labels : list of str
        The label of each array: empty for one array, ``['w'][0]`` within a structure.
    shapes : list of tuple of int
        The shape of each array.

    Raises
    ------
    TypeError
        Something is no array of real numbers, or the dtypes differ.
    ValueError
        There is no number in it, or one of them is NaN or infinite.
    """

    def __init__(self, x0: Any) -> None:
        self.labels: list[str] = []
        leaves: list[np.ndarray] = []
        self._structure = self._walk(x0, "", leaves)
        kinds = {leaf.dtype for leaf in leaves}
        if len(kinds) > 1:
            raise TypeError(f"x0 must have one dtype; got {' and '.join(sorted(map(str, kinds)))}.")
        self.shapes = [leaf.shape for leaf in leaves]
        self.sizes = [leaf.size for leaf in leaves]
        self.x0 = np.concatenate([leaf.ravel() for leaf in leaves]) if leaves else np.empty(0)
        self.dtype = self.x0.dtype
        if not self.x0.size:
            raise ValueError(f"x0 must hold at least one number; got {describe(x0)}.")
        wrong = np.flatnonzero(~np.isfinite(self.x0))
        if len(wrong):
            raise ValueError(f"x0 must be finite; {self.name(int(wrong[0]))} is {self.x0[wrong[0]]}.")
        self._flat = self._structure is None and self.shapes[0] == (self.x0.size,)

    @property
    def size(self) -> int:
        """How many numbers x0 has."""
        return len(self.x0)

    @property
    def is_vector(self) -> bool:
        """Whether x0 is one array of one axis."""
        return self._flat

    @property
    def is_array(self) -> bool:
        """Whether x0 is one array, of any shape, or a number."""
        return self._structure is None

    def _walk(self, node: Any, label: str, leaves: list[np.ndarray]) -> Any:
        if isinstance(node, Mapping):
            return {key: self._walk(child, f"{label}[{key!r}]", leaves) for key, child in node.items()}
        if isinstance(node, (list, tuple)) and any(_is_branch(child) for child in node):
            children = [self._walk(child, f"{label}[{i}]", leaves) for i, child in enumerate(node)]
            return _remade(node, children)
        leaves.append(_leaf(node, f"x0{label}"))
        self.labels.append(label)
        return None

    def name(self, index: int) -> str:
        """Component `index` of the flat vector as the user writes it: ``x0['w'][1, 2]``; x0 alone where it is one."""
        for label, shape, size in zip(self.labels, self.shapes, self.sizes, strict=True):
            if index < size:
                place = ", ".join(map(str, np.unravel_index(index, shape))) if shape else ""
                return f"x0{label}[{place}]" if place else f"x0{label}"
            index -= size
        raise IndexError(index)

    def restore(self, flat: np.ndarray) -> Any:
        """The structure of x0 with these numbers, in arrays of their own."""
        if self._flat:
            return flat.copy()
        parts = iter(
            [
                flat[end - size : end].reshape(shape).copy() if shape else flat[end - 1]
                for shape, size, end in zip(self.shapes, self.sizes, np.cumsum(self.sizes).tolist(), strict=True)
            ]
        )
        return _fill(self._structure, parts)

    def flatten(self, tree: Any, what: str) -> np.ndarray:
        """Values in the structure of x0, as a gradient is, as a float64 vector that nobody else holds.

        Raises
        ------
        TypeError, ValueError
            Another structure, dtype or shape; `what` is what the error calls it.
        """
        if self._flat:
            shape = self.shapes[0]
            if isinstance(tree, np.ndarray) and tree.shape == shape and tree.dtype.kind == "f":
                return np.array(tree, np.float64)
            return _numbers(tree, shape, what, "")
        leaves: list[np.ndarray] = []
        self._gather(self._structure, tree, what, "", leaves)
        return np.concatenate([leaf.ravel() for leaf in leaves])

    def _gather(self, structure: Any, node: Any, what: str, label: str, leaves: list[np.ndarray]) -> None:
        if isinstance(structure, dict):
            if not isinstance(node, Mapping) or set(node) != set(structure):
                got = f"the keys {sorted(map(str, node))}" if isinstance(node, Mapping) else describe(node)
                raise TypeError(f"{what}{label} must be a dict with the keys of x0{label}; got {got}.")
            for key, child in structure.items():
                self._gather(child, node[key], what, f"{label}[{key!r}]", leaves)
        elif isinstance(structure, (list, tuple)):
            if not isinstance(node, (list, tuple)) or len(node) != len(structure):
                raise TypeError(
                    f"{what}{label} must be a sequence of {len(structure)}, as x0{label} is; got {describe(node)}."
                )
            for i, child in enumerate(structure):
                self._gather(child, node[i], what, f"{label}[{i}]", leaves)
        else:
            leaves.append(_numbers(node, self.shapes[len(leaves)], what, label))


def _is_branch(child: Any) -> bool:
    """Whether a list that holds this is a structure, and not a list of numbers."""
    if isinstance(child, Mapping):
        return True
    if isinstance(child, (list, tuple)):
        return any(_is_branch(inner) for inner in child)
    return is_array(child) and not isinstance(child, np.generic) and np.ndim(child) > 0


def _remade(node: Any, children: list[Any]) -> Any:
    """A list or tuple of the kind that `node` is; a named tuple keeps its names."""
    if hasattr(node, "_fields"):
        return type(node)(*children)
    return tuple(children) if isinstance(node, tuple) else children


def _leaf(value: Any, name: str) -> np.ndarray:
    check_unmasked(name, value)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{name} must be an array of real numbers: {error}") from None
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype not in DTYPES:
        got = f"dtype {array.dtype}" if array.dtype.kind in "fcV" else describe(value)
        raise TypeError(f"{name} must be real numbers of float32 or float64; got {got}.")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _numbers(value: Any, shape: tuple[int, ...], what: str, label: str) -> np.ndarray:
    """An array of this shape as float64, in memory of its own; what has one number may have any shape of one."""
    if value is None:
        raise TypeError(f"{what}{label} must be an array of shape {shape}, as x0{label} is; got None.")
    if hasattr(value, "toarray"):
        raise TypeError(f"{what}{label} must be an array; got {describe(value)}: give its toarray().")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{what}{label} must be an array of real numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what}{label} must hold real numbers; got dtype {array.dtype}.")
    if array.shape != shape and not (array.size == 1 and shape in ((), (1,))):
        raise ValueError(f"{what}{label} must have shape {shape}, as x0{label} has; got {array.shape}.")
    return np.array(array, np.float64).reshape(shape)


def _fill(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        return {key: _fill(child, leaves) for key, child in structure.items()}
    if isinstance(structure, (list, tuple)):
        return _remade(structure, [_fill(child, leaves) for child in structure])
    return next(leaves)
