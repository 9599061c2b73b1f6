"""Dot-product attention of inputs as they are (csrc/layers/attention.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _core
from ...checks import check_bool, describe
from ..base.symbolic import in_training, is_symbolic
from ..merging.merging import Merge
from .attending import Attending

if TYPE_CHECKING:
    from ..base.call_graph import Value

__all__ = ["Attention"]


class Attention(Attending, Merge):
    """Dot-product attention: each query gets a mean of values, weighted by the softmax of its products with their keys.

    Parameters
    ----------
    use_scale : bool, default False
        Whether products are multiplied by a number that is trained.
    score_mode : {"dot"}, default "dot"
        Keras's "concat" is not there.
    dropout : float, default 0.0
        Part of the weights of the mean that is dropped in training.
    seed : int, optional
        Of what is dropped.
    dtype, name, trainable
        As in `Layer`.

    State
    -----
    scale : ndarray, shape ()
        With `use_scale`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or range; when called: the inputs are no list of two or three, or their shapes do
        not fit.

    Notes
    -----
    It is called on a list ``[query, value]`` or ``[query, value, key]``, of shapes (rows, steps, n). Keys that are
    masked are seen by no query; the output is 0 where the query is masked, and has its mask.

    References
    ----------
    Luong, Pham, Manning, "Effective approaches to attention-based neural machine translation", EMNLP 2015,
    arXiv:1508.04025.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> query, value = np.array([[[0.0]]]), np.array([[[1.0], [3.0]]])
    >>> gs.layers.Attention()([query, value])
    array([[[2.]]], dtype=float32)
    """

    _zero_queries = True
    _takes_list = True

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        *,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.use_scale = check_bool("use_scale", use_scale)
        if score_mode != "dot":
            raise ValueError(f"score_mode must be 'dot'; got {score_mode!r}.")
        self.score_mode = score_mode
        super().__init__(dtype=dtype, name=name, trainable=trainable)
        self._take_dropout(dropout, seed)
        self._weight_names = ("scale",) if self.use_scale else ()
        self._trained = (True,) * len(self._weight_names)

    @property
    def scale(self) -> np.ndarray | None:
        """The factor of the products, shape (); None without `use_scale`."""
        return self._weight(0) if self.use_scale else None

    def _check_rows(self, rows: Sequence[tuple[int, ...]]) -> None:
        super()._check_rows(rows)
        if rows[0][-1] != rows[2][-1]:
            raise ValueError(
                f"layer {self.name!r} must get a query and a key with the same last axis; their rows have "
                f"{rows[0]} and {rows[2]}."
            )

    def _output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        return (*shapes[0][:-1], shapes[1][-1])

    def _drawn_for(self, rows: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        if not self.use_scale:
            return []
        scale = _core.aligned_zeros((), self.dtype)
        scale[...] = 1
        return [scale]

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        return super().specification() | {"kind": "attention", "use_scale": self.use_scale}

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
        inputs : list of array_like (rows, steps, n), or of SymbolicTensor
        mask : list of array_like of bool (rows, steps) or None, optional
            Which steps of the query and of the value count; or SymbolicTensor. In a model masks come with the inputs:
            these are others.
        training : bool, optional
            As for any layer.
        return_attention_scores : bool, default False
            False: the scores are not given.
        use_causal_mask : bool, default False
            Whether each query sees keys up to its own step alone.

        Returns
        -------
        ndarray (rows, steps of the query, last axis of the value), or SymbolicTensor

        Raises
        ------
        TypeError, ValueError
            `inputs` is no list of two or three, or shapes do not fit.
        """
        if not isinstance(inputs, (list, tuple)) or not 2 <= len(inputs) <= 3:
            raise TypeError(
                f"layer {self.name!r} must get a list [query, value] or [query, value, key]; got {describe(inputs)}."
            )
        if return_attention_scores is not False:
            raise ValueError(f"return_attention_scores must be False; got {return_attention_scores!r}.")
        given = dict(zip(("query", "value", "key"), inputs, strict=False))
        symbolic = any(map(is_symbolic, inputs))
        trains = in_training(training, symbolic)
        for name, one in zip(("query_mask", "value_mask"), self._listed(mask), strict=False):
            given[name] = one
        values = self._called_with(given, use_causal_mask)
        return self._connect(values) if symbolic else self._eager.forward(values, trains)
