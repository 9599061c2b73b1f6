"""Penalties of what a layer gives, part of the loss (csrc/layers/output_penalty.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import regularizers
from ..base.arguments import options_of
from ..base.layer import Layer, Shape

__all__ = ["ActivityRegularization", "OutputPenalty"]


class OutputPenalty(Layer):
    """Returns its input and adds a regularizer of it, divided by the number of rows, to the loss of the batch.

    Parameters
    ----------
    regularizer : Regularizer
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    ValueError
        A regularizer that moves weights after a step, which outputs are not.
    """

    supports_masking = True
    _only_in_training = True

    def __init__(
        self,
        regularizer: regularizers.Regularizer,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ):
        self.regularizer = regularizer
        if "proximal" in regularizer.penalty():
            raise ValueError("an activity regularizer must not be proximal, which is for weights.")
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {"kind": "output_penalty", "penalty": self.regularizer.penalty()}


class ActivityRegularization(OutputPenalty):
    r"""Layer that returns its input and adds a penalty on it to the loss.

    Parameters
    ----------
    l1, l2 : float, default 0.0
        Factors of the sum of sizes and of the sum of squares; at least 0.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `l1` or `l2` is not a finite number of at least 0.

    Notes
    -----
    .. math:: \frac1n \sum_{i,j} \lambda_1 |x_{ij}| + \lambda_2 x_{ij}^2

    over the n rows of a batch, in training and in `evaluate`, as in Keras.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.ActivityRegularization(l1=0.5)])
    >>> model.compile(loss="mse")
    >>> model.evaluate(np.array([[1.0, 3.0]]), np.array([[1.0, 3.0]]), verbose=0)
    2.0
    """

    def __init__(
        self,
        l1: float = 0.0,
        l2: float = 0.0,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        regularizer = regularizers.L1L2(l1, l2)
        super().__init__(regularizer, **options_of(locals()))
        self.l1, self.l2 = regularizer.l1, regularizer.l2
