"""Embedding of ids (csrc/layers/embedding.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import constraints, regularizers
from ...checks import check_bool, check_int, numeric
from ..base.arguments import take_rules
from ..base.layer import Layer, Shape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..base.call_graph import CallGraph, Value
    from ..normalization.affine import InitializerLike

__all__ = ["Embedding"]


class Embedding(Layer):
    """Turns ids, whole numbers from 0, into vectors: rows of a table that is trained.

    Parameters
    ----------
    input_dim : int
        How many ids there are: the largest one plus 1.
    output_dim : int
        Length of the vectors.
    embeddings_initializer : str, Initializer or function, default "uniform"
    embeddings_regularizer : str or Regularizer, optional
    embeddings_constraint : str or Constraint, optional
    mask_zero : bool, default False
        Whether id 0 is padding: such steps are masked in the layers that follow, as `Masking` does.
    weights : array_like, or a list of one, optional
        The table to begin with, (input_dim, output_dim).
    input_shape, dtype, name, trainable
        As in `Layer`.

    State
    -----
    embeddings : ndarray, shape (input_dim, output_dim)

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type; `weights` has another shape. When data comes: an id is negative, or not below
        `input_dim`; nothing is changed then.

    Notes
    -----
    Inputs have any shape (rows, ...), outputs (rows, ..., output_dim). Data may be of any type of numbers: int32,
    int64, uint8 and floats are read where they lie, floats without their fractions.
    ``Input((200,), dtype="int32")`` is what Keras says for it. There is no gradient by ids, and none of Keras's
    `lora_rank` and `quantization_config`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.Embedding(3, 2, weights=[[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]], mask_zero=True)
    >>> ids = np.array([[2, 1, 0]])
    >>> layer(ids)
    array([[[2. , 2.5],
            [1. , 1.5],
            [0. , 0.5]]], dtype=float32)
    >>> layer.compute_mask(ids)
    array([[ True,  True, False]])
    """

    _weight_names = ("embeddings",)
    _passing = ("input_shape", "weights")

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: str | regularizers.Regularizer | None = None,
        embeddings_constraint: str | constraints.Constraint | None = None,
        mask_zero: bool = False,
        weights: ArrayLike | None = None,
        *,
        input_shape: Sequence[int] | int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.input_dim = check_int("input_dim", input_dim, 1)
        self.output_dim = check_int("output_dim", output_dim, 1)
        take_rules(self, locals())
        self.mask_zero = self.supports_masking = check_bool("mask_zero", mask_zero)
        super().__init__(input_shape=input_shape, dtype=dtype, name=name, trainable=trainable)
        if self.dtype == "float32" and self.input_dim > 2**24:
            raise ValueError(f"input_dim must be at most 2**24 in float32, which holds no more ids; got {input_dim}.")
        self._table = None if weights is None else self._given_table(weights)

    def _given_table(self, weights: Any) -> np.ndarray:
        table = weights[0] if isinstance(weights, (list, tuple)) and len(weights) == 1 else weights
        array, shape = numeric(table, "weights"), (self.input_dim, self.output_dim)
        if array.shape != shape:
            raise ValueError(f"weights must be a table of shape {shape}; its shape is {array.shape}.")
        return array.astype(self.dtype)

    @property
    def embeddings(self) -> np.ndarray:
        """The table, (input_dim, output_dim)."""
        return self._weight(0)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the input, and behind it `output_dim`."""
        return (*input_shape, self.output_dim)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Which ids are not 0; None without `mask_zero`."""
        return numeric(inputs, "inputs") != 0 if self.mask_zero else None

    def draw_weights(self, input_shape: tuple[int, ...]) -> list[np.ndarray]:
        """The table."""
        table = self._drawn("embeddings_initializer", (self.input_dim, self.output_dim))
        if self._table is not None:
            table[...] = self._table
            self._table = None
        return [table]

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return {"kind": "embedding", "input_dim": self.input_dim, "output_dim": self.output_dim}

    def _output_mask(
        self, graph: CallGraph, inputs: Sequence[Value], masks: Sequence[Value | None], output: Value
    ) -> Value | None:
        if self.mask_zero:
            return graph.not_equal(inputs[0], 0.0, along_last=False)
        return super()._output_mask(graph, inputs, masks, output)
