"""Normal noise (csrc/layers/noise.hpp)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ... import seeds
from ...checks import check_float
from ..base.layer import Layer, Shape

__all__ = ["GaussianDropout", "GaussianNoise"]


class _Noise(Layer):
    """Base class of the noise layers, which change their input in training only."""

    supports_masking = True
    _only_in_training = True

    def _take(self, seed: int | None) -> None:
        self.seed = seed
        self._draw_key()

    def _draw_key(self) -> None:
        self._key = seeds.word_of(self.seed)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)


class GaussianNoise(_Noise):
    r"""Additive Gaussian noise of mean 0, in training only.

    Parameters
    ----------
    stddev : float
        Standard deviation; at least 0.
    seed : int, optional
        Where the draws begin; by default they follow `utils.set_random_seed`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `stddev` is not a number of at least 0.

    Notes
    -----
    .. math:: y = x + \sigma z, \quad z \sim \mathcal N(0, 1)

    As in `Dropout`, what is drawn follows from the seed, the epoch and the number of the row.

    References
    ----------
    Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7 (1995).

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.GaussianNoise(0.1)(np.ones((1, 2)))
    array([[1., 1.]], dtype=float32)
    """

    def __init__(
        self,
        stddev: float,
        seed: int | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.stddev = check_float("stddev", stddev)
        if not 0 <= self.stddev < math.inf:
            raise ValueError(f"stddev must be a finite number, at least 0; got {stddev!r}.")
        self._take(seed)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {"kind": "noise", "stddev": self.stddev, "multiply": False, "key": self._key}


class GaussianDropout(_Noise):
    r"""Multiplicative Gaussian noise of mean 1, in training only.

    Parameters
    ----------
    rate : float
        The noise has the standard deviation that `Dropout` of this rate has: sqrt(rate / (1 - rate)); at least 0,
        below 1.
    seed : int, optional
        Where the draws begin; by default they follow `utils.set_random_seed`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `rate` is not a number in [0, 1).

    Notes
    -----
    .. math:: y = x (1 + z \sqrt{p / (1 - p)}), \quad z \sim \mathcal N(0, 1)

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", JMLR 15 (2014), section 10.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.GaussianDropout(0.5)(np.ones((1, 2)))
    array([[1., 1.]], dtype=float32)
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
        self.rate = check_float("rate", rate)
        if not 0 <= self.rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1; got {rate!r}.")
        self._take(seed)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        deviation = math.sqrt(self.rate / (1 - self.rate))
        return {"kind": "noise", "stddev": deviation, "multiply": True, "key": self._key}
