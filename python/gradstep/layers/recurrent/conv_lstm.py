"""LSTM layers whose products are convolutions (csrc/layers/conv_recurrent.hpp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import constraints, initializers, regularizers
from ...checks import check_bool, check_int
from ..convolution.windows import places, take_window
from ..reshaping.rearranged import SPATIAL
from .recurrent import Recurrent, RecurrentMixin

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]


class ConvLSTM(RecurrentMixin):
    """Mixin, before `Recurrent` among the bases, of LSTM layers that convolve: all but their number of axes."""

    _n = 1  # spatial axes
    _gates = 4
    _states = 2
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str
    data_format: str
    dilation_rate: tuple[int, ...]

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: str | Callable[..., np.ndarray] | None = "tanh",
        recurrent_activation: str | Callable[..., np.ndarray] | None = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: str | initializers.Initializer | Callable[..., Any] = "glorot_uniform",
        recurrent_initializer: str | initializers.Initializer | Callable[..., Any] = "orthogonal",
        bias_initializer: str | initializers.Initializer | Callable[..., Any] = "zeros",
        unit_forget_bias: bool = True,
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
        *,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.filters = check_int("filters", filters, 1)
        take_window(self, locals(), self._n, ("valid", "same"))
        self.recurrent_activation = self._function("recurrent_activation", recurrent_activation)
        self.unit_forget_bias = check_bool("unit_forget_bias", unit_forget_bias)
        self._take(locals() | {"units": filters})

    # -- shapes ------------------------------------------------------------------------------------------------------

    def _check_rank(self, shape: Sequence[Any]) -> None:
        if len(shape) != self._n + 3:
            first = self.data_format == "channels_first"
            spatial = ("places",) if self._n == 1 else SPATIAL[self._n]
            names = ["rows", "steps", *["channels"] * first, *spatial, *["channels"] * (not first)]
            raise ValueError(f"layer {self.name!r} must get inputs of shape ({', '.join(names)}); got {tuple(shape)}.")

    def _places(self, shape: Sequence[Any]) -> tuple[int, ...]:
        """Places of the window along the spatial axes of sequences of this shape."""
        self._check_rank(shape)
        step = (shape[0], *shape[2:])
        size, strides, spread = self.kernel_size, self.strides, self.dilation_rate
        return tuple(places(self, step, size, strides, spread, self.padding, self.data_format))  # type: ignore[arg-type]

    def _state_rows(self, shape: Sequence[Any]) -> list[tuple[int, ...]]:
        at = self._places(shape)
        return [(self.filters, *at) if self.data_format == "channels_first" else (*at, self.filters)] * self._states

    def _kept_rows(self, shape: Sequence[Any]) -> list[tuple[int, ...]]:
        return [(*self._places(shape), self.filters)] * self._states

    def _kernels(self, input_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        channels = input_shape[1 if self.data_format == "channels_first" else -1]
        return [(*self.kernel_size, each, self._gates * self.filters) for each in (channels, self.filters)]

    # -- what it computes ----------------------------------------------------------------------------------------------

    def _cell(self) -> str:
        return "conv_lstm"

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return super().specification() | {
            "kind": "conv_recurrent",
            "filters": self.filters,
            "size": self.kernel_size,
            "stride": self.strides,
            "dilation": self.dilation_rate,
            "same": self.padding == "same",
            "causal": False,
            "channels_first": self.data_format == "channels_first",
        }

    @property
    def states(self) -> list[np.ndarray]:
        """The states that a stateful layer begins its next batch with, of the shape of an output: h and c."""
        kept: list[np.ndarray] = super().states
        return [np.moveaxis(state, -1, 1) for state in kept] if self.data_format == "channels_first" else kept


class ConvLSTM1D(ConvLSTM, Recurrent):
    r"""1D convolutional LSTM layer, over sequences of signals: states h and c have a number for each filter and place.

    Parameters
    ----------
    filters : int
        How many numbers each state has at each place: channels of the output; at least 1.
    kernel_size : int, or sequence of 1 int
        Of the windows over the signals of a step, and over the states.
    strides : int, or sequence of 1 int, default 1
        How far the window over the signals moves; that over the states moves by 1.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the signals. "same": zeros around them, so that with strides of 1 the output
        has their size. The window over the states always has zeros around them.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, places, channels), the default, or
        (rows, steps, channels, places), which is copied to the other order and back.
    dilation_rate : int, or sequence of 1 int, default 1
        How far the numbers that a window over the signals takes lie apart; not together with strides.
    activation : str or function, default "tanh"
        Of the candidate and of the cell state: of `gradstep.activations`.
    recurrent_activation : str or function, default "sigmoid"
        Of the gates.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str, Initializer or function
        What the weights are at the start; default "glorot_uniform", "orthogonal", "zeros".
    unit_forget_bias : bool, default True
        Whether 1 is added to the bias of the forget gate at the start.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        What the weights add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        What the weights must be after each step: of `gradstep.constraints`.
    dropout, recurrent_dropout : float, default 0.0
        In training, the share of the inputs, and of the state that is convolved, that is set to 0; at least 0, below 1.
        A row drops the same ones at all its steps, and for all gates.
    seed : int, optional
        What is dropped follows from it; by default from `utils.set_random_seed`.
    return_sequences : bool, default False
        Whether the output has h of each step instead of the last one's.
    return_state, go_backwards, stateful, unroll, zero_output_for_mask : bool, default False
        As in `LSTM`; states have the shape of the output of a step.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (*kernel_size, channels, 4 * filters)
    recurrent_kernel : ndarray, shape (*kernel_size, filters, 4 * filters)
    bias : ndarray, shape (4 * filters,)
        None without `use_bias`. Their last axis belongs to the gates i, f, the candidate, and o.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both; an activation of the program's
        own. At the build: the input has another number of axes, or is smaller than the window with padding="valid".

    Notes
    -----
    The equations of `LSTM`, with convolutions in place of the products, as in Keras. The inputs of all steps are
    convolved at once, the states step by step; each row of a batch goes through its steps by itself.

    References
    ----------
    Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting", 2015,
    arXiv:1506.04214.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.ConvLSTM1D(4, 3, padding="same", return_sequences=True)
    >>> layer(np.zeros((2, 5, 8, 3))).shape
    (2, 5, 8, 4)
    >>> layer.recurrent_kernel.shape
    (3, 4, 16)
    """

    _n = 1


class ConvLSTM2D(ConvLSTM, Recurrent):
    r"""2D convolutional LSTM layer, over sequences of images: states h and c have a number for each filter and place.

    Parameters
    ----------
    filters : int
        How many numbers each state has at each place: channels of the output; at least 1.
    kernel_size : int, or sequence of 2 int
        Of the windows over the images of a step, and over the states.
    strides : int, or sequence of 2 int, default 1
        How far the window over the images moves; that over the states moves by 1.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the images. "same": zeros around them, so that with strides of 1 the output
        has their size. The window over the states always has zeros around them.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, height, width, channels), the default, or
        (rows, steps, channels, height, width), which is copied to the other order and back.
    dilation_rate : int, or sequence of 2 int, default 1
        How far the numbers that a window over the images takes lie apart; not together with strides.
    activation : str or function, default "tanh"
        Of the candidate and of the cell state: of `gradstep.activations`.
    recurrent_activation : str or function, default "sigmoid"
        Of the gates.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str, Initializer or function
        What the weights are at the start; default "glorot_uniform", "orthogonal", "zeros".
    unit_forget_bias : bool, default True
        Whether 1 is added to the bias of the forget gate at the start.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        What the weights add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        What the weights must be after each step: of `gradstep.constraints`.
    dropout, recurrent_dropout : float, default 0.0
        In training, the share of the inputs, and of the state that is convolved, that is set to 0; at least 0, below 1.
        A row drops the same ones at all its steps, and for all gates.
    seed : int, optional
        What is dropped follows from it; by default from `utils.set_random_seed`.
    return_sequences : bool, default False
        Whether the output has h of each step instead of the last one's.
    return_state, go_backwards, stateful, unroll, zero_output_for_mask : bool, default False
        As in `LSTM`; states have the shape of the output of a step.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (*kernel_size, channels, 4 * filters)
    recurrent_kernel : ndarray, shape (*kernel_size, filters, 4 * filters)
    bias : ndarray, shape (4 * filters,)
        None without `use_bias`. Their last axis belongs to the gates i, f, the candidate, and o.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both; an activation of the program's
        own. At the build: the input has another number of axes, or is smaller than the window with padding="valid".

    Notes
    -----
    The equations of `LSTM`, with convolutions in place of the products, as in Keras. The inputs of all steps are
    convolved at once, the states step by step; each row of a batch goes through its steps by itself.

    References
    ----------
    Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting", 2015,
    arXiv:1506.04214.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.ConvLSTM2D(4, 3, padding="same", return_sequences=True)
    >>> layer(np.zeros((2, 5, 8, 8, 3))).shape
    (2, 5, 8, 8, 4)
    >>> layer.recurrent_kernel.shape
    (3, 3, 4, 16)
    """

    _n = 2


class ConvLSTM3D(ConvLSTM, Recurrent):
    r"""3D convolutional LSTM layer, over sequences of volumes: states h and c have a number for each filter and place.

    Parameters
    ----------
    filters : int
        How many numbers each state has at each place: channels of the output; at least 1.
    kernel_size : int, or sequence of 3 int
        Of the windows over the volumes of a step, and over the states.
    strides : int, or sequence of 3 int, default 1
        How far the window over the volumes moves; that over the states moves by 1.
    padding : {"valid", "same"}, default "valid"
        "valid": the window stays within the volumes. "same": zeros around them, so that with strides of 1 the output
        has their size. The window over the states always has zeros around them.
    data_format : {"channels_last", "channels_first"}, optional
        Inputs of shape (rows, steps, depth, height, width, channels), the default, or
        (rows, steps, channels, depth, height, width), which is copied to the other order and back.
    dilation_rate : int, or sequence of 3 int, default 1
        How far the numbers that a window over the volumes takes lie apart; not together with strides.
    activation : str or function, default "tanh"
        Of the candidate and of the cell state: of `gradstep.activations`.
    recurrent_activation : str or function, default "sigmoid"
        Of the gates.
    use_bias : bool, default True
    kernel_initializer, recurrent_initializer, bias_initializer : str, Initializer or function
        What the weights are at the start; default "glorot_uniform", "orthogonal", "zeros".
    unit_forget_bias : bool, default True
        Whether 1 is added to the bias of the forget gate at the start.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        What the weights add to the loss: of `gradstep.regularizers`.
    activity_regularizer : str or Regularizer, optional
        What the output adds to the loss, over the number of rows.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        What the weights must be after each step: of `gradstep.constraints`.
    dropout, recurrent_dropout : float, default 0.0
        In training, the share of the inputs, and of the state that is convolved, that is set to 0; at least 0, below 1.
        A row drops the same ones at all its steps, and for all gates.
    seed : int, optional
        What is dropped follows from it; by default from `utils.set_random_seed`.
    return_sequences : bool, default False
        Whether the output has h of each step instead of the last one's.
    return_state, go_backwards, stateful, unroll, zero_output_for_mask : bool, default False
        As in `LSTM`; states have the shape of the output of a step.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    State
    -----
    kernel : ndarray, shape (*kernel_size, channels, 4 * filters)
    recurrent_kernel : ndarray, shape (*kernel_size, filters, 4 * filters)
    bias : ndarray, shape (4 * filters,)
        None without `use_bias`. Their last axis belongs to the gates i, f, the candidate, and o.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; strides and dilation both; an activation of the program's
        own. At the build: the input has another number of axes, or is smaller than the window with padding="valid".

    Notes
    -----
    The equations of `LSTM`, with convolutions in place of the products, as in Keras. The inputs of all steps are
    convolved at once, the states step by step; each row of a batch goes through its steps by itself.

    References
    ----------
    Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting", 2015,
    arXiv:1506.04214.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.ConvLSTM3D(4, 3, padding="same", return_sequences=True)
    >>> layer(np.zeros((2, 5, 6, 6, 6, 3))).shape
    (2, 5, 6, 6, 6, 4)
    >>> layer.recurrent_kernel.shape
    (3, 3, 3, 4, 16)
    """

    _n = 3
