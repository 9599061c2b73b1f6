"""The methods of a model for single batches, in custom training loops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.columns import arrays_of
from ..data.rows import Rows
from ..layers.base.eager import output_gradient
from ..layers.base.symbolic import in_training
from ..trainers.gradients import value_and_grad
from ..trainers.shards.run import value_and_grad_in_shards
from ..trainers.tangents import gauss_newton_product, jvp
from .masked_calls import masks_of
from .trainable import Trainable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..distribution import DataParallel
    from .masked_calls import MaskedCalls

__all__ = ["OnBatches"]


class OnBatches(Trainable):
    """Mixin of models for single batches: calls, training and evaluation."""

    _masked_calls: MaskedCalls

    if TYPE_CHECKING:

        @property
        def input_names(self) -> list[str]: ...

    def predict_on_batch(self, x: ArrayLike) -> Any:
        """Predict the outputs of one batch. Raises as `predict` does."""
        return self._executor.outputs(self._data.inputs(x, "x"))

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Take one step on one batch. Returns loss and metrics before the step, as `evaluate`. Raises as `fit` does.

        `sample_weight`, (rows,): what the loss of each row counts for; or `class_weight`, as in `fit`.
        """
        return self._evaluator.one_batch(x, y, sample_weight, return_dict, True, class_weight)

    def test_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Evaluate one batch: its loss and metrics, as `evaluate`; `sample_weight` as in `train_on_batch`."""
        scores: float | list[float] | dict[str, float] = self._evaluator.one_batch(
            x, y, sample_weight, return_dict, False
        )
        return scores

    def value_and_grad(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[float, list[np.ndarray]]:
        """Loss of a batch in training mode, and its gradient by each weight. No trainable weight is changed.

        Layers that draw, as `Dropout`, draw anew at each call, and averages of normalization layers move, as in a step
        of training. `sample_weight` is as in `train_on_batch`.

        Returns
        -------
        value : float
        gradients : list of ndarray
            In the order and shapes of `trainable_weights`, as ``optimizer.step(model.trainable_weights, gradients)``
            takes them; of what was trainable at the last `compile`.

        Raises
        ------
        TypeError, ValueError
            As `fit` does.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(loss="mse")
        >>> value, (gradient, _) = model.value_and_grad(np.array([[2.0]]), np.array([[1.0]]))
        >>> value, gradient.item()
        (1.0, 4.0)
        """
        rows = self._data.dense(self._data.rows(x, y, sample_weight))
        return self._gradients_of(rows.x, rows.y, rows.weights)

    def _gradients_of(self, x: Any, y: Any, weights: Any = None) -> tuple[float, list[np.ndarray]]:
        """The same for data as a run has it."""
        return value_and_grad(self._executor, Rows(x, y, weights))

    def _value_and_grad_in_shards(
        self, team: DataParallel, x: Any, y: Any, sample_weight: Any
    ) -> tuple[float, list[np.ndarray]]:
        """As `DataParallel.value_and_grad`."""
        rows = self._data.dense(self._data.rows(x, y, sample_weight))
        return value_and_grad_in_shards(self._executor, team, rows)

    def _called(self, x: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The outputs for arrays."""
        trains = in_training(training)
        if not trains and mask is None:
            return self.predict_on_batch(x)
        rows = self._ready(x, "x")
        if not len(rows) and trains:
            raise ValueError(f"x must have at least one row; its shape is {np.shape(x)}.")
        if trains:
            self._masked_calls.forget()
        if mask is not None:
            masks = masks_of(mask, self.input_names, f"model {self.name!r}")
            return self._masked_calls.call(arrays_of(rows), self._input_shapes(x, rows), masks, trains)
        return self._pack_outputs(self._last_call.forward(rows, self._input_shapes(x, rows)))

    def jvp(self, x: ArrayLike, directions: Any = None, dx: Any = None, training: bool = False) -> tuple[Any, Any]:
        """Jacobian-vector product: the outputs, and how they move where the weights and x move.

        Parameters
        ----------
        x : array_like
            A batch, as a call takes it.
        directions : list of (array_like or None), optional
            Of each of `trainable_weights`, in its shape, how fast it moves; None, one by one or for all: it does not.
        dx : array_like, optional
            The same for x, in its shape; of several inputs a list, None for one that does not move.
        training : bool, default False
            Whether layers compute as in training: `Dropout` and its kin draw what they drew in the last call with
            ``training=True`` or of `value_and_grad`, and `BatchNormalization` takes the mean and the variance of the
            batch, which move with x. Otherwise nothing is dropped, and they are its moving statistics, which do not
            move. No statistic is changed in either case.

        Returns
        -------
        y : ndarray
            The outputs.
        dy : ndarray
            Their directions: dy = J_x dx + J_w dw, the derivative of y(x + t dx, w + t dw) by t at 0.

        Raises
        ------
        NotImplementedError
            A custom layer has no method ``jvp``.
        TypeError, ValueError
            A direction is no array of numbers, or of another shape.

        See Also
        --------
        backward : the transposed product, J^T dy.
        gauss_newton_product : both, with the Hessian of the loss between them.

        Notes
        -----
        Forward-mode differentiation, Pearlmutter's R-operator: one more pass through the layers, exact up to rounding.
        JAX has `jax.jvp` and PyTorch `torch.func.jvp` for it.

        References
        ----------
        Pearlmutter 1994, "Fast exact multiplication by the Hessian", doi:10.1162/neco.1994.6.1.147.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        >>> y, dy = model.jvp(np.array([[2.0]]), directions=[[[3.0]]], dx=np.array([[0.5]]))
        >>> y.item(), dy.item()
        (2.0, 6.5)
        """
        rows = self._ready(x, "x")
        if not len(rows):
            raise ValueError(f"x must have at least one row; its shape is {np.shape(x)}.")
        moves = None if dx is None else self._data.input_directions(dx, self._input_shapes(x, rows))
        ys, dys = jvp(self._executor, rows, directions, moves, in_training(training))
        return self._pack_outputs(ys), self._pack_outputs(dys)

    def gauss_newton_product(
        self, x: ArrayLike, y: ArrayLike, directions: Any, sample_weight: ArrayLike | None = None
    ) -> list[np.ndarray]:
        """Product of the Gauss-Newton matrix of the loss with directions of the weights.

        Parameters
        ----------
        x, y, sample_weight
            A batch, as `value_and_grad` takes it.
        directions : list of (array_like or None)
            Of each of `trainable_weights`, in its shape; None: zeros.

        Returns
        -------
        list of ndarray
            G v, in the order and shapes of `trainable_weights`.

        Raises
        ------
        NotImplementedError
            A custom layer has no method ``jvp``.
        TypeError, ValueError
            As `value_and_grad` does; a direction of another shape; or a loss without such a product: one in Python,
            Dice, Tversky and Circle losses.

        Notes
        -----
        G = J^T H J, with J the Jacobian of the outputs by the weights and H the Hessian of the loss by the outputs:
        what the Hessian of the loss would be if the model were linear. G v is computed by a tangent pass, J v, a
        product with H, and a backward pass; G itself is never made. It is positive semi-definite as H is: exactly the
        second derivatives of the loss for the convex ones, with softmax and sigmoid as part of the cross-entropies that
        contain them. Of others H is a positive semi-definite part: of sums over elements, and of cosine similarity,
        without the negative eigenvalues; of the categorical focal loss, and of categorical cross-entropy by
        probabilities, without those of its term in the share of each class, and without what their sum adds. Penalties
        add 2 l2 v, and nothing for their magnitudes and orthogonal parts.

        Layers compute as in training, as in `value_and_grad`, with what was drawn in its last call: so G belongs to the
        gradient that it gave.

        References
        ----------
        Schraudolph 2002, "Fast curvature matrix-vector products for second-order gradient descent",
        doi:10.1162/08997660260028683.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(loss="mse")
        >>> kernel, bias = model.gauss_newton_product(np.array([[2.0]]), np.array([[1.0]]), [[[1.0]], None])
        >>> kernel.item(), bias.item()
        (8.0, 4.0)
        """
        rows = self._data.dense(self._data.rows(x, y, sample_weight))
        return gauss_newton_product(self._executor, rows, directions)

    def backward(self, dy: Any) -> tuple[Any, list[np.ndarray]]:
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
            Those by `trainable_weights`, as ``optimizer.step(model.trainable_weights, dws)`` takes them. The penalties
            of regularizers are in them, as in those of `value_and_grad`; their values are in `losses`. No weight is
            changed.

        Raises
        ------
        RuntimeError
            There was no such call, `backward` was called for it already, or the weights were rebuilt or compiled since;
            with custom layers, or several branches, also if the model was used otherwise in between.
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
            if self._masked_calls.was_last:
                dxs, gradients = self._masked_calls.backward(dy)
                return self._pack_inputs(dxs), gradients
            shapes = self._last_call.output_shapes
            each = zip(self._data.output_gradients(dy), shapes, strict=True)
            dys = [None if one is None else output_gradient(one, shape, self.dtype) for one, shape in each]
            dxs, gradients = self._last_call.backward(dys)
            return self._pack_inputs(dxs), gradients
