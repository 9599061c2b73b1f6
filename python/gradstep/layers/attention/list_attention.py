"""What the layers of attention without projections have in common (csrc/layers/attention.hpp)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core, activations
from ...checks import check_bool, describe
from ..base.symbolic import in_training, is_symbolic
from .attending import Attending

if TYPE_CHECKING:
    from ..base.call_graph import Value

__all__ = ["ListAttention"]


class ListAttention(Attending):
    """Mixin of the layers that are called on a list of a query, a value and perhaps a key, and have no projections.

    A subclass gives `_scores_of`.
    """

    _zero_queries = True
    _takes_list = True

    def _check_rows(self, rows: Sequence[tuple[int, ...]]) -> None:
        super()._check_rows(rows)
        if rows[0][-1] != rows[2][-1] or rows[0][:-2] != rows[2][:-2]:
            raise ValueError(
                f"layer {self.name!r} must get a query and a key with the same last axis, and the same axes before "
                f"that of the steps; their rows have {rows[0]} and {rows[2]}."
            )

    def _output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        return (*shapes[0][:-1], shapes[1][-1])

    def _scores_row(self) -> tuple[int, ...]:
        query, value = self._shapes[:2]
        return (*query[1:-1], value[-2])

    def _groups(self) -> int:
        return math.prod(self._shapes[0][1:-2]) if self._shapes else 1

    def _one(self) -> np.ndarray:
        """A weight that is the number 1."""
        one: np.ndarray = _core.aligned_zeros((), self.dtype)
        one[...] = 1
        return one

    def _query_mask_read(self, mask: Value | None) -> Value | None:
        return None

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the query."""
        return self._listed(previous_mask)[0]

    def __call__(  # type: ignore[override]
        self,
        inputs: Any,
        mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The output for a list of a query, a value and perhaps a key, at once; or for symbolic tensors.

        Parameters
        ----------
        inputs : list of array_like (rows, ..., steps, n), or of SymbolicTensor
        mask : list of array_like of bool (rows, ..., steps) or None, optional
            Which steps of the query and of the value count; or SymbolicTensor. In a model masks come with the inputs:
            these are others.
        training : bool, optional
            As for any layer.
        return_attention_scores : bool, default False
            Whether to give (output, scores), the scores (rows, ..., steps of the query, steps of the key): the weights
            of the means. Of arrays, where nothing is dropped.
        use_causal_mask : bool, default False
            Whether each query sees keys up to its own step alone.

        Returns
        -------
        ndarray (rows, ..., steps of the query, last axis of the value), or SymbolicTensor; or two of them

        Raises
        ------
        TypeError, ValueError
            `inputs` is no list of two or three, shapes do not fit, or the scores cannot be given.
        """
        if not isinstance(inputs, (list, tuple)) or not 2 <= len(inputs) <= 3:
            raise TypeError(
                f"layer {self.name!r} must get a list [query, value] or [query, value, key]; got {describe(inputs)}."
            )
        scores = check_bool("return_attention_scores", return_attention_scores)
        given = dict(zip(("query", "value", "key"), inputs, strict=False))
        symbolic = any(map(is_symbolic, inputs))
        trains = in_training(training, symbolic)
        if scores and trains and self.dropout:
            raise ValueError("return_attention_scores must be False in a call in training with dropout.")
        for name, one in zip(("query_mask", "value_mask"), self._listed(mask), strict=False):
            given[name] = one
        values = self._called_with(given, use_causal_mask, scores)
        if symbolic:
            return self._connected_for(values, training)
        output = self._computed(values, trains)
        return (output, self._weights_of(values)) if scores else output

    # -- scores ------------------------------------------------------------------------------------------------------

    def _scores_of(self, query: np.ndarray, key: np.ndarray) -> np.ndarray:
        """Scores (..., queries, keys) of queries (..., queries, n) and keys (..., keys, n)."""
        raise NotImplementedError(f"{type(self).__name__} must define _scores_of(query, key).")

    def _tanh_sums(self, query: np.ndarray, key: np.ndarray, factor: float, vector: np.ndarray | None) -> np.ndarray:
        """Over d the sums of vector[d] tanh(factor (query + key)), a query at a time."""
        found = np.empty((*query.shape[:-1], key.shape[-2]), self.dtype)
        for t in range(query.shape[-2]):
            values = np.tanh(factor * (query[..., t, None, :] + key))
            found[..., t, :] = values.sum(-1) if vector is None else values @ vector
        return found

    def _weights_of(self, values: Sequence[Any]) -> np.ndarray:
        """The weights of the means of a call: softmax of the scores."""
        named = dict(zip(self._arguments, self._checked_inputs(values), strict=True))
        query = named["query"].astype(self.dtype, copy=False)
        scores = self._scores_of(query, named.get("key", named["value"]).astype(self.dtype, copy=False))
        queries, keys = scores.shape[-2:]
        seen: np.ndarray = np.tri(queries, keys) > 0 if self._causal else np.ones((queries, keys), bool)
        if "value_mask" in named:
            seen = seen & named["value_mask"][..., None, :].astype(bool)
        made: np.ndarray = activations.softmax(np.where(seen, scores, -1e9)).astype(self.dtype)
        return made
