"""Layers of several inputs. They have no weights and little to compute: NumPy does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import flag, numeric, rows_of, shape_of, whole
from ..described import arguments_of
from ..optimizers.arrays import describe
from .alone import slope_of
from .base import Layer, Shape
from .symbolic import Node, SymbolicTensor, in_training, is_symbolic, tensors_of

__all__ = ["Concatenate", "Dot", "Merge"]

SMALLEST = 1e-14  # square of a row that is made longer by its own length alone, as in Keras


class Merge(Layer):
    """Base of the layers that take a list of inputs.

    A subclass gives `_output_shape`, `_forward` and `_backward`.

    Parameters
    ----------
    dtype, name, trainable
        As in `Layer`.
    """

    _in_numpy = True
    _least = 1  # inputs
    _exactly: int | None = None

    def __init__(self, *, dtype: str | None = None, name: str | None = None, trainable: bool = True) -> None:
        super().__init__(dtype=dtype, name=name, trainable=trainable)
        self._shapes: list[Shape] = []  # of the inputs
        self._xs: list[np.ndarray] = []  # of the last call in training
        self._called = False  # by the user, in training, and not gone back from

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return arguments_of(self, self._passing)

    # -- what a subclass says --------------------------------------------------------------------------------------

    def _output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """Shape of a row for those of the inputs' rows."""
        raise NotImplementedError(f"{type(self).__name__} must define _output_shape(shapes).")

    def _forward(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        """The output for inputs (rows, ...) each, of the layer's dtype."""
        raise NotImplementedError(f"{type(self).__name__} must define _forward(xs).")

    def _backward(self, xs: Sequence[np.ndarray], dy: np.ndarray) -> list[np.ndarray]:
        """The gradients with respect to the inputs, of their shapes."""
        raise NotImplementedError(f"{type(self).__name__} must define _backward(xs, dy).")

    # -- shapes ----------------------------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Shape:
        """Shape of the output for a list of input shapes; all with the rows, None, in front.

        Raises
        ------
        ValueError
            They do not fit each other, or are too many or too few.
        """
        return (None, *self._output_shape(self._rows_of(input_shape)))

    def build(self, input_shape: Sequence[Any]) -> None:
        """Take note of the shapes of the inputs. Raises as `compute_output_shape` does."""
        rows = self._rows_of(input_shape)
        self._output_shape(rows)
        self._shapes = [(None, *shape) for shape in rows]
        self.built = True

    def _rows_of(self, shapes: Any) -> list[tuple[int, ...]]:
        if not isinstance(shapes, (list, tuple)) or not all(isinstance(shape, (list, tuple)) for shape in shapes):
            raise ValueError(f"layer {self.name!r} must get a list of inputs; got one of shape {shapes}.")
        wanted = self._exactly
        if wanted is not None and len(shapes) != wanted:
            raise ValueError(f"layer {self.name!r} must get {wanted} inputs; got {len(shapes)}.")
        if len(shapes) < self._least:
            raise ValueError(f"layer {self.name!r} must get at least {self._least} inputs; got {len(shapes)}.")
        return [shape_of(f"input_shape[{i}]", tuple(shape)[1:]) for i, shape in enumerate(shapes)]

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs, with None for the rows."""
        if not self.built:
            raise ValueError(f"layer {self.name!r} has no shape before it is built: call it, or build(input_shape).")
        return list(self._shapes)

    # -- computing -------------------------------------------------------------------------------------------------

    def _connect(self, x: Any) -> SymbolicTensor:
        tensors = tensors_of(x, f"the inputs of layer {self.name!r}") if isinstance(x, (list, tuple)) else []
        shapes: Any = [tensor.shape for tensor in tensors] if tensors else getattr(x, "shape", x)
        output = self.compute_output_shape(shapes)
        self.build(shapes)
        return Node(self, tensors, True, [output], self.dtype).outputs[0]

    def forward(self, xs: Any) -> np.ndarray:
        """The output for a batch of inputs, which `backward` goes back to."""
        self._xs = list(xs) if isinstance(xs, list) else [xs]
        return self._forward(self._xs)

    def backward(self, dy: Any) -> Any:
        """The way back from the last call with ``training=True``, once.

        Parameters
        ----------
        dy : array_like
            The gradient by what that call gave, of its shape.

        Returns
        -------
        dxs : list of ndarray
            The gradients by the inputs of that call.
        dws : list
            Empty: there are no weights.

        Raises
        ------
        RuntimeError
            There was no such call, or the way back from it has been gone.
        TypeError, ValueError
            `dy` is no array of numbers, or of another shape.
        """
        dxs = self._backward(self._xs, dy)
        return dxs if len(dxs) > 1 else dxs[0]

    def _backward_around(self, backward: Any, dy: Any) -> Any:
        if not self._called:
            raise RuntimeError(
                f"layer {self.name!r} must be called with training=True before each backward(), which goes back from "
                "that call."
            )
        slope = slope_of(dy, (len(self._xs[0]), *self._output_row), self.dtype)
        self._called = False
        return self._backward(self._xs, slope), []

    def _build_around(self, build: Any, input_shape: Any) -> None:
        build(self, input_shape)

    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """The output for a list of arrays of rows, at once; or for a list of symbolic tensors.

        Parameters
        ----------
        x : list of array_like, shape (rows, ...) each, or of SymbolicTensor
        training : bool, optional
            Whether to keep what `backward` needs.

        Returns
        -------
        ndarray of the layer's dtype, or SymbolicTensor

        Raises
        ------
        TypeError, ValueError
            `x` is no list, or its members have shapes that do not fit.
        """
        symbolic = is_symbolic(x)
        trains = in_training(training, symbolic)
        if symbolic:
            return self._connect(x)
        if not isinstance(x, (list, tuple)):
            raise TypeError(f"layer {self.name!r} must get a list of inputs; got {describe(x)}.")
        arrays = [rows_of(numeric(one, f"x[{i}]"), self.dtype) for i, one in enumerate(x)]
        self.build([array.shape or (None,) for array in arrays])
        rows = {len(array) for array in arrays}
        if len(rows) > 1:
            raise ValueError(f"inputs of layer {self.name!r} must have as many rows; got {sorted(rows)}.")
        if trains:
            self._xs, self._called = [array.copy() for array in arrays], True
        return self._forward(arrays)


class Concatenate(Merge):
    """Inputs one behind the other.

    Parameters
    ----------
    axis : int, default -1
        Along which axis, counted with that of the rows, which it cannot be.
    dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError
        `axis` is no int.
    ValueError
        `axis` is 0; when called: inputs differ in another axis, or there is none.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Concatenate()([np.array([[1.0, 2.0]]), np.array([[3.0]])])
    array([[1., 2., 3.]], dtype=float32)
    """

    def __init__(
        self, axis: int = -1, *, dtype: str | None = None, name: str | None = None, trainable: bool = True
    ) -> None:
        self.axis = whole("axis", axis, -(2**31))
        if self.axis == 0:
            raise ValueError("axis must not be 0, that of the rows.")
        super().__init__(dtype=dtype, name=name, trainable=trainable)

    def _output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        ndim = len(shapes[0]) + 1
        if not -ndim < self.axis < ndim:
            raise ValueError(f"axis must be one of {ndim} axes, and not that of the rows; got {self.axis}.")
        along = self.axis % ndim - 1
        others = [(*shape[:along], *shape[along + 1 :]) for shape in shapes]
        if any(len(shape) != len(shapes[0]) for shape in shapes) or any(other != others[0] for other in others):
            raise ValueError(
                f"inputs of layer {self.name!r} must have equal shapes but along axis {self.axis}; their rows have "
                f"{', '.join(map(str, shapes))}."
            )
        return (*shapes[0][:along], sum(shape[along] for shape in shapes), *shapes[0][along + 1 :])

    def _forward(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(xs, axis=self.axis)

    def _backward(self, xs: Sequence[np.ndarray], dy: np.ndarray) -> list[np.ndarray]:
        borders = np.cumsum([x.shape[self.axis] for x in xs])[:-1]
        return [np.ascontiguousarray(part) for part in np.split(dy, borders, axis=self.axis)]


class Dot(Merge):
    """The scalar product of two rows.

    Parameters
    ----------
    axes : int or tuple of two
        1 or -1: the axis that is summed over.
    normalize : bool, default False
        Whether each row is made as long as 1 first: the output is then the cosine of their angle.
    dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `axes` is another; when called: inputs are not two of shape (rows, n).

    Notes
    -----
    Keras takes inputs of more axes too.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[11.]], dtype=float32)
    """

    _exactly = 2

    def __init__(
        self,
        axes: int | Sequence[int],
        normalize: bool = False,
        *,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        each = list(axes) if isinstance(axes, (list, tuple)) else [axes, axes]
        if [whole("axes", axis, -1) for axis in each] not in ([a, b] for a in (1, -1) for b in (1, -1)):
            raise ValueError(f"axes must be 1 or -1, or two of these; got {axes!r}.")
        self.axes, self.normalize = axes, flag("normalize", normalize)
        super().__init__(dtype=dtype, name=name, trainable=trainable)

    def _output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        if any(len(shape) != 1 for shape in shapes) or shapes[0] != shapes[1]:
            raise ValueError(
                f"inputs of layer {self.name!r} must both have shape (rows, n); their rows have {shapes[0]} and "
                f"{shapes[1]}."
            )
        return (1,)

    def _forward(self, xs: Sequence[np.ndarray]) -> np.ndarray:
        a, b = (self._normal(x)[0] for x in xs)
        y: np.ndarray = np.einsum("ij,ij->i", a, b)[:, None]
        return y

    def _backward(self, xs: Sequence[np.ndarray], dy: np.ndarray) -> list[np.ndarray]:
        (a, of_a), (b, of_b) = (self._normal(x) for x in xs)
        return [self._back(a, of_a, dy * b), self._back(b, of_b, dy * a)]

    def _normal(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Rows of length 1, and what they were multiplied by."""
        if not self.normalize:
            return x, None
        factor = 1 / np.sqrt(np.maximum(np.einsum("ij,ij->i", x, x), SMALLEST))[:, None]
        return x * factor, factor

    def _back(self, unit: np.ndarray, factor: np.ndarray | None, slope: np.ndarray) -> np.ndarray:
        if factor is None:
            return slope
        # A row at the bound of SMALLEST is only scaled, and then its factor has no slope.
        along = np.where(factor < 1 / np.sqrt(SMALLEST), np.einsum("ij,ij->i", unit, slope)[:, None], 0)
        result: np.ndarray = factor * (slope - along * unit)
        return result
