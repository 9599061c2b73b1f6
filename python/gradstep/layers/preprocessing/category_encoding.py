"""Numbers of categories as rows of 0 and 1, or of counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import check_choice, check_int, numeric
from ...preprocessing.encoding import ENCODINGS
from .encoding_layer import EncodingLayer

__all__ = ["CategoryEncoding"]


class CategoryEncoding(EncodingLayer):
    """Encodes numbers of categories as rows of 0 and 1, or of counts.

    Parameters
    ----------
    num_tokens : int
        How many categories there are: numbers are 0 to num_tokens - 1.
    output_mode : {"multi_hot", "one_hot", "count"}, default "multi_hot"
        A row for all of the last axis with 1 for each category in it; a row for each number; or how often each comes.
    dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range. When called: numbers that are no categories.

    Notes
    -----
    Called on arrays it gives arrays; in a model it computes in NumPy, once for each batch.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.layers.CategoryEncoding(4)([[0, 1], [3, 3]])
    array([[1., 1., 0., 0.],
           [0., 0., 0., 1.]], dtype=float32)
    """

    def __init__(
        self,
        num_tokens: int,
        output_mode: str = "multi_hot",
        *,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(dtype=dtype, name=name, trainable=trainable)
        self.num_tokens = check_int("num_tokens", num_tokens, 1)
        modes = {mode: mode for mode in ENCODINGS if mode != "int"}
        self.output_mode = check_choice("output_mode", output_mode, modes)

    def __call__(self, x: Any, training: bool | None = None, mask: Any = None, count_weights: Any = None) -> Any:
        """Rows for an array of numbers, at once; or a symbolic tensor for one.

        count_weights: with output_mode "count", how much each number counts; of the shape of `x`.
        """
        if count_weights is None:
            return super().__call__(x, training, mask)
        numbers, weights = numeric(x, "x"), numeric(count_weights, "count_weights")
        if self.output_mode != "count" or weights.shape != numbers.shape:
            raise ValueError(
                f"count_weights must be for output_mode='count', and have the shape of x, {numbers.shape}; got shape "
                f"{weights.shape} with output_mode={self.output_mode!r}."
            )
        return self._encoded(numbers, weights)

    def _depth(self) -> int:
        return self.num_tokens

    def _numbers(self, x: np.ndarray) -> np.ndarray:
        numbers = x.astype(np.int64)
        if x.size and (not np.array_equal(numbers, x) or x.min() < 0 or x.max() >= self.num_tokens):
            wrong = x[(numbers != x) | (x < 0) | (x >= self.num_tokens)].flat[0]
            raise ValueError(f"x must be whole numbers from 0 to {self.num_tokens - 1}, by num_tokens; got {wrong}.")
        return numbers
