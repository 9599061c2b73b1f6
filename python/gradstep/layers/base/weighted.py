"""The weights of a layer, as users see and set them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import check_bool
from .variable import Variable
from .weights import assign

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ... import _core
    from ...constraints import Constraint
    from ...regularizers import Regularizer

__all__ = ["Weighted"]


class Weighted:
    """Mixin of `Layer` for its weights."""

    name: str
    built: bool
    _trainable: bool
    _trained: Sequence[bool]
    _weight_names: Sequence[str]
    _guard: _core.Guard

    if TYPE_CHECKING:

        @property
        def _weights(self) -> list[Variable]: ...
        @property
        def _parts(self) -> list[Any]: ...
        def _weight_rules(self) -> list[tuple[Regularizer | None, Constraint | None]]: ...

    @property
    def weights(self) -> list[np.ndarray]:
        """List of the weights, in Keras's order. Writing to one changes the layer."""
        for weight, name in zip(self._weights, self.weight_names, strict=False):
            weight.name, weight.path = name, f"{self.name}/{name}"
        return self._with_parts(self._weights, "weights")

    def _with_parts(self, own: Sequence[Any], kind: str) -> list[Any]:
        """Its own weights, and those of the layers in it, each once."""
        parts = self._parts
        if not parts:
            return list(own)
        every = [*own, *(weight for part in parts for weight in getattr(part, kind))]
        return list({id(weight): weight for weight in every}.values())

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. A model takes a change at its next `compile`."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = check_bool("trainable", value)
        for part in self._parts:
            part.trainable = value

    @property
    def trainable_weights(self) -> list[np.ndarray]:
        """List of the weights that training updates by their gradients."""
        own = [w for w, trained in zip(self._weights, self._trained, strict=False) if trained and self._trainable]
        return self._with_parts(own, "trainable_weights")

    @property
    def non_trainable_weights(self) -> list[np.ndarray]:
        """List of the weights that are not updated by gradients."""
        trained = [flag and self._trainable for flag in self._trained]
        own = [w for w, flag in zip(self._weights, trained, strict=False) if not flag]
        return self._with_parts(own, "non_trainable_weights")

    @property
    def losses(self) -> list[float]:
        """Penalties of the trained weights, one for each regularizer."""
        each = zip(self._weight_rules(), self._weights, strict=True) if self._trainable else ()
        own = [rule(w) for (rule, _), w in each if rule is not None]
        return [*own, *(penalty for part in self._parts for penalty in part.losses)]

    @property
    def weight_names(self) -> list[str]:
        """Names of the weights, in the order of `weights`."""
        own = list(self._weight_names[: len(self._weights)])
        return [*own, *(f"{part.name}/{name}" for part in self._parts for name in part.weight_names)]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights, as a list of arrays."""
        with self._guard:
            return [np.array(weight) for weight in self.weights]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set the values of all weights from a list of arrays.

        Raises
        ------
        TypeError, ValueError
            The layer is not built, or there are too many arrays, too few, or one of another shape or no numbers. Then
            none is changed.
        """
        if not self.built:
            raise ValueError(f"layer {self.name!r} has no weights before it is built: call it, or build(input_shape).")
        with self._guard:
            assign(self.weights, weights)

    def count_params(self) -> int:
        """Total number of elements of the weights."""
        return sum(weight.size for weight in self.weights)

    def _check_rules(self) -> None:
        """Refuse regularizers and constraints that are not for weights of these shapes."""
        for (regularizer, constraint), weight in zip(self._weight_rules(), self._weights, strict=True):
            if regularizer is not None:
                regularizer.check(weight.shape)
            if constraint is not None:
                constraint.rule(weight.ndim)
