"""Dropout (csrc/layers/dropout.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import seeds
from ..optimizers.base import real
from .base import Layer, Shape

__all__ = ["Dropout"]


class Dropout(Layer):
    """In training, sets numbers to 0 at random, so that a network does not rely on any one of them.

    Parameters
    ----------
    rate : float
        Probability of a number to be 0; in [0, 1]. Those that are kept are divided by ``1 - rate``, so that their sum
        is the same in the mean.
    seed : int, optional
        What is drawn follows from it: at least 0, less than 2**32. By default from `utils.set_random_seed`, and
        different for each layer; from the system's entropy if that was never called.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `rate` or `seed` is not a number of its range.

    Notes
    -----
    .. math:: y_j = x_j d_j / (1 - p), \\qquad d_j = 0 \\text{ with probability } p, \\text{ else } 1

    ``fit``, ``train_on_batch`` and ``value_and_grad`` are training; ``evaluate``, ``predict`` and a call of the layer
    or the model are not, and there :math:`y = x`. The numbers are drawn by counter: they depend on the seed, the
    epoch, the row of the data and the column, and so neither on the number of threads nor on the order of the rows.
    Nothing is stored for the backward pass, which draws them again.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", JMLR 15 (2014).

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Dropout(0.5)(np.ones((1, 4)))
    array([[1., 1., 1., 1.]], dtype=float32)
    """

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.rate = real("rate", rate)
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate must be in [0, 1]; got {rate!r}.")
        self.seed = seed
        self._draw_key()
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def _draw_key(self) -> None:
        self._key = seeds.word(seeds.key_of(self.seed) or seeds.fresh_key())

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)

    def specification(self) -> dict[str, Any]:
        """The layer in the engine's words."""
        return {"kind": "dropout", "rate": self.rate, "key": self._key}
