"""What all scalers share: scikit-learn's methods around `partial_fit`, `_shift` and `_scale`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import brief, describe, numeric
from .as_layer import as_layer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Self

__all__ = ["Scaler"]


class Scaler:
    """Base class of scalers: ``(x - shift) / scale``, feature by feature.

    A subclass sets ``n_features_in_`` by `_rows`, and gives `_moments`.
    """

    n_features_in_: int

    # -- parameters ----------------------------------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor, as scikit-learn's `clone` asks for them."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Set arguments of the constructor; raises as it does, or ValueError for a name that is none."""
        known = self.get_params()
        for name in params:
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; it has {', '.join(known)}.")
        made = type(self)(**(known | params))
        for name in known:
            setattr(self, name, getattr(made, name))
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.get_params().items())})"

    # -- data ----------------------------------------------------------------------------------------------------------

    def _rows(self, x: Any, fits: bool = False) -> np.ndarray:
        """Data as finite floats, (rows, features): float32 and float64 as they are, others as float64."""
        if hasattr(x, "tocsr"):
            raise TypeError("x must be a dense array: scaled zeros are no zeros; got a sparse matrix.")
        array = numeric(x, "x")
        if array.ndim != 2:
            raise ValueError(f"x must have the shape (rows, features); got {array.shape}.")
        if not array.shape[0] or not array.shape[1]:
            raise ValueError(f"x must have at least one row and one feature; its shape is {array.shape}.")
        array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            raise ValueError(f"x must be finite; x[{row}, {column}] is {array[row, column]}.")
        known = getattr(self, "n_features_in_", None)
        if known is not None and array.shape[1] != known:
            raise ValueError(f"x must have {known} features, as in fit; it has {array.shape[1]}.")
        if known is None and not fits:
            raise ValueError(f"this {type(self).__name__} is not fitted: call fit or partial_fit first.")
        return array

    def _forget(self) -> None:
        """Forget what was fitted."""
        for name in [name for name in vars(self) if name.endswith("_") or name.startswith("_seen")]:
            delattr(self, name)

    def fit(self, x: ArrayLike, y: Any = None) -> Self:
        """Measure data; what was measured before is forgotten. `y` is not looked at, as in all methods.

        Raises
        ------
        TypeError, ValueError
            `x` is no dense array of finite numbers of shape (rows, features). What was measured is then as it was.
        """
        before = dict(vars(self))
        self._forget()
        try:
            return self.partial_fit(x)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def partial_fit(self, x: ArrayLike, y: Any = None) -> Self:
        """Measure a chunk of data together with those before it; raises as `fit` does."""
        array = self._rows(x, fits=True)
        self._measure(array.astype(np.float64, copy=False))
        self.n_features_in_ = array.shape[1]
        return self

    def _measure(self, x: np.ndarray) -> None:
        raise NotImplementedError(f"{type(self).__name__} must define _measure(x).")

    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Shift and scale, (features,) each."""
        raise NotImplementedError(f"{type(self).__name__} must define _moments().")

    def transform(self, x: ArrayLike) -> np.ndarray:
        """Scaled data, of the dtype of `x` if that is float32 or float64. Raises as `fit` does."""
        array = self._rows(x)
        shift, scale = (each.astype(array.dtype) for each in self._moments())
        return np.asarray((array - shift) / scale)

    def inverse_transform(self, x: ArrayLike) -> np.ndarray:
        """Data in their own units again. Raises as `fit` does."""
        array = self._rows(x)
        shift, scale = (each.astype(array.dtype) for each in self._moments())
        return np.asarray(array * scale + shift)

    def fit_transform(self, x: ArrayLike, y: Any = None) -> np.ndarray:
        """`fit`, then `transform`."""
        return self.fit(x).transform(x)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the features: those given, or ``x0, x1, ...``."""
        count = getattr(self, "n_features_in_", None)
        if input_features is not None:
            return np.asarray(input_features, dtype=object)
        if count is None:
            raise ValueError(f"this {type(self).__name__} is not fitted: call fit or partial_fit first.")
        return np.array([f"x{i}" for i in range(count)], dtype=object)

    def as_layer(self, invert: bool = False, **options: Any) -> Any:
        """A layer that does the same, to be put before others: see `gradstep.scalers.as_layer`."""
        return as_layer(self, invert, **options)


def fraction(name: str, value: Any) -> tuple[float, float]:
    """A pair of numbers, the first below the second."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{name} must be a pair of numbers; got {describe(value)}.")
    low, high = (float(each) for each in value)
    if not low < high:
        raise ValueError(f"{name} must be (low, high), low below high; got {brief(value)}.")
    return low, high
