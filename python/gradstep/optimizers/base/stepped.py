"""The arrays of the last step: most loops step the same ones again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import Structure
from .bound import Step

__all__ = ["Stepped"]


class Stepped:
    """What `Optimizer.step` was given last: an ndarray, or a flat list, tuple or dict of them.

    Parameters
    ----------
    params : array, or sequence or dict of arrays
    leaves : sequence of arrays
    structure : Structure
        What `flatten` made of `params`.
    last : (indices, labels, step)
        The engine's step over them, as `Attached` keeps it: it holds the arrays, whose ids so stay theirs.
    """

    __slots__ = ("_ids", "_keys", "_kind", "last")

    def __init__(
        self, params: Any, leaves: Sequence[Any], structure: Structure, last: tuple[list[int], list[str], Step]
    ) -> None:
        self.last = last
        self._ids = list(map(id, leaves))
        self._keys = list(structure) if isinstance(structure, dict) else []
        inner = structure.values() if isinstance(structure, dict) else structure or []
        is_flat = all(isinstance(leaf, np.ndarray) for leaf in leaves) and all(below is None for below in inner)
        # An object, which is the type of nothing that is stepped, where the next step is to look at all anew.
        self._kind = type(params) if is_flat and type(params) in (np.ndarray, list, tuple, dict) else object

    def gradients(self, params: Any, grads: Any) -> Any:
        """The gradients as the step takes them, if `params` are the same arrays again and `grads` match; else None."""
        kind = type(params)
        if kind is not self._kind or type(grads) is not kind:
            return None
        if kind is np.ndarray:
            return grads if id(params) == self._ids[0] else None
        if len(params) != len(self._ids) or len(grads) != len(self._ids):
            return None
        if kind is dict:
            if list(params) != self._keys or list(map(id, params.values())) != self._ids:
                return None
            found = [grads[key] for key in self._keys if key in grads]
            return found if len(found) == len(self._ids) else None
        return grads if list(map(id, params)) == self._ids else None
