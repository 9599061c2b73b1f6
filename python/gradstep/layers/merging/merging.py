"""Layers of several inputs, and those that join them (csrc/layers/{concatenate,dot}.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import brief, check_bool, check_int, describe, numeric, open_shape_of
from ..base.layer import Layer, Shape
from ..base.sizes import Resized, fits, is_open, is_resizing, merged
from ..base.symbolic import Node, SymbolicTensor, is_symbolic, tensors_of

if TYPE_CHECKING:
    from ..base.call_graph import CallGraph, Value

__all__ = ["Concatenate", "Dot", "Merge"]


class Merge(Layer):
    """Base class of the layers that take a list of inputs.

    A subclass gives `_output_shape` and `specification`.

    Parameters
    ----------
    dtype, name, trainable
        As in `Layer`.
    """

    _weightless = True
    _least = 1  # inputs
    _exactly: int | None = None
    _shapes = Resized(())  # of the inputs

    def __init__(self, *, dtype: str | None = None, name: str | None = None, trainable: bool = True) -> None:
        super().__init__(dtype=dtype, name=name, trainable=trainable)
        self._shapes = []

    def _output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """Shape of a row for those of the inputs' rows."""
        raise NotImplementedError(f"{type(self).__name__} must define _output_shape(shapes).")

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
        """Set the shapes of the inputs. Raises as `compute_output_shape` does."""
        self.compute_output_shape(input_shape)
        rows = self._rows_of(input_shape)
        known = [shape[1:] for shape in vars(self)["_built_shapes"]] if self.built and not is_resizing() else []
        if known and list(map(len, known)) == list(map(len, rows)):
            if all(map(fits, known, rows)):
                return
            try:  # calls of several sizes in one model
                opened = [(None, *merged(*both)) for both in zip(known, rows, strict=True)]
                self.compute_output_shape(opened)
            except ValueError:  # as of sizes of 1, which are stretched
                pass
            else:
                self._shapes = opened
                return
        self._shapes = [(None, *row) for row in rows]
        self.built = True

    @property
    def _is_open(self) -> bool:
        return is_open(self._shapes)

    def _stand_for(self, shape: Any) -> None:
        self._shapes = shape

    def _rows_of(self, shapes: Any) -> list[Any]:
        if not isinstance(shapes, (list, tuple)) or not all(isinstance(shape, (list, tuple)) for shape in shapes):
            got = shapes if isinstance(shapes, (tuple, list)) else describe(shapes)
            raise ValueError(f"layer {self.name!r} must get a list of inputs; got {got}.")
        wanted = self._exactly
        if wanted is not None and len(shapes) != wanted:
            raise ValueError(f"layer {self.name!r} must get {wanted} inputs; got {len(shapes)}.")
        if len(shapes) < self._least:
            raise ValueError(f"layer {self.name!r} must get at least {self._least} inputs; got {len(shapes)}.")
        return [open_shape_of(f"input_shape[{i}]", tuple(shape)[1:]) for i, shape in enumerate(shapes)]

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs, with None for the rows."""
        if not self.built:
            raise ValueError(f"layer {self.name!r} has no shape before it is built: call it, or build(input_shape).")
        return list(self._shapes)

    # -- masks -----------------------------------------------------------------------------------------------------

    supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the output: where any of the inputs' masks is; None if one of the inputs has none.

        Parameters
        ----------
        inputs : list of array_like
        previous_mask : list of array_like of bool or None, optional
        """
        masks = self._listed(previous_mask)
        return None if any(mask is None for mask in masks) else reduce(np.logical_or, masks)

    def _listed(self, masks: Any) -> list[Any]:
        if masks is None:
            return [None]
        if not isinstance(masks, (list, tuple)):
            raise ValueError(f"mask of layer {self.name!r} must be a list, as its inputs are; got {describe(masks)}.")
        return [None if mask is None else mask if is_symbolic(mask) else np.asarray(mask, bool) for mask in masks]

    def _output_mask(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None], output: Value
    ) -> Value | None:
        known = [mask for mask in masks if mask is not None]
        return graph.any_of(known) if len(known) == len(masks) else None

    # -- computing -------------------------------------------------------------------------------------------------

    def _connect(self, x: Any) -> SymbolicTensor:
        tensors = tensors_of(x, f"the inputs of layer {self.name!r}") if isinstance(x, (list, tuple)) else []
        shapes: Any = [tensor.shape for tensor in tensors] if tensors else getattr(x, "shape", x)
        output = self.compute_output_shape(shapes)
        self.build(shapes)
        return Node(self, tensors, True, [output], self.dtype).outputs[0]

    def _checked_inputs(self, x: Any) -> list[np.ndarray]:
        if not isinstance(x, (list, tuple)):
            raise TypeError(f"layer {self.name!r} must get a list of inputs; got {describe(x)}.")
        arrays = [numeric(one, f"x[{i}]") for i, one in enumerate(x)]
        self._rows_of([array.shape or (None,) for array in arrays])
        rows = {len(array) for array in arrays}
        if len(rows) > 1:
            raise ValueError(f"inputs of layer {self.name!r} must have the same number of rows; got {sorted(rows)}.")
        return arrays

    def _build_for(self, shapes: list[Shape]) -> None:
        self.build(shapes)

    def _packed(self, gradients: list[np.ndarray]) -> Any:
        return gradients

    def __call__(self, x: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The output for a list of arrays of rows, at once; or for a list of symbolic tensors.

        Parameters
        ----------
        x : list of array_like, shape (rows, ...) each, or of SymbolicTensor
        training : bool, optional
            Whether to keep what `backward` needs.
        mask
            None: no merge depends on masks.

        Returns
        -------
        ndarray of the layer's dtype, or SymbolicTensor

        Raises
        ------
        TypeError, ValueError
            `x` is no list, or its members have shapes that do not fit.
        """
        return super().__call__(x, training, mask)

    def backward(self, dy: Any) -> tuple[Any, list[np.ndarray]]:
        """Gradients of the last call with ``training=True``: by its input and by the weights.

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
            There was no such call, or `backward` was called for it already.
        TypeError, ValueError
            `dy` is no array of numbers, or of another shape.
        """
        return super().backward(dy)


class Concatenate(Merge):
    """Concatenates inputs along an axis.

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
        `axis` is 0. When called: inputs differ in another axis, or have no such axis.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Concatenate()([np.array([[1.0, 2.0]]), np.array([[3.0]])])
    array([[1., 2., 3.]], dtype=float32)
    """

    def __init__(
        self, axis: int = -1, *, dtype: str | None = None, name: str | None = None, trainable: bool = True
    ) -> None:
        self.axis = check_int("axis", axis, -(2**31))
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

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        ndim = len(self._shapes[0]) if self._shapes else 2
        return {"kind": "concatenate", "axis": self.axis % ndim}

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the output: masks one after another, too, ones where an input has none; None if none has.

        Along the last axis, which masks do not have, it is where any of the masks is.

        Parameters
        ----------
        inputs : list of array_like
        previous_mask : list of array_like of bool or None, optional
        """
        masks = self._listed(previous_mask)
        if all(mask is None for mask in masks):
            return None
        shapes = [np.shape(x) for x in inputs]
        each = [np.ones(shape[:-1], bool) if one is None else one for one, shape in zip(masks, shapes, strict=True)]
        axis = self.axis % len(shapes[0])
        if axis == len(shapes[0]) - 1:
            return reduce(np.logical_or, each)
        return np.concatenate(each, axis)

    def _output_mask(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None], output: Value
    ) -> Value | None:
        if all(mask is None for mask in masks):
            return None
        steps = output.row[:-1] or (1,)
        each = []
        for value, mask in zip(inputs, masks, strict=True):
            known = graph.ones_for(value, value.row[:-1] or (1,)) if mask is None else mask
            if known.row != (value.row[:-1] or (1,)):
                raise ValueError(
                    f"layer {self.name!r} must get masks with all axes of their inputs but the last one; one has rows "
                    f"of shape {known.row}, its input {value.row}."
                )
            each.append(known)
        axis = self.axis % (len(output.row) + 1)
        if axis == len(output.row):
            return graph.any_of(each)
        return graph.add({"kind": "concatenate", "axis": axis}, each, steps)


class Dot(Merge):
    """Dot products of two inputs along an axis of each: all vectors of the one with all of the other.

    Parameters
    ----------
    axes : int or tuple of two
        The axis of the vectors, of both inputs or of each, counted with that of the rows, which it cannot be.
    normalize : bool, default False
        Whether each vector is made as long as 1 first: the output is then the cosine of their angle.
    dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `axes` is not an axis or two, or is that of the rows. When called: there are not two inputs, or their sizes
        along the axes differ.

    Notes
    -----
    The output has the axes of the first input and then those of the second one, without those of the vectors: of
    (rows, 5, 8) and (rows, 3, 8) along axis 2 (rows, 5, 3), of two of shape (rows, n) (rows, 1).

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
        each: Any = axes if isinstance(axes, (list, tuple)) else [axes, axes]
        self._each = [check_int("axes", axis, -(2**31)) for axis in each]
        if len(self._each) != 2 or 0 in self._each:
            raise ValueError(f"axes must be an axis, or two, and none that of the rows, 0; got {brief(axes)}.")
        self.axes, self.normalize = axes, check_bool("normalize", normalize)
        super().__init__(dtype=dtype, name=name, trainable=trainable)

    def _axes_in(self, shapes: Sequence[tuple[int, ...]]) -> list[int]:
        """The axes, counted from the front with that of the rows."""
        found = []
        for axis, shape in zip(self._each, shapes, strict=True):
            ndim = len(shape) + 1
            if not -ndim < axis < ndim:
                raise ValueError(
                    f"axes of layer {self.name!r} must be of its inputs, and not that of the rows; {axis} is none of "
                    f"rows of shape {shape}."
                )
            found.append(axis % ndim)
        return found

    def _output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        axes = self._axes_in(shapes)
        lengths = [shape[axis - 1] for axis, shape in zip(axes, shapes, strict=True)]
        if lengths[0] != lengths[1]:
            raise ValueError(
                f"inputs of layer {self.name!r} must have the same size along axes {self.axes}; their rows have "
                f"{shapes[0]} and {shapes[1]}."
            )
        left = [size for axis, shape in zip(axes, shapes, strict=True) for size in (*shape[: axis - 1], *shape[axis:])]
        return tuple(left) or (1,)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """None: products have no steps."""
        return

    def _output_mask(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None], output: Value
    ) -> Value | None:
        return None

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        first, second = self._axes_in([shape[1:] for shape in self._shapes]) if self._shapes else (1, 1)
        return {"kind": "dot", "first_axis": first, "second_axis": second, "normalize": self.normalize}
