"""One step of the recurrent layers, as a layer: cells."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ... import constraints, initializers, regularizers
from ...checks import check_config, check_int
from ..base.arguments import options_of
from ..base.layer import Layer
from ..core.of_layers import OfLayers
from ..reshaping.reshape import Reshape
from .gru import GRU
from .lstm import LSTM
from .recurrent import Recurrent
from .simple_rnn import SimpleRNN

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Cell", "GRUCell", "LSTMCell", "SimpleRNNCell", "zeros_for"]


class Cell(OfLayers, Layer):
    """Base of the cells: all but their signatures."""

    _of: ClassVar[type[Recurrent]]  # the layer that takes the step

    _runs = ""  # the name of the `RNN` that runs it
    units: int

    def _take(self, given: Mapping[str, Any]) -> None:
        """Check and keep the arguments; given: a constructor's ``locals()``."""
        super().__init__(**options_of(given))
        cls: Any = type(self)
        known = inspect.signature(self._of).parameters
        names = [name for name in inspect.signature(cls).parameters if name in known and name not in options_of(given)]
        # A layer over one step, or in an `RNN` over all; its name is that of the cell, as its weights are.
        of: Any = self._of
        own = {"return_state": True, "name": self.name, "dtype": self.dtype, "trainable": self._trainable}
        self._runner: Recurrent = of(**{name: given[name] for name in names}, **own)
        for name in names:
            setattr(self, name, getattr(self._runner, name))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Create a cell from its config, of this package or Keras. Raises as the class itself."""
        return cls(**check_config(config))

    @property
    def _leaves(self) -> dict[str, Any]:
        return {"": self._runner}

    @property
    def weight_names(self) -> list[str]:
        """Names of the weights, in the order of `weights`."""
        return list(self._runner.weight_names)

    @property
    def kernel(self) -> np.ndarray:
        """Weights of the inputs, as those of the layer."""
        return self._runner.kernel

    @property
    def recurrent_kernel(self) -> np.ndarray:
        """Weights of the states, as those of the layer."""
        return self._runner.recurrent_kernel

    @property
    def bias(self) -> np.ndarray | None:
        """Bias; None without `use_bias`."""
        return self._runner.bias

    @property
    def state_size(self) -> int | list[int]:
        """How many numbers each state has."""
        return self.units if self._runner._states == 1 else [self.units] * self._runner._states

    @property
    def output_size(self) -> int:
        """How many numbers the output has."""
        return self.units

    def get_initial_state(self, batch_size: int) -> list[np.ndarray]:
        """List of arrays of zeros, shape (batch_size, units), one for each state."""
        return zeros_for(self, batch_size)

    def call(self, inputs: Any, states: Any) -> Any:
        """Output and new states of a step.

        Parameters
        ----------
        inputs : tensor, shape (rows, inputs)
        states : list of tensors, or the only one; shape (rows, units) each

        Raises
        ------
        ValueError
            An `RNN` runs the cell, and gives no states or keeps them.
        """
        runner = self._runner
        if runner.stateful or not runner.return_state:
            raise ValueError(
                f"cell {self.name!r} must not be called, because RNN {self._runs!r} runs it without return_state or "
                "with stateful: make another cell."
            )
        step = Reshape((1, inputs.shape[-1]), dtype=self.dtype, name=f"{self.name}_step")(inputs)
        listed = isinstance(states, (list, tuple))
        made = runner(step, initial_state=list(states) if listed else [states])[1:]
        return made[0], (made if listed else made[0])


class LSTMCell(Cell):
    """Cell of the `LSTM` layer: one step of it, for `RNN`.

    Parameters
    ----------
    units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer
        As in `LSTM`; so are `unit_forget_bias` and all that follow.
    unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint
    recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed, dtype, name, trainable

    State
    -----
    kernel, recurrent_kernel, bias : ndarray
        As in `LSTM`.

    Raises
    ------
    TypeError, ValueError
        As `LSTM` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> cell = gs.layers.LSTMCell(4)
    >>> output, (h, c) = cell(np.zeros((2, 3)), cell.get_initial_state(2))
    >>> output.shape, c.shape
    ((2, 4), (2, 4))
    """

    _of = LSTM

    def __init__(
        self,
        units: int,
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
        kernel_constraint: str | constraints.Constraint | None = None,
        recurrent_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        *,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._take(locals())


class GRUCell(Cell):
    """Cell of the `GRU` layer: one step of it, for `RNN`.

    Parameters
    ----------
    units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer
        As in `GRU`; so are all that follow.
    kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint
    bias_constraint, dropout, recurrent_dropout, reset_after, seed, dtype, name, trainable

    State
    -----
    kernel, recurrent_kernel, bias : ndarray
        As in `GRU`.

    Raises
    ------
    TypeError, ValueError
        As `GRU` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> cell = gs.layers.GRUCell(4)
    >>> output, (h,) = cell(np.zeros((2, 3)), cell.get_initial_state(2))
    >>> output.shape, cell.state_size
    ((2, 4), 4)
    """

    _of = GRU

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
        kernel_constraint: str | constraints.Constraint | None = None,
        recurrent_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        *,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._take(locals())


class SimpleRNNCell(Cell):
    """Cell of the `SimpleRNN` layer: one step of it, for `RNN`.

    Parameters
    ----------
    units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer
        As in `SimpleRNN`; so are all that follow.
    recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout
    recurrent_dropout, seed, dtype, name, trainable

    State
    -----
    kernel, recurrent_kernel, bias : ndarray
        As in `SimpleRNN`.

    Raises
    ------
    TypeError, ValueError
        As `SimpleRNN` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> cell = gs.layers.SimpleRNNCell(1, "linear", kernel_initializer="ones", recurrent_initializer="ones")
    >>> cell(np.array([[5.0]]), np.array([[3.0]]))
    (array([[8.]], dtype=float32), array([[8.]], dtype=float32))
    """

    _of = SimpleRNN

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
        kernel_constraint: str | constraints.Constraint | None = None,
        recurrent_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        *,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self._take(locals())


def zeros_for(cell: Any, rows: int) -> list[np.ndarray]:
    """States of 0 for a cell's `state_size`."""
    check_int("batch_size", rows, 1)
    sizes = cell.state_size
    listed = list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]
    return [np.zeros((rows, *(size if isinstance(size, (list, tuple)) else (size,))), cell.dtype) for size in listed]
