"""Multi-head attention (csrc/layers/attention.hpp)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import activations, constraints, initializers, regularizers
from ...checks import check_bool, check_int, shape_of
from ..base.symbolic import in_training, is_symbolic
from ..merging.merging import Merge
from .attending import Attending

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..normalization.affine import InitializerLike

__all__ = ["MultiHeadAttention"]


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
        output (num_heads, value_dim, *output_shape), output_shape.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or range; when called: shapes of query, value and key, or of a mask, do not fit.

    Notes
    -----
    It is called as Keras's: ``layer(query, value, key=None, query_mask=None, value_mask=None, key_mask=None,
    attention_mask=None, return_attention_scores=False, training=None, use_causal_mask=False)``. Masks of the inputs
    come with them in a model. Several axes of steps are taken as one; of Keras's arguments there are no
    `attention_axes`, `sliding_window`, `flash_attention`, `use_gate` and `activity_regularizer`. A query that sees no
    key gets the mean of the values, or zeros with `dropout`, as in Keras.

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

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Sequence[int] | int | None = None,
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
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        super().__init__(dtype=dtype, name=name, trainable=trainable)
        self._take_dropout(dropout, seed)
        self._zeroes = self.dropout > 0
        parts = ("query", "key", "value", "attention_output")
        kinds = ("kernel", "bias") if self.use_bias else ("kernel",)
        self._weight_names = tuple(f"{part}_{kind}" for part in parts for kind in kinds)
        self._trained = (True,) * len(self._weight_names)

    # -- shapes and weights --------------------------------------------------------------------------------------------

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
        kernel, bias = (
            (self.kernel_regularizer, self.kernel_constraint),
            (self.bias_regularizer, self.bias_constraint),
        )
        return [kernel, bias] * 4 if self.use_bias else [kernel] * 4

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Create a layer from its config, of this package or Keras. Raises as the class itself."""
        axes = config.get("attention_axes")  # what Keras writes when all axes of steps are meant
        if axes is not None and list(axes) != list(range(1, len(axes) + 1)):
            raise ValueError(f"attention_axes must be those of all steps; got {axes!r}.")
        return super().from_config({key: value for key, value in config.items() if key != "attention_axes"})

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = super().get_config()
        config["output_shape"] = None if self._last_axes is None else list(self._last_axes)
        return config

    _passing = ("input_shape", "input_dim", "output_shape")

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        query = self._shapes[0] if self._shapes else (None, 1, 1)
        return super().specification() | {
            "kind": "multi_head_attention",
            "heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "use_bias": self.use_bias,
            "output": list(self._axes_of(tuple(n for n in query if n is not None))),
        }

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
            key: by default the value.
        query_mask, value_mask, key_mask : array_like of bool (rows, steps), or SymbolicTensor; optional
            Which steps count. In a model masks come with the inputs: these are others.
        attention_mask : array_like of bool (rows, steps of the query, steps of the key), or SymbolicTensor; optional
            Which keys each query sees.
        return_attention_scores : bool, default False
            Whether to give (output, scores), the scores (rows, heads, steps of the query, steps of the key); of arrays.
        training : bool, optional
            As for any layer.
        use_causal_mask : bool, default False
            Whether each query sees keys up to its own step alone.

        Returns
        -------
        ndarray (rows, steps of the query, ...), or SymbolicTensor

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
        if symbolic and scores:
            raise ValueError(
                "return_attention_scores must be False in a call with symbolic tensors: a layer gives one."
            )
        if self._last_axes is None and self.built and not symbolic and np.ndim(query) < 3:
            raise ValueError(f"query must have shape (rows, steps, n); its shape is {np.shape(query)}.")
        values = self._called_with(given, use_causal_mask)
        if symbolic:
            return self._connect(values)
        zeroes, self._zeroes = self._zeroes, self._zeroes or scores
        try:
            output = self._eager.forward(values, trains)
        finally:
            self._zeroes = zeroes
        return (output, self._scores(values)) if scores else output

    def _scores(self, values: Sequence[Any]) -> np.ndarray:
        """The weights of the means, (rows, heads, queries, keys), of a call."""
        named = dict(zip(self._arguments, self._checked_inputs(values), strict=True))
        weights = dict(zip(self._weight_names, self.weights, strict=True))

        def projected(x: np.ndarray, part: str) -> np.ndarray:
            steps = x.reshape(len(x), -1, x.shape[-1]).astype(self.dtype, copy=False)
            made: np.ndarray = np.einsum("btn,nhd->bthd", steps, weights[f"{part}_kernel"])
            return made + weights[f"{part}_bias"] if self.use_bias else made

        query, key = projected(named["query"], "query"), projected(named.get("key", named["value"]), "key")
        scores = np.einsum("bthd,bshd->bhts", query, key) / math.sqrt(self.key_dim)
        seen = np.ones((len(query), 1, *scores.shape[2:]), bool)
        if self._causal:
            seen &= np.tri(*scores.shape[2:]) > 0
        for name, shape in (("query_mask", (-1, 1)), ("value_mask", (1, -1)), ("key_mask", (1, -1))):
            if name in named:
                seen = seen & named[name].reshape(len(query), 1, *shape).astype(bool)
        if "attention_mask" in named:
            seen = seen & named["attention_mask"][:, None].astype(bool)
        scores = np.where(seen, activations.softmax(np.where(seen, scores, -1e9)), 0)
        return scores.astype(self.dtype)
