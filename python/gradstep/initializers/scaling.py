"""Initializers whose spread follows the shape, so that signals keep their size from layer to layer."""

from __future__ import annotations

import math

import numpy as np

from ..checks import check_choice, check_float
from .base import Initializer, Random, truncated_normal

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "VarianceScaling",
]

MODES = {name: name for name in ("fan_in", "fan_out", "fan_avg")}
DISTRIBUTIONS = {name: name for name in ("truncated_normal", "untruncated_normal", "uniform")} | {
    "normal": "truncated_normal"
}

# Standard deviation of a normal variable cut at two of its own: keeps the variance of the truncated draws as wanted.
TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(Random, Initializer):
    r"""Mean 0 and variance `scale` / fan, where fan is the number of inputs, outputs or their mean.

    Parameters
    ----------
    scale : float, default 1.0
        > 0.
    mode : {"fan_in", "fan_out", "fan_avg"}, default "fan_in"
        Which connections count: those into a unit, out of it, or their mean.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}, default "truncated_normal"
        "normal" is another name of the first.
    seed : int, optional
        For the same numbers at each call; 0 to 2**32 - 1.

    Raises
    ------
    TypeError, ValueError
        `scale` is not a number above 0; an unknown mode or distribution.

    Notes
    -----
    .. math:: \sigma^2 = \text{scale} / n

    for the normal distributions, and bounds :math:`\pm\sqrt{3}\,\sigma` for the uniform one. In a kernel of shape
    (inputs, outputs), n is inputs, outputs or (inputs + outputs) / 2.

    Examples
    --------
    >>> import gradstep as gs
    >>> w = gs.initializers.VarianceScaling(2.0, seed=0)((400, 300), "float64")
    >>> round(float(w.var() * 400), 1)
    2.0
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        self.scale = check_float("scale", scale)
        if not 0 < self.scale < math.inf:
            raise ValueError(f"scale must be a number above 0; got {scale!r}.")
        self.mode = check_choice("mode", mode, MODES)
        self.distribution = check_choice("distribution", distribution, DISTRIBUTIONS)

    def sample(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Numbers of the variance that the shape asks for."""
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        if self.distribution == "uniform":
            return random.uniform(-math.sqrt(3) * stddev, math.sqrt(3) * stddev, shape)
        if self.distribution == "untruncated_normal":
            return stddev * random.standard_normal(shape)
        return stddev / TRUNCATED_STDDEV * truncated_normal(random, shape)


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Connections into and out of a unit; dimensions before the last two are of a receptive field, as in Keras."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


class GlorotUniform(VarianceScaling):
    """Glorot uniform (Xavier): variance 2 / (inputs + outputs). The default of kernels.

    References
    ----------
    Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> import gradstep as gs
    >>> w = gs.initializers.GlorotUniform(seed=0)((400, 200))
    >>> w.shape, round(float(w.std()), 3)
    ((400, 200), 0.058)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Glorot normal (Xavier): truncated normal of variance 2 / (inputs + outputs).

    Examples
    --------
    >>> import gradstep as gs
    >>> w = gs.initializers.GlorotNormal(seed=0)((400, 200))
    >>> w.shape, round(float(w.std()), 3)
    ((400, 200), 0.058)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """He uniform: variance 2 / inputs, for `relu`.

    References
    ----------
    He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, arXiv:1502.01852.

    Examples
    --------
    >>> import gradstep as gs
    >>> w = gs.initializers.HeUniform(seed=0)((400, 200))
    >>> w.shape, round(float(w.std()), 3)
    ((400, 200), 0.071)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """He normal: truncated normal of variance 2 / inputs.

    Examples
    --------
    >>> import gradstep as gs
    >>> w = gs.initializers.HeNormal(seed=0)((400, 200))
    >>> w.shape, round(float(w.std()), 3)
    ((400, 200), 0.071)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """LeCun uniform: variance 1 / inputs, for `selu`.

    References
    ----------
    LeCun, Bottou, Orr, Müller, "Efficient backprop", in "Neural networks: tricks of the trade", 1998.

    Examples
    --------
    >>> import gradstep as gs
    >>> w = gs.initializers.LecunUniform(seed=0)((400, 200))
    >>> w.shape, round(float(w.std()), 3)
    ((400, 200), 0.05)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """LeCun normal: truncated normal of variance 1 / inputs.

    Examples
    --------
    >>> import gradstep as gs
    >>> w = gs.initializers.LecunNormal(seed=0)((400, 200))
    >>> w.shape, round(float(w.std()), 3)
    ((400, 200), 0.05)
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)
