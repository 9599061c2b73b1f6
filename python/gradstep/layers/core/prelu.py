"""PReLU (csrc/layers/prelu.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import constraints, regularizers
from ..base.arguments import take_rules
from ..base.layer import Layer, Shape
from ..normalization.affine import InitializerLike
from ..normalization.axes import sample_axes, some_axes

__all__ = ["PReLU"]


class PReLU(Layer):
    r"""Parametric ReLU: negative inputs are multiplied by learned slopes.

    Parameters
    ----------
    alpha_initializer : str, Initializer or function, default "zeros"
        The slopes at the start; PyTorch's are 0.25.
    alpha_regularizer : str or Regularizer, optional
    alpha_constraint : str or Constraint, optional
    shared_axes : int or sequence of int, optional
        Axes, counted with that of the rows, 0, along which the multiple is the same: ``[1, 2]`` for one of each channel
        of an image.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    alpha : ndarray
        Of the shape of a row, with 1 along `shared_axes`.

    Raises
    ------
    TypeError, ValueError
        An unknown initializer, regularizer or constraint; `shared_axes` is no list of axes.
    ValueError
        At the build: inputs have no such axes.

    Notes
    -----
    .. math:: y = x \text{ where } x > 0, \quad \alpha x \text{ elsewhere}

    References
    ----------
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, arXiv:1502.01852.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.PReLU(gs.initializers.Constant(0.25))(np.array([[-1.0, 2.0]]))
    array([[-0.25,  2.  ]], dtype=float32)
    """

    supports_masking = True
    _weight_names = ("alpha",)
    _trained = (True,)

    def __init__(
        self,
        alpha_initializer: InitializerLike = "zeros",
        alpha_regularizer: str | regularizers.Regularizer | None = None,
        alpha_constraint: str | constraints.Constraint | None = None,
        shared_axes: int | Sequence[int] | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        take_rules(self, locals())
        is_none = shared_axes is None or (isinstance(shared_axes, (list, tuple)) and not shared_axes)
        self.shared_axes = None if is_none else some_axes("shared_axes", shared_axes)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    @property
    def alpha(self) -> np.ndarray:
        """The slopes below 0."""
        return self._weight(0)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        self._own_axes(input_shape)
        return tuple(input_shape)

    def _own_axes(self, input_shape: Sequence[int | None]) -> list[int]:
        """Axes of a row that have separate slopes."""
        shared = [] if self.shared_axes is None else sample_axes("shared_axes", self.shared_axes, input_shape)
        return [axis for axis in range(len(input_shape) - 1) if axis not in shared]

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {"kind": "prelu", "axes": [] if self._input_shape is None else self._own_axes(self._input_shape)}

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """The slopes."""
        own = self._own_axes((None, *input_shape))
        shape = tuple(size if axis in own else 1 for axis, size in enumerate(input_shape))
        return [self._drawn("alpha_initializer", shape)]
