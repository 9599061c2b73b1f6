"""The arrays that weights are: NumPy's, with the names and methods of Keras's variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import numeric
from .tracing import Untraceable, current

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Variable", "Variables"]


class Variable(np.ndarray):
    """A weight of a layer: an ndarray that knows its name.

    It is used as any array: writing to it changes the layer, and arithmetic gives plain arrays.

    Attributes
    ----------
    name : str
        In its layer: ``"kernel"``.
    path : str
        With the layer's name in front: ``"dense/kernel"``.

    Examples
    --------
    >>> import gradstep as gs
    >>> layer = gs.layers.Dense(1, kernel_initializer="ones", name="out")
    >>> layer.build((None, 2))
    >>> layer.kernel.path, layer.kernel.name
    ('out/kernel', 'kernel')
    >>> layer.kernel.assign([[2.0], [3.0]])
    >>> layer(np.ones((1, 2)))
    array([[5.]], dtype=float32)
    """

    name: str
    path: str

    def __array_finalize__(self, _: Any) -> None:
        self.name = self.path = ""

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        run = current()
        if run is not None and run.owns(self):
            raise Untraceable(f"weight {self.name!r} has no numbers in call(): use it in + - * @ with tensors alone.")
        if array is self:  # out=, or an operator in place
            return self
        return array[()] if return_scalar else np.asarray(array)

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def numpy(self) -> np.ndarray:
        """A copy of the values."""
        return np.array(self)

    def assign(self, value: ArrayLike) -> None:
        """Set the values, in place.

        Parameters
        ----------
        value : array_like
            Of the shape of the weight.

        Raises
        ------
        TypeError, ValueError
            Not numbers, or of another shape; the weight is as it was.
        """
        run = current()
        if run is not None and run.owns(self):
            raise Untraceable(f"weight {self.name!r} must not be changed in call(), which runs once.")
        array = numeric(value, "value")
        if array.shape != self.shape:
            raise ValueError(f"value has shape {array.shape}; the weight has shape {self.shape}.")
        self[...] = array

    def assign_add(self, value: ArrayLike) -> None:
        """Add to the values, in place. Raises as `assign` does."""
        self.assign(np.asarray(self) + numeric(value, "value"))

    def assign_sub(self, value: ArrayLike) -> None:
        """Subtract from the values, in place. Raises as `assign` does."""
        self.assign(np.asarray(self) - numeric(value, "value"))

    @property
    def value(self) -> np.ndarray:
        """The values themselves, as a plain array of the same memory."""
        return np.asarray(self)


class Variables:
    """Keras's names of the lists of weights, for layers and models."""

    if TYPE_CHECKING:

        @property
        def weights(self) -> list[np.ndarray]: ...
        @property
        def trainable_weights(self) -> list[np.ndarray]: ...
        @property
        def non_trainable_weights(self) -> list[np.ndarray]: ...

    @property
    def variables(self) -> list[np.ndarray]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_variables(self) -> list[np.ndarray]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[np.ndarray]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights
