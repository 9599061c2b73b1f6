"""Models called on arrays, in loops of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..checks import numeric
from ..layers.base import Shape
from ..layers.eager import output_gradient
from ..layers.symbolic import in_training
from .columns import arrays_of
from .fed import whole_or_none
from .network import arranged
from .training import Trainer

if TYPE_CHECKING:
    pass

__all__ = ["Called"]


class Called(Trainer):
    """A model that goes forward and backward over arrays at once."""

    name: str

    def __init__(self) -> None:
        super().__init__()
        self._tape: _core.ForwardBackward | None = None
        # Shapes of inputs and outputs of the last call in training, to go backward from.
        self._back: tuple[list[tuple[int, ...]], list[tuple[int, ...]]] | None = None

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, with None for the rows."""
        raise NotImplementedError

    def _output_row(self) -> tuple[int, ...]:
        return tuple(n for n in self.output_shape[1:] if n is not None)

    def _input_shapes(self, x: Any, rows: Any) -> list[tuple[int, ...]]:
        """Shapes of what a user gave as inputs, whose gradients will have them."""
        return [np.shape(x)]

    def _forget_network(self) -> None:
        super()._forget_network()
        self._tape = self._back = None

    @whole_or_none
    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """The outputs for one batch, at once.

        Parameters
        ----------
        x : array_like, shape (rows, ...)
        training : bool, optional
            Whether the layers work as in training, and the model keeps what `backward` needs: the last such call
            counts. Layers that draw, as `Dropout`, draw anew in each; normalization by batches moves its averages.

        Returns
        -------
        ndarray of the model's dtype, of the shape of the last layer's output

        Raises
        ------
        TypeError, ValueError
            As `predict` does.
        """
        if not in_training(training):
            return self.predict_on_batch(x)
        rows = self._ready(x, "x")
        if not len(rows):
            raise ValueError(f"x must have at least one row; its shape is {np.shape(x)}.")
        arrays = [np.array(array) for array in arrays_of(rows)]  # backward reads them
        shapes = [(len(rows), *row) for row in self._output_rows()]
        network = self._network
        assert network is not None
        with self._guard:
            if self._tape is None:
                self._tape = _core.ForwardBackward(network)
            self._back = None
            made = self._tape.forward(arrays, True, self._lone_pass(), None, True)
            self._back = self._input_shapes(x, rows), shapes
            ys = made if isinstance(made, list) else [made]
            return self._packed([y.reshape(shape) for y, shape in zip(ys, shapes, strict=True)])

    def backward(self, dy: Any) -> tuple[Any, list[np.ndarray]]:
        """The way back from the last call with ``training=True``, once.

        Parameters
        ----------
        dy : array_like
            The gradient by what that call gave, of its shape.

        Returns
        -------
        dx : ndarray
            The gradient by x of that call, in its shape.
        dws : list of ndarray
            Those by `trainable_weights`, as ``optimizer.step(model.trainable_weights, dws)`` takes them. The penalties
            of regularizers are in them, as in those of `value_and_grad`; their values are in `losses`. No weight is
            changed.

        Raises
        ------
        RuntimeError
            There was no such call, the way back from it has been gone, or the weights were made or compiled anew since;
            with layers of your own, or several branches, also if the model was used otherwise in between.
        TypeError, ValueError
            `dy` is no array of numbers, or of another shape.

        Notes
        -----
        The weights must be those of the call: step after going back. Keras has `tf.GradientTape` and its like for this;
        models may be chained as there, see the example.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> ones = {"kernel_initializer": "ones", "use_bias": False}
        >>> first = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1, **ones)])
        >>> second = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, "relu", **ones)])
        >>> y = second(first(np.array([[1.0, 2.0]]), training=True), training=True)
        >>> dx, _ = second.backward(np.array([[2.0]]))
        >>> dx, (kernel,) = first.backward(dx)
        >>> y, dx, kernel
        (array([[3.]], dtype=float32), array([[2., 2.]], dtype=float32), array([[2.],
               [4.]], dtype=float32))
        """
        with self._guard:
            return self._gone_back(dy)

    def _gone_back(self, dy: Any) -> tuple[Any, list[np.ndarray]]:
        if self._back is None or self._tape is None or self._network is None:
            raise RuntimeError(
                f"model {self.name!r} must be called with training=True before each backward(), which goes back from "
                "that call; compile(), add() and pop() forget it."
            )
        shapes, outputs = self._back
        slopes = [
            None if one is None else output_gradient(one, shape, self._dtype).reshape(len(one), -1)
            for one, shape in zip(self._slopes(dy), outputs, strict=True)
        ]
        made = self._tape.backward(slopes)
        self._back = None
        dxs = made if isinstance(made, list) else [made]
        gradients = arranged(self._network, self._tape.gradients, self.trainable_weights)
        found = [dx.reshape(shape) for dx, shape in zip(dxs, shapes, strict=True)]
        return self._packed_inputs(found), [gradient.copy() for gradient in gradients]

    def _slopes(self, dy: Any) -> list[Any]:
        """The gradients by the outputs that `backward` is given, one for each; None for zeros."""
        return [numeric(dy, "dy")]

    def _packed_inputs(self, values: Sequence[Any]) -> Any:
        """Values, one for each input, as inputs are given."""
        return values[0]
