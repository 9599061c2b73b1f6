"""The GRU layer (csrc/layers/recurrent.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import constraints, initializers, regularizers
from ...checks import check_bool
from .recurrent import Recurrent

__all__ = ["GRU"]


class GRU(Recurrent):
    r"""Gated recurrent unit layer: a state h is carried along sequences.

    Parameters
    ----------
    units : int
        How many numbers the state has; at least 1.
    activation : str or function, default "tanh"
        Of the candidate: of `gradstep.activations`.
    recurrent_activation : str or function, default "sigmoid"
        Of the gates.
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
    reset_after : bool, default True
        Whether the reset gate multiplies what the product with the state gives, or else the state before the product.
    zero_output_for_mask : bool, default False
        Whether steps that a mask leaves out give 0, instead of what the step before gave.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (inputs, 3 * units)
    recurrent_kernel : ndarray, shape (units, 3 * units)
    bias : ndarray, shape (2, 3 * units)
        One of the inputs and one of the state; shape (3 * units,) without `reset_after`; None without `use_bias`. Their
        columns belong to the gates z, r and to the candidate. They are the weights themselves: writing to them changes
        the layer.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; an activation of the program's own.
    ValueError
        At the build: inputs are not of shape (rows, steps, inputs).

    Notes
    -----
    .. math::
        z, r = \sigma(x_t W + h_{t-1} U + b), \quad \tilde h = \tanh(x_t W + r (h_{t-1} U + b') + b), \quad
        h_t = z h_{t-1} + (1 - z) \tilde h

    with the columns of W, U and b that belong to each, as in Keras; without `reset_after`
    :math:`\tilde h = \tanh(x_t W + (r h_{t-1}) U + b)`. PyTorch has the form with `reset_after`, transposed weights,
    and its gates in the order r, z.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    EMNLP 2014, arXiv:1406.1078.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.GRU(4)
    >>> layer(np.zeros((2, 10, 3))).shape
    (2, 4)
    >>> layer.bias.shape
    (2, 12)
    """

    _gates = 3

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., np.ndarray] | None = "tanh",
        recurrent_activation: str | Callable[..., np.ndarray] | None = "sigmoid",
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
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        *,
        zero_output_for_mask: bool = False,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.recurrent_activation = self._function("recurrent_activation", recurrent_activation)
        self.reset_after = check_bool("reset_after", reset_after)
        self._take(locals())

    def _cell(self) -> str:
        return "gru" if self.reset_after else "gru_reset_before"

    def _drawn_bias(self) -> np.ndarray:
        wide = self._gates * self.units
        return self._drawn("bias_initializer", (2, wide) if self.reset_after else (wide,))
