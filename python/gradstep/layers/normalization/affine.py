"""Base of the layers that end in ``gamma * x + beta``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import initializers
from ...checks import check_bool, check_float
from ..base.arguments import options_of, take_rules
from ..base.layer import Layer, Shape
from .axes import sample_axes

__all__ = ["Affine", "InitializerLike", "positive"]

InitializerLike = str | initializers.Initializer | Callable[..., Any]


class Affine(Layer):
    """Base class of the normalizations with a scale `gamma` and an offset `beta` along `axis`."""

    supports_masking = True

    axis: int | list[int]

    def _take(self, given: dict[str, Any]) -> None:
        """Check and keep what all of them have; given: a constructor's ``locals()``."""
        self.epsilon = positive("epsilon", given["epsilon"])
        self.center, self.scale = check_bool("center", given["center"]), check_bool("scale", given["scale"])
        take_rules(self, given)
        super().__init__(**options_of(given))

    @property
    def gamma(self) -> np.ndarray | None:
        """Scale factors, of the sizes of `axis`; None without `scale`."""
        return self._weight(0) if self.scale else None

    @property
    def beta(self) -> np.ndarray | None:
        """Offsets, of the sizes of `axis`; None without `center`."""
        return self._weight(int(self.scale)) if self.center else None

    @property
    def weight_names(self) -> list[str]:
        """Names of the weights, in the order of `weights`."""
        named = ["gamma"] * self.scale + ["beta"] * self.center + list(self._weight_names)
        return named[: len(self._weights)]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        sample_axes("axis", self.axis, input_shape)
        return tuple(input_shape)

    def _sample_axes(self) -> list[int]:
        """`axis` among the axes of a row, once the layer is built."""
        return [] if self._input_shape is None else sample_axes("axis", self.axis, self._input_shape)

    def _weight_shape(self, row: tuple[int, ...]) -> tuple[int, ...]:
        """Of gamma and beta."""
        return tuple(row[axis] for axis in sample_axes("axis", self.axis, (None, *row)))

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """Gamma and beta."""
        names = ["gamma_initializer"] * self.scale + ["beta_initializer"] * self.center
        return [self._drawn(name, self._weight_shape(input_shape)) for name in names]


def positive(name: str, value: Any) -> float:
    """A finite number, at least 0."""
    number = check_float(name, value)
    if not 0 <= number < float("inf"):
        raise ValueError(f"{name} must be a finite number, at least 0; got {value!r}.")
    return number
