"""NumPy functions as layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...activations import custom
from ...checks import describe, open_shape_of, shape_of
from ...described import revive, serialize
from ..base.layer import Layer, Shape

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Lambda"]

CONFIG = "name", "trainable", "dtype", "function", "arguments", "gradient"  # beside output_shape


class Lambda(Layer):
    """Wraps a NumPy function as a layer.

    Parameters
    ----------
    function : function of an array (rows, ...)
        Returns an array with the same number of rows.
    output_shape : tuple of int, optional
        Shape of a row of the output; by default one row of zeros is tried.
    arguments : dict, optional
        Keywords that the function is called with.
    gradient : function of x, dy and `arguments`, optional
        Gives the gradient with respect to x. Without it the function must be elementwise, of operators and NumPy
        functions, or give a pair, values and derivatives, where layers before it are trained.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError
        Something is not a function, or no dict.
    TypeError, ValueError
        In training: the derivative is not known. At a call: what the function gives is no array of numbers, or has
        another shape.

    Notes
    -----
    Keras differentiates any function of its own operations; its `mask` is not there. In files functions have names,
    under which they are handed over at reading: ``custom_objects={"f": f}``. No code is in files.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.Lambda(lambda x: x**2 + np.sin(x))
    >>> layer(np.array([[0.0, 2.0]]), training=True).round(3)
    array([[0.   , 4.909]], dtype=float32)
    >>> layer.backward(np.array([[1.0, 1.0]]))[0].round(3)
    array([[1.   , 3.584]], dtype=float32)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Sequence[int] | int | None = None,
        arguments: Mapping[str, Any] | None = None,
        gradient: Callable[..., Any] | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        for what, given in (("function", function), ("gradient", gradient)):
            if not callable(given) and not (what == "gradient" and given is None):
                raise TypeError(f"{what} must be a function; got {describe(given)}.")
        if arguments is not None and not isinstance(arguments, Mapping):
            raise TypeError(f"arguments must be a dict; got {describe(arguments)}.")
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)
        self.function, self.gradient = function, gradient
        self.arguments = dict(arguments or {})
        self._row = None if output_shape is None else shape_of("output_shape", output_shape)
        self._x = self._derivative = np.empty(0)
        self._unknown: Exception | None = None  # why the derivative of the last call is not known

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer; functions by name."""
        given = {name: getattr(self, name) for name in CONFIG}
        given["output_shape"] = self._row
        return {name: serialize(value, f"{name} of {self!r}") for name, value in given.items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Create a layer from its config. Raises as the class itself; functions must be known by their names."""
        return super().from_config({name: _function_of(name, value) for name, value in config.items()})

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The given shape behind the rows, or what one row of zeros gives."""
        if self._row is not None:
            return (None, *self._row)
        return self._output_by_trial(open_shape_of("input_shape", tuple(input_shape)[1:]))

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Output of the function."""
        self._x = x
        if training and self.gradient is None:
            try:
                y, self._derivative = custom.value_and_derivative(self._called, x, "function")
                self._unknown = None
                return y
            except (TypeError, ValueError) as error:
                self._unknown = error
        found: np.ndarray = self._called(x)
        return found[0] if isinstance(found, tuple) else found

    def backward(self, dy: Any) -> Any:
        """The gradient with respect to x."""
        found: Any
        if self.gradient is not None:
            found = self.gradient(self._x, dy, **self.arguments)
        elif self._unknown is not None:
            raise type(self._unknown)(f"layer {self.name!r} needs gradient=: {self._unknown}") from None
        else:
            found = dy * self._derivative
        return found

    def jvp(self, dx: Any, dws: Any) -> Any:
        """The direction of the output, of a function of single numbers."""
        if self.gradient is not None:
            raise NotImplementedError(
                f"layer {self.name!r} has a gradient=, which only goes backward; for Jacobian-vector and Gauss-Newton "
                "products write a layer with a method jvp(dx, dws)."
            )
        _, derivative = custom.value_and_derivative(self._called, self._x, "function")
        return dx * derivative

    def _called(self, x: Any) -> Any:
        return self.function(x, **self.arguments)


def _function_of(name: str, value: Any) -> Any:
    """What an argument of a config is: of a function, which that names."""
    return revive(value, {}, name) if isinstance(value, Mapping) and value.get("class_name") == "function" else value
