"""Tensors without numbers, by which a model is described: which layer makes them, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partialmethod
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ...checks import check_bool, describe
from ...naming import next_name
from .tracing import Inside, Untraceable, current, of_numpy

if TYPE_CHECKING:
    from .layer import Shape

__all__ = [
    "OF_TENSORS",
    "Connected",
    "Node",
    "SymbolicTensor",
    "in_training",
    "is_symbolic",
    "rescaling_by",
    "rows_before",
    "tensors_of",
    "works_as_in_inference",
]

LARGEST_POWER = 8  # that ** makes of products


class SymbolicTensor:
    """Symbolic tensor: a shape and dtype, returned by `Input` and by layers and models called with it.

    Attributes
    ----------
    shape : tuple
        With None for the rows.
    dtype, name : str
    node : Node
        The call that makes it, and through it the layer.
    index : int
        Which output of the call it is.

    Notes
    -----
    Arithmetic makes layers: ``a + b`` is ``layers.Add()([a, b])``, and so are ``a - b`` and ``a * b``; with a number it
    is a `Rescaling`; ``a[:, :2]`` is a `GetItem`, and ``a**2`` a product. Their names are those of Keras's operations.
    In the method `call` of a layer or model they take arrays too: weights that it added, ``h @ self.w + self.b``, and
    constants.
    """

    def __init__(self, shape: Shape, dtype: str, name: str, node: Node, index: int = 0) -> None:
        self.shape, self.dtype, self.name, self.node, self.index = tuple(shape), dtype, name, node, index

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.name} shape={self.shape} dtype={self.dtype}>"

    def __add__(self, other: Any) -> SymbolicTensor:
        return _combined("add", self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> SymbolicTensor:
        return _combined("subtract", self, other)

    def __rsub__(self, other: Any) -> SymbolicTensor:
        return _combined("subtract", self, other, is_first=False)

    def __mul__(self, other: Any) -> SymbolicTensor:
        return _combined("multiply", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> SymbolicTensor:
        return _combined("true_divide", self, other)

    def __rtruediv__(self, other: Any) -> SymbolicTensor:
        return _combined("true_divide", self, other, is_first=False)

    def __matmul__(self, other: Any) -> SymbolicTensor:
        return _combined("matmul", self, other)

    def __rmatmul__(self, other: Any) -> NoReturn:
        raise Untraceable("a weight must stand behind @, as in x @ self.w; it stands in front.")

    def __neg__(self) -> SymbolicTensor:
        return _combined("negative", self, -1.0)

    def __pow__(self, exponent: Any) -> SymbolicTensor:
        if isinstance(exponent, bool) or not isinstance(exponent, int) or not 1 <= exponent <= LARGEST_POWER:
            raise Untraceable(f"exponents behind ** must be whole, 1 to {LARGEST_POWER}; got {exponent!r}.")
        made = self
        for _ in range(exponent - 1):
            made = made * self
        return made

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Arithmetic with arrays and NumPy's numbers in front; NumPy's other functions need numbers."""
        name = {"divide": "true_divide"}.get(ufunc.__name__, ufunc.__name__)
        if method != "__call__" or options or name not in ARITHMETIC or len(inputs) != 2:
            raise of_numpy(ufunc.__name__)
        first, second = inputs
        if isinstance(first, SymbolicTensor):
            return _combined(name, first, second)
        return second.__rmatmul__(first) if name == "matmul" else _combined(name, second, first, is_first=False)

    def __array_function__(self, function: Any, *_: Any) -> NoReturn:
        raise of_numpy(function.__name__)

    def _no_number(self, other: Any, sign: str = "") -> NoReturn:
        raise Untraceable(f"{self!r} has no numbers that {sign} could take or compare.")

    __lt__ = partialmethod(_no_number, sign="<")
    __le__ = partialmethod(_no_number, sign="<=")
    __gt__ = partialmethod(_no_number, sign=">")
    __ge__ = partialmethod(_no_number, sign=">=")
    __mod__ = partialmethod(_no_number, sign="%")
    __floordiv__ = partialmethod(_no_number, sign="//")

    def __getitem__(self, key: Any) -> SymbolicTensor:
        from ..reshaping.get_item import GetItem

        made: SymbolicTensor = GetItem(key if isinstance(key, tuple) else (key,), dtype=self.dtype)(self)
        return made

    @property
    def ndim(self) -> int:
        """How many axes there are, with that of the rows."""
        return len(self.shape)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise Untraceable(f"{self!r} has no numbers: they come when a Model is called with data.")

    def __len__(self) -> NoReturn:
        raise Untraceable(f"{self!r} has no number of rows: it comes when a Model is called with data.")

    def __bool__(self) -> NoReturn:
        raise Untraceable(f"{self!r} has no numbers, and so is neither true nor false.")

    def __iter__(self) -> NoReturn:
        raise Untraceable(f"{self!r} has no numbers to go through.")


class Node:
    """One call of a layer, or of a model that is used as one.

    Attributes
    ----------
    operation : Layer or model
    inputs : list of SymbolicTensor
        None for an `InputLayer`. Masks that the call was given stand behind the others.
    listed : bool
        Whether they came in a list.
    masked : list of (int, Layer)
        For each of those masks which input it is of, and the layer that gives it to that.
    outputs : list of SymbolicTensor
    in_inference : bool
        Whether the layers compute in training too what they do in inference: a call with ``training=False``.
    inside : Inside, optional
        Of a layer made of layers: what its `call` made of them.
    arguments : (tuple, dict), optional
        Of such a layer: the arguments of the call, with the inputs among them.
    """

    in_inference = False
    inside: Inside | None = None
    arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    def __init__(
        self, operation: Any, inputs: Sequence[SymbolicTensor], listed: bool, shapes: Sequence[Shape], dtype: str
    ) -> None:
        self.operation, self.inputs, self.listed = operation, list(inputs), listed
        self.masked: list[tuple[int, Any]] = []
        self.outputs = [SymbolicTensor(shape, dtype, operation.name, self, i) for i, shape in enumerate(shapes)]
        operation._nodes.append(self)
        run = current()
        if run is not None and inputs:
            run.nodes.append(self)

    @property
    def given(self) -> list[SymbolicTensor]:
        """The inputs without masks."""
        return self.inputs[: len(self.inputs) - len(self.masked)]

    def take_masks(self, masks: Sequence[Any]) -> None:
        """Add the masks that a call was given, one for each input or None.

        Raises
        ------
        TypeError, ValueError
            Something is no symbolic tensor; axes of a mask are not the first ones of its input.
        """
        from ..core.set_mask import SetMask

        given = self.given
        if len(masks) != len(given):
            raise ValueError(f"mask must be a list of {len(given)}, one for each input or None; got {len(masks)}.")
        for i, (tensor, mask) in enumerate(zip(given, masks, strict=True)):
            if mask is None:
                continue
            if not isinstance(mask, SymbolicTensor):
                raise TypeError(f"mask must be a symbolic tensor, as its input is; got {describe(mask)}.")
            if mask.ndim < 2 or mask.shape[1:] != tensor.shape[1 : mask.ndim]:
                raise ValueError(f"mask must have the first axes of its input, {tensor.shape}; it has {mask.shape}.")
            self.inputs.append(mask)
            self.masked.append((i, SetMask(dtype=self.outputs[0].dtype, name=f"{self.outputs[0].name}_mask")))


# Operations of two tensors, by Keras's names, and the layers that they are.
OF_TENSORS = {"add": "Add", "subtract": "Subtract", "multiply": "Multiply"}
ARITHMETIC = (*OF_TENSORS, "true_divide", "matmul")


def rescaling_by(operation: str, number: float, is_first: bool = True) -> tuple[float, float] | None:
    """Scale and offset of the `Rescaling` that an operation with a number is; None if it is none.

    is_first: whether the tensor comes first, and then the number.
    """
    if operation == "add":
        return 1.0, number
    if operation == "subtract":
        return (1.0, -number) if is_first else (-1.0, number)
    if operation in ("multiply", "negative"):
        return number, 0.0
    return (1 / number, 0.0) if operation == "true_divide" and is_first else None


def _combined(operation: str, tensor: SymbolicTensor, other: Any, is_first: bool = True) -> SymbolicTensor:
    """Output of a merge layer for two tensors, or of `Rescaling` for a tensor and a number."""
    from ..merging import elementwise
    from ..preprocessing import rescaling

    made: SymbolicTensor
    run = current()
    if run is not None and isinstance(other, np.ndarray) and operation in ARITHMETIC:
        from ..core.own_weights import inverse, product, value_of

        if operation == "matmul":
            return product(run, tensor, other)
        if operation == "true_divide" and is_first:
            operation, other = "multiply", inverse(run, other)
        if operation in OF_TENSORS:
            value = value_of(run, tensor, other)
            pair = [tensor, value] if is_first else [value, tensor]
            made = getattr(elementwise, OF_TENSORS[operation])(dtype=tensor.dtype)(pair)
            return made
    if isinstance(other, (int, float, np.integer, np.floating)) and not isinstance(other, bool):
        numbers = rescaling_by(operation, float(other), is_first)
        if numbers is None:
            raise Untraceable(f"{operation} must not have a SymbolicTensor as its second argument; got {tensor!r}.")
        made = rescaling.Rescaling(*numbers, dtype=tensor.dtype, name=next_name(operation))(tensor)
    elif isinstance(other, SymbolicTensor) and operation in OF_TENSORS:
        made = getattr(elementwise, OF_TENSORS[operation])(dtype=tensor.dtype)([tensor, other])
    else:
        kinds = "a number or a SymbolicTensor" if operation in OF_TENSORS else "a number"
        raise Untraceable(f"{operation} of {tensor!r} must be with {kinds}; got {describe(other)}.")
    return made


def is_symbolic(x: Any) -> bool:
    """Whether x is a symbolic tensor, or a list or dict with one."""
    if isinstance(x, dict):
        return any(map(is_symbolic, x.values()))
    return isinstance(x, SymbolicTensor) or (isinstance(x, (list, tuple)) and any(map(is_symbolic, x)))


def in_training(training: Any, symbolic: bool = False) -> bool:
    """The argument of a call: False where it is left out; it must not be True in the description of a model."""
    trains = training is not None and check_bool("training", training)
    run = current() if symbolic else None
    if run is not None:
        run.check_training(training)
    elif symbolic and trains:
        raise ValueError(
            "training must be left out, or False, in a call with symbolic tensors: fit works as in training, evaluate "
            "and predict do not; got True."
        )
    return trains


def works_as_in_inference(training: bool | None) -> bool:
    """Whether a call with symbolic tensors and this argument works as in inference in `fit` too."""
    run = current()
    return training is not None if run is None else run.check_training(training)


def rows_before(tensor: SymbolicTensor) -> int | None:
    """The fixed number of rows of a model's input that a symbolic tensor comes from, if there is one."""
    waiting, seen = [tensor.node], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        rows: int | None = vars(node.operation).get("batch_size")
        if rows is not None:
            return rows
        waiting += [one.node for one in node.inputs]
    return None


def tensors_of(x: Any, what: str) -> list[SymbolicTensor]:
    """The tensors of one, or of a list of them.

    Raises
    ------
    TypeError
        Something else is among them.
    """
    given = list(x) if isinstance(x, (list, tuple)) else [x]
    for i, tensor in enumerate(given):
        if not isinstance(tensor, SymbolicTensor):
            raise TypeError(
                f"{what} must be symbolic tensors, of Input() and of layers called with them; number {i} is "
                f"{describe(tensor)}."
            )
    return given


class Connected:
    """Mixin of `Layer` for calls with symbolic tensors."""

    name: str
    dtype: str
    _nodes: list[Node]

    if TYPE_CHECKING:
        _in_numpy: bool
        _key: int | None

        def build(self, input_shape: Shape) -> None: ...
        def compute_output_shape(self, input_shape: Shape) -> Shape: ...
        def specification(self) -> dict[str, Any] | None: ...

    @property
    def _differs_in_training(self) -> bool:
        """Whether it may compute in training what it does not in inference."""
        draws = self._in_numpy or self._key is not None
        return draws or (self.specification() or {}).get("kind") == "batch_normalization"

    @property
    def input(self) -> Any:
        """Input tensor of the layer's first symbolic call, or a list of several.

        Raises
        ------
        ValueError
            It was called with none.
        """
        node = self._first_node("input")
        return node.given if node.listed else (node.given or node.outputs)[0]

    @property
    def output(self) -> SymbolicTensor:
        """Output tensor of the layer's first symbolic call. Raises as `input` does."""
        return self._first_node("output").outputs[0]

    def _first_node(self, what: str) -> Node:
        if not self._nodes:
            raise ValueError(f"layer {self.name!r} has no {what}: it was not called with a symbolic tensor.")
        return self._nodes[0]

    def _connect(self, x: Any) -> SymbolicTensor:
        """Be part of a model that is being described."""
        tensors = tensors_of(x, f"the input of layer {self.name!r}")
        if len(tensors) != 1:
            raise ValueError(f"layer {self.name!r} must get one input; got a list of {len(tensors)}.")
        self.build(tensors[0].shape)
        return Node(self, tensors, False, [self.compute_output_shape(tensors[0].shape)], self.dtype).outputs[0]
