"""Pickles and copies of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from .eager import EagerExecutor

if TYPE_CHECKING:
    from typing_extensions import Self

    from .variable import Variable

__all__ = ["Copied"]


class Copied:
    """Mixin of `Layer` for pickles and copies, which belong to no model."""

    _eager: EagerExecutor

    if TYPE_CHECKING:

        @property
        def _weights(self) -> list[Variable]: ...
        @_weights.setter
        def _weights(self, arrays: Sequence[np.ndarray]) -> None: ...
        def _own_state(self, state: dict[str, Any]) -> dict[str, Any]: ...
        def _aligned(self, weights: Sequence[np.ndarray]) -> Sequence[np.ndarray]: ...

    def __getstate__(self) -> dict[str, Any]:
        """Settings and weights; neither the model that holds the layer, nor its calls with symbolic tensors."""
        state = vars(self) | {"_owned": False, "_shared": False, "_nodes": [], "_eager": self._eager.calls}
        # Attributes of a layer of the program's own that are its weights: not every pickler keeps one array one.
        own = {name: _place(value, self._weights) for name, value in vars(self).items()}
        named = {name: place for name, place in own.items() if place is not None}
        kept = {name: value for name, value in state.items() if name not in named and not name.startswith("_in_")}
        return self._own_state(kept) | {"_named": named}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        kept = dict(state)
        named, calls = kept.pop("_named"), kept.pop("_eager")
        weights = kept.pop("_variables")
        vars(self).update(kept)
        self._weights = self._aligned(weights)
        vars(self).update({name: self._weights[place] for name, place in named.items()})
        self._eager = EagerExecutor(self, calls)  # type: ignore[arg-type]

    def __copy__(self) -> Self:
        """As `copy.deepcopy`: two layers never share weights."""
        return deepcopy(self)


def _place(value: Any, weights: Sequence[np.ndarray]) -> int | None:
    """Which of the weights a value is."""
    return next((place for place, weight in enumerate(weights) if weight is value), None)
