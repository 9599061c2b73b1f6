"""Layers that do what a fitted scaler does."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import check_bool, describe
from ..layers import Normalization, UnitNormalization

__all__ = ["as_layer"]

SMALLEST = 1e-7  # below it the layer divides by this


def as_layer(scaler: Any, invert: bool = False, **options: Any) -> Any:
    """A layer that scales as a fitted scaler does, ours or scikit-learn's, so that the model takes data as they come.

    Parameters
    ----------
    scaler : object
        Fitted: `StandardScaler`, `MinMaxScaler`, `RobustScaler`, `Normalizer` of this package; those of scikit-learn,
        and its `MaxAbsScaler`.
    invert : bool, default False
        The other way round: behind the last layer, of a model whose targets were scaled, predictions are in units.
    **options
        Arguments of the layer: ``name``, ``dtype``, ``input_shape``.

    Returns
    -------
    Normalization or UnitNormalization
        Its numbers are settings, not weights: they are in the file of the model.

    Raises
    ------
    TypeError
        It is no such scaler, or not fitted.
    ValueError
        What no layer does: ``clip=True``, rows of length 1 by another norm than "l2" or back, a scale below 1e-7.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = np.array([[1.0, 100.0], [3.0, 300.0]])
    >>> scaler = gs.scalers.StandardScaler().fit(x)
    >>> model = gs.Sequential([gs.Input((2,)), scaler.as_layer(), gs.layers.Dense(1)])
    >>> model.layers[0](x)
    array([[-1., -1.],
           [ 1.,  1.]], dtype=float32)
    """
    back = check_bool("invert", invert)
    if hasattr(scaler, "norm") and hasattr(scaler, "transform"):
        if scaler.norm != "l2" or back:
            raise ValueError(f"as_layer needs norm='l2' and invert=False of a Normalizer; got {scaler.norm!r}, {back}.")
        return UnitNormalization(axis=-1, **options)
    if getattr(scaler, "clip", False):
        raise ValueError("as_layer needs clip=False: a layer scales values beyond the range as all others.")
    shift, scale = _moments(scaler)
    if (np.abs(scale) < SMALLEST).any():
        raise ValueError(f"as_layer needs scales of at least {SMALLEST:g}; the smallest is {np.abs(scale).min():g}.")
    return Normalization(axis=-1, mean=shift, variance=scale**2, invert=back, **options)


def _moments(scaler: Any) -> tuple[np.ndarray, np.ndarray]:
    """Shift and scale of ``(x - shift) / scale``."""
    found: Any
    if hasattr(scaler, "data_range_"):  # MinMaxScaler
        scale = np.asarray(scaler.scale_, np.float64)
        return -np.asarray(scaler.min_, np.float64) / scale, 1 / scale
    for middle, used, divides in (("mean_", "with_mean", "with_std"), ("center_", "with_centering", "with_scaling")):
        if hasattr(scaler, middle) and hasattr(scaler, used):
            shift, scale = getattr(scaler, middle), scaler.scale_
            count = scaler.n_features_in_
            is_shifted, is_divided = getattr(scaler, used), getattr(scaler, divides)
            found = shift if is_shifted else np.zeros(count), scale if is_divided else np.ones(count)
            return np.asarray(found[0], np.float64), np.asarray(found[1], np.float64)
    if hasattr(scaler, "max_abs_"):
        return np.zeros(scaler.n_features_in_), np.asarray(scaler.scale_, np.float64)
    raise TypeError(
        "scaler must be a fitted StandardScaler, MinMaxScaler, RobustScaler, MaxAbsScaler or Normalizer; "
        f"got {describe(scaler)}."
    )
