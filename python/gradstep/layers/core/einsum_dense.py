"""Dense layers along any axes, described by an equation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ... import activations, constraints, initializers, regularizers
from ...activations import rows
from ...checks import check_config, check_int, describe
from ...described import arguments_of
from ...initializers import VarianceScaling
from ..base.arguments import options_of, take_rules
from ..base.layer import Layer
from ..base.tracing import current
from ..merging.elementwise import Add
from ..reshaping.permute import Permute
from ..reshaping.reshape import Reshape
from .activation import Activation, stages_of
from .of_layers import OfLayers
from .own_weights import dense, value_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["EinsumDense"]

EQUATION = re.compile(r"((?:\.\.\.)?[a-zA-Z]+(?:\.\.\.)?),([a-zA-Z]+)->((?:\.\.\.)?[a-zA-Z]+(?:\.\.\.)?)")


class EinsumDense(OfLayers, Layer):
    """Densely connected layer along the axes that an equation names.

    Parameters
    ----------
    equation : str
        Axes of the input, of the kernel and of the output, a letter each: ``"abc,cd->abd"``. The first axis of input
        and output is that of the rows. ``...`` in front or behind stands for more axes: ``"...x,xy->...y"``.
    output_shape : int or tuple of int or None
        Shape of a row of the output, without axes of ``...``; None where it is that of the input.
    activation : str or function, optional
        Of `gradstep.activations`.
    bias_axes : str, optional
        Axes of the output that the bias has. None: no bias.
    kernel_initializer : str, Initializer or function, default "glorot_uniform"
        What the kernel is at the start.
    bias_initializer : str, Initializer or function, default "zeros"
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        What the weights add to the loss: of `gradstep.regularizers`.
    kernel_constraint, bias_constraint : str or Constraint, optional
        What the weights must be after each step; of a kernel or bias of more axes `NonNeg` alone.
    input_shape, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray
        Its axes are those of the equation.
    bias : ndarray
        Axes of the output from the first of `bias_axes` on, with 1 for those that are not in it; or None.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type; an equation whose kernel does not have the axes that are summed over, then new
        ones; shapes that do not fit it.

    Notes
    -----
    It is one product of matrices, as `Dense` is. Keras's layer also takes kernels with their axes in another order, and
    with axes of input and output in common.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.EinsumDense("abc,cde->abde", (None, 2, 8), bias_axes="de")
    >>> layer(np.zeros((4, 5, 3))).shape, layer.kernel.shape, layer.bias.shape
    ((4, 5, 2, 8), (3, 2, 8), (2, 8))
    """

    supports_masking = True
    _kept_as: ClassVar[Mapping[str, str]] = {"output_shape": "_sizes"}
    kernel_initializer: Any
    bias_initializer: Any

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: str | Callable[..., np.ndarray] | None = None,
        bias_axes: str | None = None,
        kernel_initializer: str | initializers.Initializer | Callable[..., Any] = "glorot_uniform",
        bias_initializer: str | initializers.Initializer | Callable[..., Any] = "zeros",
        kernel_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        kernel_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        if not isinstance(equation, str) or not (found := EQUATION.fullmatch(equation.replace(" ", ""))):
            raise ValueError(f"equation must be of the form 'abc,cd->abd'; got {describe(equation)}.")
        self._axes = found.groups()
        sizes = output_shape if isinstance(output_shape, (list, tuple)) else [output_shape]
        self._sizes = [None if n is None else check_int(f"output_shape[{i}]", n, 1) for i, n in enumerate(sizes)]
        if bias_axes is not None and not (isinstance(bias_axes, str) and bias_axes and set(bias_axes) <= set(found[3])):
            raise ValueError(f"bias_axes must be axes of the output, {found[3]!r}; got {describe(bias_axes)}.")
        self.equation, self.bias_axes = equation, bias_axes
        self.activation = activations.get(activation)
        activations.specify(self.activation)
        take_rules(self, locals())
        super().__init__(**options_of(locals()))
        self._stages = stages_of(self.activation, None, self)
        self._matrix = 0, 0  # shape of the kernel as a matrix

    def get_config(self) -> dict[str, Any]:
        """Config of the layer: the arguments of its constructor."""
        return arguments_of(self, (*self._passing, "output_shape")) | {"output_shape": list(self._sizes)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Create a layer from its config, of this package or Keras. Raises as the class itself."""
        return cls(**check_config(config))

    @property
    def kernel(self) -> np.ndarray:
        """The kernel, with the axes of the equation."""
        return self._weight(0)

    @property
    def bias(self) -> np.ndarray | None:
        """Bias; None without `bias_axes`."""
        return self._weight(1) if self.bias_axes else None

    def _letters(self, rank: int) -> tuple[str, str, str]:
        """The axes of input, kernel and output, with letters in the place of ``...``."""
        given, kernel, made = self._axes
        spare = [one for one in map(chr, range(ord("a"), ord("z") + 1)) if one not in self.equation]
        more = rank - len(given.replace("...", ""))
        if more < 0 or (more and "..." not in given) or ("..." in given) != ("..." in made):
            raise ValueError(
                f"inputs of layer {self.name!r} must have the axes of {self.equation!r}; they have {rank}."
            )
        return given.replace("...", "".join(spare[:more])), kernel, made.replace("...", "".join(spare[:more]))

    def _sizes_of(self, input_shape: Sequence[int | None]) -> tuple[str, str, str, dict[str, Any]]:
        """The axes, and the size of each."""
        given, kernel, made = self._letters(len(input_shape))
        summed, new = [one for one in kernel if one in given], [one for one in kernel if one not in given]
        in_order = kernel == "".join([*summed, *new])
        rest = [one for one in given if one not in summed]
        each = all(len(set(one)) == len(one) for one in (given, kernel, made))
        if not (each and in_order and summed and new and sorted(made) == sorted([*rest, *new]) and given[0] == made[0]):
            raise ValueError(
                f"equation of layer {self.name!r} must have the rows first, and a kernel with the axes that are summed "
                f"over, then the new ones of the output, as 'abc,cd->abd'; got {self.equation!r}."
            )
        sizes: dict[str, Any] = dict(zip(given, input_shape, strict=True))
        named = self._axes[2].replace("...", "")[not self._axes[2].startswith("...") :]
        if len(named) != len(self._sizes):
            raise ValueError(f"output_shape must have {len(named)} sizes, for {named!r}; got {self._sizes}.")
        for letter, size in zip(named, self._sizes, strict=True):
            known = sizes.setdefault(letter, size)
            if known is None and letter in new:
                raise ValueError(f"output_shape must give the size of axis {letter!r}; got {self._sizes}.")
            if size is not None and known is not None and size != known:
                raise ValueError(
                    f"output_shape has {size} for axis {letter!r}; the input of {self.name!r} has {known}."
                )
        return given, kernel, made, sizes

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights. Raises ValueError if the shape does not fit the equation."""
        given, kernel, made, sizes = self._sizes_of(input_shape)
        shape = tuple(sizes[one] for one in kernel)
        self._matrix = (
            prod(sizes[one] for one in kernel if one in given),
            prod(sizes[one] for one in kernel if one not in given),
        )
        drawn = self.kernel_initializer
        if isinstance(drawn, VarianceScaling):  # whose numbers follow from how many are summed
            drawn = lambda shape, dtype: self.kernel_initializer(self._matrix, dtype=dtype).reshape(shape)  # noqa: E731
        self.add_weight(shape, drawn, name="kernel", **self._rules("kernel", len(shape) == 2))
        if self.bias_axes:
            behind = made[min(map(made.index, self.bias_axes)) :]
            wide = tuple(sizes[one] if one in self.bias_axes else 1 for one in behind)
            if None in wide:
                raise ValueError(f"bias_axes of layer {self.name!r} must be of a known size; the bias would be {wide}.")
            self.add_weight(wide, self.bias_initializer, name="bias", **self._rules("bias", len(wide) == 1))

    def _rules(self, weight: str, is_plain: bool) -> dict[str, Any]:
        """Regularizer and constraint of a weight; is_plain: of which the engine's has the shape."""
        constraint = getattr(self, f"{weight}_constraint")
        if not is_plain and not isinstance(constraint, (constraints.NonNeg, type(None))):
            raise ValueError(
                f"{weight}_constraint of layer {self.name!r} must be NonNeg for a {weight} of such a shape."
            )
        return {"regularizer": getattr(self, f"{weight}_regularizer"), "constraint": constraint}

    def call(self, inputs: Any) -> Any:
        """The output."""
        given, kernel, made, sizes = self._sizes_of(inputs.shape)
        summed, new = [one for one in kernel if one in given], [one for one in kernel if one not in given]
        rest = [one for one in given[1:] if one not in summed]
        run = current()
        assert run is not None
        x = self._moved(inputs, given[1:], [*rest, *summed])
        x = self._reshaped(x, [*(sizes[one] for one in rest), self._matrix[0]])
        bias = self._weights[1] if self.bias_axes else None
        is_last = made.endswith("".join(new))
        biased = bias is None or (is_last and self.bias_axes == "".join(new))  # by the product itself
        activated = biased and ((is_last and len(new) == 1) or self._is_elementwise)
        y = dense(run, x, self._weights[0], self._matrix, bias if biased else None, self if activated else None)
        y = self._reshaped(y, [sizes[one] for one in (*rest, *new)])
        y = self._moved(y, [*rest, *new], made[1:])
        if not biased:
            y = Add(dtype=self.dtype, name=f"{self.name}_add")([y, value_of(run, y, self._weights[1])])
        if not activated:
            y = Activation(self.activation, dtype=self.dtype, name=f"{self.name}_activation")(y)
        return y

    @property
    def _is_elementwise(self) -> bool:
        """Whether the activation is one of single numbers."""
        return activations.specify(self.activation)["kind"] not in rows.__all__ and not self._stages

    def _moved(self, x: Any, axes: Sequence[str], wanted: Sequence[str]) -> Any:
        """With the axes beside the rows in another order."""
        if list(axes) == list(wanted):
            return x
        order = [list(axes).index(one) + 1 for one in wanted]
        return Permute(order, dtype=self.dtype, name=f"{self.name}_axes")(x)

    def _reshaped(self, x: Any, row: Sequence[Any]) -> Any:
        """In another shape, of which one size may not be known."""
        if tuple(x.shape[1:]) == tuple(row):
            return x
        return Reshape([-1 if n is None else n for n in row], dtype=self.dtype, name=f"{self.name}_shape")(x)
