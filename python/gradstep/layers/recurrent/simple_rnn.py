"""The simple recurrent layer (csrc/layers/recurrent.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import constraints, initializers, regularizers
from .recurrent import Recurrent

__all__ = ["SimpleRNN"]


class SimpleRNN(Recurrent):
    r"""Fully connected recurrent layer: each step gets the output of the step before.

    Parameters
    ----------
    units : int
        How many numbers the state has; at least 1.
    activation : str or function, default "tanh"
        Of the output: of `gradstep.activations`.
    use_bias : bool, default True
    kernel_initializer : str, Initializer or function, default "glorot_uniform"
        What the kernel of the inputs is at the start.
    recurrent_initializer : str, Initializer or function, default "orthogonal"
        What the kernel of the states is at the start.
    bias_initializer : str, Initializer or function, default "zeros"
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        What the weights add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        What the weights must be after each step: of `gradstep.constraints`.
    dropout, recurrent_dropout : float, default 0.0
        In training, the share of the inputs, and of the state that goes into the products, that is set to 0; at least
        0, below 1. A row drops the same ones at all its steps, and for all gates.
    seed : int, optional
        What is dropped follows from it; by default from `utils.set_random_seed`.
    return_sequences : bool, default False
        Whether the output has h of each step, shape (rows, steps, units), instead of the last one's, (rows, units).
    return_state : bool, default False
        Whether a call gives a list: the output, then the last states, (rows, units) each.
    go_backwards : bool, default False
        Whether the last step of a sequence comes first; with `return_sequences` the output stays in that order.
    stateful : bool, default False
        Whether row i of a batch begins with the states that row i of the batch before left. The model must then begin
        with an `Input` of a fixed number of rows, ``Input(batch_shape=(32, steps, inputs))``.
    unroll : bool, default False
        Makes no difference to what is computed, nor here to how: it is there for Keras's configs.
    zero_output_for_mask : bool, default False
        Whether steps that a mask leaves out give 0, instead of what the step before gave.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (inputs, units)
    recurrent_kernel : ndarray, shape (units, units)
    bias : ndarray, shape (units,)
        None without `use_bias`. They are the weights themselves: writing to them changes the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; an activation of the program's own.
    ValueError
        At the build: inputs are not of shape (rows, steps, inputs).

    Notes
    -----
    .. math:: h_t = f(x_t W + h_{t-1} U + b)

    as in Keras. PyTorch's `RNN` keeps the transposed weights, and two biases, of which this is the sum.

    References
    ----------
    Elman, "Finding structure in time", Cognitive Science 14 (1990).

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.SimpleRNN(1, "linear", kernel_initializer="ones", recurrent_initializer="ones")
    >>> layer(np.array([[[1.0], [2.0], [5.0]]]))
    array([[8.]], dtype=float32)
    """

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., np.ndarray] | None = "tanh",
        use_bias: bool = True,
        kernel_initializer: str | initializers.Initializer | Callable[..., Any] = "glorot_uniform",
        recurrent_initializer: str | initializers.Initializer | Callable[..., Any] = "orthogonal",
        bias_initializer: str | initializers.Initializer | Callable[..., Any] = "zeros",
        kernel_regularizer: str | regularizers.Regularizer | None = None,
        recurrent_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        activity_regularizer: str | regularizers.Regularizer | None = None,
        kernel_constraint: str | constraints.Constraint | None = None,
        recurrent_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        *,
        zero_output_for_mask: bool = False,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._take(locals())

    def _cell(self) -> str:
        return "simple_rnn"
