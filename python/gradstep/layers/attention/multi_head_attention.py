"""Multi-head attention (csrc/layers/attention.hpp)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import activations, constraints, regularizers
from ...checks import check_bool, check_int, describe, shape_of
from ..base.arguments import take_rules
from ..base.symbolic import in_training, is_symbolic
from ..merging.merging import Merge
from .attending import Attending

if TYPE_CHECKING:
    from ..base.call_graph import CallGraph, Value
    from ..normalization.affine import InitializerLike

__all__ = ["MultiHeadAttention"]


def axes_of(given: Any) -> tuple[int, ...] | None:
    """`attention_axes`, checked but for the number of axes that there are."""
    if given is None:
        return None
    if not isinstance(given, (int, list, tuple)) or isinstance(given, bool):
        raise TypeError(f"attention_axes must be an int, a list or a tuple; got {describe(given)}.")
    axes = tuple(check_int("attention_axes", axis, -64, 64) for axis in ([given] if isinstance(given, int) else given))
    if not axes:
        raise ValueError("attention_axes must name an axis at least; got none.")
    return axes


class MultiHeadAttention(Attending, Merge):
    """Multi-head attention: each query gets a mean of values, weighted by how well their keys fit it, in several ways.

    Parameters
    ----------
    num_heads : int
    key_dim : int
        Size of queries and keys of a head.
    value_dim : int, optional
        Size of values of a head; by default `key_dim`.
    dropout : float, default 0.0
        Part of the weights of the mean that is dropped in training.
    use_bias : bool, default True
    output_shape : int or tuple of int, optional
        Of the output of a query; by default the last axis of the query.
    attention_axes : int or tuple of int, optional
        The axes of steps that are attended along, counted with the rows as axis 0; by default all. Along the others,
        each place has its own attention.
    kernel_initializer, bias_initializer : str, Initializer or function, default "glorot_uniform", "zeros"
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
    kernel_constraint, bias_constraint : str or Constraint, optional
    seed : int, optional
        Of what is dropped.
    dtype, name, trainable
        As in `Layer`.

    State
    -----
    weights : list of ndarray
        Kernel and bias of query (n, num_heads, key_dim), (num_heads, key_dim), of key and of value likewise, and of the
        output (num_heads, value_dim) + output_shape, output_shape.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or range; when called: shapes of query, value and key, or of a mask, do not fit.

    Notes
    -----
    It is called as Keras's: ``layer(query, value, key=None, query_mask=None, value_mask=None, key_mask=None,
    attention_mask=None, return_attention_scores=False, training=None, use_causal_mask=False)``. Masks of the inputs
    come with them in a model. Several axes that are attended along are taken as one, whose steps `use_causal_mask`
    means; of Keras's arguments there are no `sliding_window`, `flash_attention`, `use_gate` and `activity_regularizer`.
    A query that sees no key gets the mean of the values, or zeros with `dropout`, as in Keras.

    References
    ----------
    Vaswani et al., "Attention is all you need", NeurIPS 2017, arXiv:1706.03762.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> layer = gs.layers.MultiHeadAttention(num_heads=2, key_dim=3)
    >>> x = np.zeros((4, 5, 8))
    >>> layer(x, x).shape
    (4, 5, 8)
    >>> y, scores = layer(x, x, use_causal_mask=True, return_attention_scores=True)
    >>> scores.shape, scores[0, 0, 1]
    ((4, 2, 5, 5), array([0.5, 0.5, 0. , 0. , 0. ], dtype=float32))
    """

    _kept_as = MappingProxyType({"output_shape": "_last_axes"})

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Sequence[int] | int | None = None,
        attention_axes: Sequence[int] | int | None = None,
        *,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        kernel_constraint: str | constraints.Constraint | None = None,
        bias_constraint: str | constraints.Constraint | None = None,
        seed: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.num_heads = check_int("num_heads", num_heads, 1)
        self.key_dim = check_int("key_dim", key_dim, 1)
        self.value_dim = self.key_dim if value_dim is None else check_int("value_dim", value_dim, 1)
        self.use_bias = check_bool("use_bias", use_bias)
        self._last_axes = None if output_shape is None else shape_of("output_shape", output_shape)
        self.attention_axes = axes_of(attention_axes)
        take_rules(self, locals())
        super().__init__(dtype=dtype, name=name, trainable=trainable)
        self._take_dropout(dropout, seed)
        self._zeroes = self.dropout > 0
        parts = ("query", "key", "value", "attention_output")
        kinds = ("kernel", "bias") if self.use_bias else ("kernel",)
        self._weight_names = tuple(f"{part}_{kind}" for part in parts for kind in kinds)
        self._trained = (True,) * len(self._weight_names)

    # -- shapes and weights --------------------------------------------------------------------------------------------

    def _check_rows(self, rows: Sequence[tuple[int, ...]]) -> None:
        super()._check_rows(rows)
        query, value, _ = rows
        if self.attention_axes is None:
            return
        axes = [axis + len(query) + 1 if axis < 0 else axis for axis in self.attention_axes]
        if not all(1 <= axis < len(query) for axis in axes) or len(set(axes)) != len(axes):
            raise ValueError(
                f"attention_axes of layer {self.name!r} must be different axes of the steps of a query, of 1 to "
                f"{len(query) - 1}; got {self.attention_axes}."
            )
        if len(value) != len(query) or any(value[i] != query[i] for i in self._outer_axes(query)):
            raise ValueError(
                f"layer {self.name!r} must get a query and a value that differ in attention_axes "
                f"{self.attention_axes} and the last axis alone; their rows have {query} and {value}."
            )

    def _inner_axes(self, row: tuple[int, ...]) -> list[int]:
        """The axes of a row that are attended along."""
        if self.attention_axes is None:
            return list(range(len(row) - 1))
        return [(axis + len(row) + 1 if axis < 0 else axis) - 1 for axis in self.attention_axes]

    def _outer_axes(self, row: tuple[int, ...]) -> list[int]:
        """The others, but for the last."""
        inner = self._inner_axes(row)
        return [axis for axis in range(len(row) - 1) if axis not in inner]

    def _sizes(self, row: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Sizes of the axes of a row that are not attended along, and of those that are."""
        return tuple(row[i] for i in self._outer_axes(row)), tuple(row[i] for i in self._inner_axes(row))

    @property
    def _query(self) -> tuple[int, ...]:
        """The shape of a row of the query."""
        return tuple(self._shapes[0][1:]) if self._shapes else (1, 1)

    def _groups(self) -> int:
        return math.prod(self._sizes(self._query)[0])

    def _axes_of(self, query: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the output of a query."""
        return query[-1:] if self._last_axes is None else self._last_axes

    def _output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        return (*shapes[0][:-1], *self._axes_of(shapes[0]))

    def _drawn_for(self, rows: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        query, value, key = rows
        heads, last = self.num_heads, self._axes_of(query)
        shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
            ((query[-1], heads, self.key_dim), (heads, self.key_dim)),
            ((key[-1], heads, self.key_dim), (heads, self.key_dim)),
            ((value[-1], heads, self.value_dim), (heads, self.value_dim)),
            ((heads, self.value_dim, *last), last),
        ]
        found = []
        for kernel, bias in shapes:
            found.append(self._drawn("kernel_initializer", kernel))
            if self.use_bias:
                found.append(self._drawn("bias_initializer", bias))
        return found

    def rules(self) -> list[tuple[regularizers.Regularizer | None, constraints.Constraint | None]]:
        """Regularizer and constraint of each weight."""
        return self._rules_of(("kernel", "bias") if self.use_bias else ("kernel",)) * 4

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = super().get_config()
        config["output_shape"] = None if self._last_axes is None else list(self._last_axes)
        config["attention_axes"] = None if self.attention_axes is None else list(self.attention_axes)
        return config

    _passing = ("input_shape", "input_dim", "output_shape")

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return super().specification() | {
            "kind": "multi_head_attention",
            "zeroes": self._zeroes or self._scored,
            "heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "use_bias": self.use_bias,
            "output": list(self._axes_of(self._query)),
        }

    def _scores_row(self) -> tuple[int, ...]:
        (outer, queries), (_, keys) = self._sizes(self._query), self._sizes(self._shapes[1][1:])
        return (*outer, self.num_heads, *queries, *keys)

    # -- groups along other axes than the first ----------------------------------------------------------------------

    def _order(self) -> list[int] | None:
        """The axes of the steps of a row, those that are not attended along first; None: so they lie."""
        order = self._outer_axes(self._query) + self._inner_axes(self._query)
        return None if order == sorted(order) else order

    def _by_groups(self, graph: CallGraph, value: Value, axes: int) -> Value:
        order = self._order()
        return value if order is None else graph.transpose(value, [*order, *range(axes, len(value.row))])

    def _row_by_groups(self) -> tuple[int, ...] | None:
        order, query = self._order(), self._query
        return None if order is None else (*(query[i] for i in order), *self._axes_of(query))

    def _by_steps(self, graph: CallGraph, output: Value) -> Value:
        order = self._order()
        if order is None:
            return output
        back = [order.index(i) for i in range(len(order))]
        return graph.transpose(output, [*back, *range(len(order), len(output.row))])

    def _mask_of_both(self, array: np.ndarray, count: int, rows: Sequence[tuple[int, ...]]) -> np.ndarray:
        (outer, queries), (_, keys) = self._sizes(rows[0]), self._sizes(rows[1])
        if outer and array.ndim > 1 + len(queries) + len(keys):  # of each group
            return self._mask_as("attention_mask", array, (count, *outer, *queries, *keys))
        shape = (count, *queries, *keys)
        flat = (count, math.prod(queries), math.prod(keys))
        if len(queries) > 1 and array.ndim == 3 and array.shape == flat:
            array = array.reshape(shape)
        return self._mask_as("attention_mask", array, shape)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def __call__(  # type: ignore[override]
        self,
        query: Any,
        value: Any = None,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """The output for a query, a value and perhaps a key, at once; or for symbolic tensors.

        Parameters
        ----------
        query, value, key : array_like (rows, steps, n), or SymbolicTensor
            Steps may be along several axes. key: by default the value.
        query_mask, value_mask, key_mask : array_like of bool (rows, steps), or SymbolicTensor; optional
            Which steps count. In a model masks come with the inputs: these are others.
        attention_mask : array_like of bool (rows, steps of the query, steps of the key), or SymbolicTensor; optional
            Which keys each query sees, where steps are those of `attention_axes`; the other axes of steps may stand
            behind the rows.
        return_attention_scores : bool, default False
            Whether to give (output, scores), the scores (rows, heads, steps of the query, steps of the key), where
            axes that are not attended along stand behind the rows.
        training : bool, optional
            As for any layer.
        use_causal_mask : bool, default False
            Whether each query sees keys up to its own step alone.

        Returns
        -------
        ndarray (rows, steps of the query, ...), or SymbolicTensor; or two of them

        Raises
        ------
        TypeError, ValueError
            Shapes do not fit, or an argument is for arrays or for symbolic tensors alone.
        """
        given = {
            "query": query,
            "value": value,
            "key": key,
            "query_mask": query_mask,
            "value_mask": value_mask,
            "key_mask": key_mask,
            "attention_mask": attention_mask,
        }
        symbolic = any(map(is_symbolic, given.values()))
        trains, scores = in_training(training, symbolic), check_bool("return_attention_scores", return_attention_scores)
        if self._last_axes is None and self.built and not symbolic and np.ndim(query) < 3:
            raise ValueError(f"query must have shape (rows, steps, n); its shape is {np.shape(query)}.")
        values = self._called_with(given, use_causal_mask, scores)
        if symbolic:
            return self._connected_for(values, training)
        zeroes, self._zeroes = self._zeroes, self._zeroes or scores
        try:
            output = self._computed(values, trains)
        finally:
            self._zeroes = zeroes
        return (output, self._scores(values)) if scores else output

    def _scores(self, values: Sequence[Any]) -> np.ndarray:
        """The weights of the means of a call."""
        named = dict(zip(self._arguments, self._checked_inputs(values), strict=True))
        weights = dict(zip(self._weight_names, self.weights, strict=True))

        (outer, queries), (_, keys) = self._sizes(self._query), self._sizes(named["value"].shape[1:])
        count, groups = len(named["query"]), math.prod(outer)

        def by_groups(x: np.ndarray, axes: int) -> np.ndarray:
            order = [1 + i for i in self._outer_axes(self._query) + self._inner_axes(self._query)]
            turned = x if self.attention_axes is None else x.transpose(0, *order, *range(1 + axes, x.ndim))
            return turned.reshape(count, groups, -1, *x.shape[1 + axes :])

        def projected(x: np.ndarray, part: str) -> np.ndarray:
            steps = by_groups(x, x.ndim - 2).astype(self.dtype, copy=False)
            made: np.ndarray = np.einsum("bgtn,nhd->bgthd", steps, weights[f"{part}_kernel"])
            return made + weights[f"{part}_bias"] if self.use_bias else made

        query, key = projected(named["query"], "query"), projected(named.get("key", named["value"]), "key")
        scores = np.einsum("bgthd,bgshd->bghts", query, key) / math.sqrt(self.key_dim)
        seen = np.ones((count, groups, 1, *scores.shape[3:]), bool)
        if self._causal:
            seen &= np.tri(*scores.shape[3:]) > 0
        for name, axis in (("query_mask", -1), ("value_mask", -2), ("key_mask", -2)):
            if name in named:
                seen = seen & np.expand_dims(by_groups(named[name], named[name].ndim - 1), (2, axis)).astype(bool)
        if "attention_mask" in named:
            seen = seen & named["attention_mask"].reshape(count, -1, 1, *scores.shape[3:]).astype(bool)
        scores = np.where(seen, activations.softmax(np.where(seen, scores, -1e9)), 0)
        return scores.astype(self.dtype).reshape(count, *outer, self.num_heads, *queries, *keys)
