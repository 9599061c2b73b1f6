"""Dropout and its variants (csrc/layers/dropout.hpp)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ... import seeds
from ...checks import brief, check_float, check_int, describe
from ..base.layer import Layer, Shape
from ..base.mixin import LayerMixin

__all__ = ["AlphaDropout", "BaseDropout", "Dropout"]

LOWEST = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946  # of selu


def noise_shape_of(value: Any) -> tuple[int | None, ...] | None:
    """The argument of this name, with None for the rows in front unless they share what is drawn."""
    if value is None:
        return None
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"noise_shape must be a sequence of ints or None; got {describe(value)}.")
    sizes = [None if size is None else check_int(f"noise_shape[{i}]", size, 1) for i, size in enumerate(value)]
    if len(sizes) < 2:
        raise ValueError(f"noise_shape must have the rows and at least one axis; got {brief(value)}.")
    return tuple(sizes)


class BaseDropout(LayerMixin):
    """Mixin, before `Layer` among the bases, of dropout layers, whose noise may be shared along axes."""

    supports_masking = True
    _only_in_training = True

    rate: float

    def _take(self, rate: float, seed: int | None) -> None:
        self.rate = check_float("rate", rate)
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate must be in [0, 1]; got {rate!r}.")
        self.seed = seed
        self._draw_key()

    def _draw_key(self) -> None:
        self._key = seeds.word_of(self.seed)

    def _noise(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """The shape of what is drawn, 1 along the axes that share it."""
        raise NotImplementedError(f"{type(self).__name__} must define _noise(input_shape).")

    def _dropped_values(self) -> dict[str, Any]:
        """Scale and shift of the elements that are kept, and the value of the others."""
        scale = 1 / (1 - self.rate) if self.rate < 1 else 0.0
        return {"scale": scale, "shift": 0.0, "dropped": 0.0}

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input."""
        noise = self._noise(input_shape)
        fits = len(noise) == len(input_shape) and all(
            drawn in (None, 1, size) for drawn, size in zip(noise[1:], input_shape[1:], strict=True)
        )
        if not fits:
            raise ValueError(
                f"noise_shape must have 1, None or the size of each axis of inputs of shape {tuple(input_shape)}; "
                f"got {noise}."
            )
        return tuple(input_shape)

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        spec = self._dropped_values()
        noise = (None,) if self._input_shape is None else self._noise(self._input_shape)
        if 1 not in noise and spec["dropped"] == spec["shift"] == 0:
            return {"kind": "dropout", "rate": self.rate, "key": self._key}
        shares = [drawn == 1 for drawn in noise]
        spec |= {"rate": self.rate, "key": self._key, "one_for_batch": shares[0], "shares": shares[1:]}
        return {"kind": "shared_dropout", **spec}


class Dropout(BaseDropout, Layer):
    """Applies dropout to the input: in training, sets elements to 0 at random.

    Parameters
    ----------
    rate : float
        Probability of a number to be 0; in [0, 1]. Those that are kept are divided by ``1 - rate``, so that their sum
        is the same in the mean.
    noise_shape : sequence of int or None, optional
        Of what is drawn, with that of the rows in front: 1 along an axis draws once for all numbers along it,
        ``(None, 1, 3)`` for all steps of rows of shape (steps, 3). Elsewhere None or the size of the axis; in front
        None, or any number but 1, stands for the rows, however many they are.
    seed : int, optional
        What is drawn follows from it: at least 0, less than 2**32. By default from `utils.set_random_seed`, and
        different for each layer; from the system's entropy if that was never called.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `rate` or `seed` is not a number of its range; `noise_shape` is no sequence of numbers.
    ValueError
        At the build: inputs do not fit `noise_shape`.

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
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._take(rate, seed)
        self.noise_shape = noise_shape_of(noise_shape)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def _noise(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return self.noise_shape or (None,) * len(input_shape)


class AlphaDropout(BaseDropout, Layer):
    r"""Alpha dropout: keeps mean and variance of the inputs, for networks with ``selu``.

    Parameters
    ----------
    rate : float
        Probability of a number to be dropped; at least 0, below 1.
    noise_shape : sequence of int or None, optional
        As in `Dropout`.
    seed : int, optional
        Where the draws begin; by default they follow `utils.set_random_seed`.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        As in `Dropout`.

    Notes
    -----
    .. math::
        y = a (x d + \alpha' (1 - d)) + b, \quad a = ((1 - p)(1 + p \alpha'^2))^{-1/2}, \quad b = -a p \alpha'

    with :math:`d = 0` with probability p, else 1, and :math:`\alpha' = -1.7580993`, which selu tends to far left.

    References
    ----------
    Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks", NeurIPS 2017, arXiv:1706.02515.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.AlphaDropout(0.5)(np.ones((1, 2)))
    array([[1., 1.]], dtype=float32)
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._take(rate, seed)
        if self.rate == 1:
            raise ValueError(f"rate must be below 1; got {rate!r}.")
        self.noise_shape = noise_shape_of(noise_shape)
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def _noise(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return self.noise_shape or (None,) * len(input_shape)

    def _dropped_values(self) -> dict[str, Any]:
        scale = 1 / math.sqrt((1 - self.rate) * (1 + self.rate * LOWEST * LOWEST))
        shift = -scale * LOWEST * self.rate
        return {"scale": scale, "shift": shift, "dropped": scale * LOWEST + shift}
