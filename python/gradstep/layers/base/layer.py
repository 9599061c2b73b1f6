"""Base class of the layers: weights, and specifications for the compiled core (csrc/layers) or NumPy code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ...checks import check_bool, check_choice, check_int, numeric, open_shape_of
from ...config import FLOATS, floatx
from ...naming import path_part
from .composite import Composite
from .copies import Copied
from .custom_layer import CustomLayer
from .eager import EagerExecutor
from .masked import Masked
from .settings import Settable
from .sizes import OfAnySize, check_is_shape, fits, open_up
from .symbolic import Connected, Node, SymbolicTensor, in_training, is_symbolic, works_as_in_inference
from .variable import Variables
from .weighted import Weighted
from .weights import placed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ...constraints import Constraint
    from ...regularizers import Regularizer

__all__ = ["Layer", "Shape"]

# A shape with its rows, which are None: any number of them.
Shape = tuple[int | None, ...]


class Layer(CustomLayer, Composite, Connected, Copied, Weighted, Variables, Masked, Settable, OfAnySize):
    """Base class of the layers. A custom layer defines `forward` and `backward`, in NumPy.

    Parameters
    ----------
    input_shape : tuple of int, optional
        Shape of one row, for the first layer of a model.
    input_dim : int, optional
        ``input_dim=8`` is ``input_shape=(8,)``.
    dtype : {"float32", "float64"}, default `config.floatx()`
        Of weights, sums and outputs.
    name : str, optional
        By default the class's in small letters, with a number from the second one on.
    trainable : bool, default True
        Whether training changes the weights.

    Attributes
    ----------
    name, dtype : str
    built : bool
        Whether the weights exist: after `build`, the first call, or the build of a model that holds the layer.

    Notes
    -----
    An argument of the constructor may be assigned later, ``layer.rate = 0.1``: it is checked as there and holds from
    the next call on, in models without `compile`, in a running `fit` from the next epoch on. Once the layer is built,
    what would change shapes of weights or outputs is a ValueError.

    A custom layer has these methods, of which a subclass defines the first two at least:

    ``forward(self, x, training=False, mask=None)``
        The output for a batch; or ``call``, as Keras has it. x has shape (rows, ...) and the layer's dtype, and cannot
        be written. Rows of the output follow those of x. mask, which may be left out as training may: which steps
        count, (rows, steps) of bool, or None.
    ``backward(self, dy)``
        From the gradient by the output of the last `forward` in training that by its x, ``dx``; or ``(dx, gradients)``
        with a list of one for each weight that is trainable, in the order in which they were added. Without
        regularizers, whose part is added by itself.
    ``jvp(self, dx, dws)``
        How the output of the last `forward` moves where x moves along dx and the trainable weights along dws, a list:
        for `Model.jvp` and Gauss-Newton products.
    ``build(self, input_shape)``
        Makes the weights, with `add_weight`.
    ``compute_output_shape(self, input_shape)``
        Otherwise one row of zeros is tried.
    ``compute_mask(self, inputs, mask=None)``
        The mask of the output. Without, it is that of the input if the layer sets ``self.supports_masking = True``.
    ``get_config(self)``
        Only if the arguments of the constructor are no attributes of their names.

    It then stands between other layers, in models that are trained, saved and loaded (``custom_objects=``); what it
    draws itself, with NumPy's generators, is not in files. A model of layers of this package alone trains without
    returning to Python; each custom layer is a return in each batch. Keras finds `backward` itself, and knows `forward`
    as `call` only.

    A layer made of layers, which are its attributes, has a method ``call(self, x, training=None)`` that combines them,
    and none of the others but `build` and `get_config`. `call` runs on symbolic tensors, once, and what it combined is
    the graph that the engine runs.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> class Scale(gs.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.w = self.add_weight((input_shape[-1],), "ones", name="w")
    ...     def forward(self, x, training=False):
    ...         self.x = x
    ...         return x * self.w
    ...     def backward(self, dy):
    ...         return dy * self.w, [(dy * self.x).sum(axis=0)]
    >>> layer = Scale()
    >>> layer(np.array([[1.0, 2.0]]), training=True)
    array([[1., 2.]], dtype=float32)
    >>> dx, dws = layer.backward(np.array([[3.0, 4.0]]))
    >>> dx, dws
    (array([[3., 4.]], dtype=float32), [array([3., 8.], dtype=float32)])
    """

    _weight_names: Sequence[str] = ()
    _trained: Sequence[bool] = (True, True)  # which of the weights gradients are for
    _passing: tuple[str, ...] = ("input_shape", "input_dim")  # a model's config has the shape
    _weightless = False  # whether it never has weights, and the engine is not asked what shapes they have
    # Layers without weights, in NumPy, that this one goes on with: a custom activation, a penalty of the output.
    _stages: Sequence[Layer] = ()
    _last_call: int | None = None  # of the engine's, of a layer in NumPy
    _key: int | None = None  # of the random numbers of a layer that draws

    def __init__(
        self,
        *,
        input_shape: Any = None,
        input_dim: int | None = None,
        dtype: Any = None,
        name: Any = None,
        trainable: bool = True,
    ):
        if input_dim is not None:
            if input_shape is not None:
                raise ValueError(f"give input_shape or input_dim, not both; got {input_shape!r} and {input_dim!r}.")
            input_shape = (check_int("input_dim", input_dim, 1),)
        # What the constructor was told, for a model's first layer; the shapes that hold come with build().
        self._declared: tuple[int | None, ...] | None = None
        if input_shape is not None:
            self._declared = open_shape_of("input_shape", input_shape)
        self.dtype = floatx() if dtype is None else check_choice("dtype", dtype, FLOATS)
        self.name = path_part(self, name)
        self._trainable = check_bool("trainable", trainable)
        self.built = False
        self._input_shape = None
        self._weights = []
        self._owned = False  # whether it was put into a Sequential, in whose arena the weights may lie
        self._shared = False  # whether several models may read the weights, which then stay where they are
        self._nodes: list[Node] = []  # calls with symbolic tensors
        self._guard = _core.Guard()  # held while weights change or must not; models join it to their own
        self._eager = EagerExecutor(self)
        super().__init__()

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.name}{f' {self.input_shape} -> {self.output_shape}' if self.built else ''}>"
        )

    # -- what a subclass says --------------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """Shape of the output for a shape of the input, both with None for the rows."""
        if not self._in_numpy:
            raise NotImplementedError(f"{type(self).__name__} must define compute_output_shape(input_shape).")
        if (made := self._shape_of_parts(input_shape)) is not None:
            return made  # type: ignore[no-any-return]
        row = open_shape_of("input_shape", tuple(input_shape)[1:])
        self.build(input_shape)
        return self._output_by_trial(row)

    def specification(self) -> dict[str, Any] | None:
        """Kind and settings of the layer, for the compiled core; None if it computes nothing, or in NumPy."""
        return None

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """Draw initial weights for rows of this shape."""
        return []

    def _draw_key(self) -> None:
        """Draw a new random key, unless the layer has a seed."""

    def rules(self) -> list[tuple[Regularizer | None, Constraint | None]]:
        """Regularizer and constraint of each weight: of a kernel `kernel_regularizer` and `kernel_constraint`."""
        return self._rules_of([name.removesuffix("_kernel") for name in self.weight_names])

    def _rules_of(self, names: Sequence[str]) -> list[tuple[Regularizer | None, Constraint | None]]:
        """The attributes for weights that constructors have by these names."""
        kinds = "regularizer", "constraint"
        return [tuple(getattr(self, f"{name}_{kind}", None) for kind in kinds) for name in names]  # type: ignore[misc]

    @property
    def _computes(self) -> bool:
        """Whether calls compute anything."""
        return self._computes_itself or bool(self._stages)

    @property
    def _computes_itself(self) -> bool:
        """Whether calls compute anything, without the stages."""
        return self._in_numpy or self.specification() is not None

    def _weight_rules(self) -> list[tuple[Regularizer | None, Constraint | None]]:
        """Regularizer and constraint of each weight, with those of `add_weight`."""
        drawn = len(self._weights) - len(self._added_rules)
        rules = self.rules()[:drawn]
        return [*rules, *[(None, None)] * (drawn - len(rules)), *self._added_rules]

    def _full_specification(self, masked: bool = False) -> dict[str, Any] | None:
        """`specification` with the attributes of the weights; masked: whether the layer reads a mask."""
        spec = None if self._in_numpy else self._masked_specification() if masked else self.specification()
        return None if spec is None else spec | {"weights": self._settings()}

    def _settings(self) -> list[dict[str, Any]]:
        """For each weight whether it is trained, and its penalty and constraint, as the compiled core takes them."""
        settings: list[dict[str, Any]] = [
            {"trainable": self._trainable and trained, "updated": self._trainable} for trained in self._trained
        ]
        for setting, (regularizer, constraint), weight in zip(
            settings, self._weight_rules(), self._weights, strict=False
        ):
            if regularizer is not None:
                setting["penalty"] = regularizer.penalty()
            if constraint is not None:
                setting["constraint"] = constraint.rule(weight.ndim)
        return settings

    def _drawn(self, initializer: str, shape: tuple[int, ...]) -> np.ndarray:
        """A weight by the initializer that is the attribute of this name."""
        values = np.asarray(getattr(self, initializer)(shape, dtype=self.dtype))
        if values.shape != shape:
            raise ValueError(f"{initializer} must give an array of shape {shape}; it gave {values.shape}.")
        weight = _core.aligned_zeros(shape, self.dtype)
        weight[...] = values
        return weight

    def _weight(self, index: int) -> np.ndarray:
        if not self.built:
            raise AttributeError(f"layer {self.name!r} has no weights before it is built.")
        return self.weights[index]

    # -- building ----------------------------------------------------------------------------------------------------

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights.

        Parameters
        ----------
        input_shape : sequence
            Shape of the input with the rows in front: ``(None, 64)``, or the ``shape`` of an array.

        Raises
        ------
        ValueError
            A shape the layer cannot take, or another than it was built for.
        """
        if vars(self).get("_in_build"):  # called by the build of a custom layer
            self._weights = self._weights or self.draw_weights(tuple(input_shape)[1:])  # type: ignore[arg-type]
            return
        self._build_around(Layer._draw, input_shape)

    def _check_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """The shape of a row, if the layer can take it."""
        check_is_shape(input_shape)
        shape = open_shape_of("input_shape", tuple(input_shape)[1:])
        open_up(self, shape)
        built_for = (vars(self).get("_built_input_shape") or (None,))[1:] or None
        for known, reason in ((self._declared, "was declared with"), (built_for, "was built for")):
            if known is not None and not fits(known, shape):
                raise ValueError(f"input_shape has rows of shape {shape}; layer {self.name!r} {reason} {known}.")
        if type(self).compute_output_shape is not Layer.compute_output_shape:  # which would build it
            self.compute_output_shape((None, *shape))
        return shape

    def _rows_shape(self) -> tuple[int | None, ...] | None:
        return None if self._input_shape is None else tuple(self._input_shape[1:])

    def _move(self, views: Sequence[np.ndarray]) -> None:
        """Keep the weights in these arrays from now on, with the values they have."""
        for view, weight in zip(views, self._weights, strict=True):
            view[...] = weight
        self._weights = views

    def _placed(self) -> list[np.ndarray]:
        """The weights, where the engine can read them: of any memory if they were given by somebody."""
        self._weights = [placed(weight, self.dtype) for weight in self._weights]
        return list(self._weights)

    @property
    def input_shape(self) -> Shape:
        """Shape of the input, with None for the rows."""
        if self._input_shape is None:
            raise ValueError(f"layer {self.name!r} has no shape before it is built: call it, or build(input_shape).")
        return self._input_shape  # type: ignore[no-any-return]

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, with None for the rows."""
        return self.compute_output_shape(self.input_shape)

    @property
    def _output_row(self) -> tuple[int, ...]:
        """Shape of a row of the output."""
        return self.output_shape[1:]  # type: ignore[return-value]

    @property
    def _outputs(self) -> Sequence[Layer]:
        """Layers that extract each of several outputs from the joined output; empty for one output."""
        return ()

    # -- computing ---------------------------------------------------------------------------------------------------

    def _checked_inputs(self, x: Any) -> list[np.ndarray]:
        """The arrays of a call, one for each input."""
        return [numeric(x, "x")]

    def _build_for(self, shapes: list[Shape]) -> None:
        """Build for inputs of these shapes."""
        self.build(shapes[0])

    def _packed(self, gradients: list[np.ndarray]) -> Any:
        """Gradients by the inputs as `backward` returns them."""
        return gradients[0]

    def _unpacked(self, y: np.ndarray) -> Any:
        """Outputs of a call, from the joined array of them."""
        return y

    def _packed_outputs(self, dy: Any) -> Any:
        """The gradient by that array, of what `backward` is given."""
        return dy

    def __call__(self, x: ArrayLike | SymbolicTensor, training: bool | None = None, mask: Any = None) -> Any:
        """The output for an array of rows, at once; or for a symbolic tensor. Builds the layer if it is not.

        Parameters
        ----------
        x : array_like, shape (rows, ...), or SymbolicTensor
        training : bool, optional
            Whether the layer works as in training, and keeps what `backward` needs: the last such call counts. What it
            draws, as `Dropout`, is new in each. Of a symbolic tensor False: it works as in inference in `fit` too.
        mask : array_like of bool, shape (rows, steps), or SymbolicTensor; optional
            Which steps of x count; of layers whose numbers depend on it. Between layers of a model masks travel by
            themselves: this is another one, for the output too.

        Returns
        -------
        ndarray of the layer's dtype, or SymbolicTensor

        Raises
        ------
        TypeError, ValueError
            `x` is no array of numbers, or has a shape that the layer cannot take; `mask` does not fit it, or the layer
            takes none.
        """
        symbolic = is_symbolic(x)
        trains = in_training(training, symbolic)
        if symbolic:
            made = self._connected(x, mask)
            self._nodes[-1].in_inference = works_as_in_inference(training)
            return made
        return self._eager.forward(x, trains, mask)

    def backward(self, dy: ArrayLike) -> tuple[np.ndarray, list[np.ndarray]]:
        """Gradients of the last call with ``training=True``: by its input and by the weights.

        Parameters
        ----------
        dy : array_like
            The gradient by what that call gave, of its shape.

        Returns
        -------
        dx : ndarray
            The gradient by x of that call, in its shape.
        dws : list of ndarray
            Those by `trainable_weights`, of what `losses` adds too; no weight is changed.

        Raises
        ------
        RuntimeError
            There was no such call, or `backward` was called for it already.
        TypeError, ValueError
            `dy` is no array of numbers, or of another shape.
        NotImplementedError
            A custom layer has no `backward`.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> layer = gs.layers.Dense(1, kernel_initializer="ones")
        >>> y = layer(np.array([[2.0, 3.0]]), training=True)
        >>> dx, (kernel, bias) = layer.backward(np.array([[1.0]]))
        >>> dx, kernel.ravel(), bias
        (array([[1., 1.]], dtype=float32), array([2., 3.], dtype=float32), array([1.], dtype=float32))
        """
        if self._is_made_by_call:
            return self._backward_of_parts(dy)  # type: ignore[no-any-return]
        if vars(self).get("_in_backward"):
            raise NotImplementedError(f"layer {self.name!r} must define backward(dy) for training.")
        return self._eager.backward(dy)
