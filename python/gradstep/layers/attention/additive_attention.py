"""Additive attention of inputs as they are (csrc/layers/attention.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import initializers
from ...checks import check_bool
from ..merging.merging import Merge
from .list_attention import ListAttention

__all__ = ["AdditiveAttention"]


class AdditiveAttention(ListAttention, Merge):
    """Additive attention: each query gets a mean of values, weighted by the softmax of sums of tanh(query + key).

    Parameters
    ----------
    use_scale : bool, default True
        Whether the tanh of each place of the last axis is multiplied by a number that is trained, before the sum.
    dropout : float, default 0.0
        Part of the weights of the mean that is dropped in training.
    seed : int, optional
        Of what is dropped.
    dtype, name, trainable
        As in `Layer`.

    State
    -----
    scale : ndarray, shape (n,)
        With `use_scale`; drawn by "glorot_uniform".

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or range; when called: the inputs are no list of two or three, or their shapes do
        not fit.

    Notes
    -----
    It is called as `Attention` is, and masks are the same. The tanh is taken of each pair of a query and a key, so that
    a call takes queries * keys * n of them.

    References
    ----------
    Bahdanau, Cho, Bengio, "Neural machine translation by jointly learning to align and translate", ICLR 2015,
    arXiv:1409.0473.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> query, value = np.array([[[0.0]]]), np.array([[[-1.0], [1.0]]])
    >>> layer = gs.layers.AdditiveAttention(use_scale=False)
    >>> y, scores = layer([query, value], return_attention_scores=True)
    >>> y.round(3), scores.round(3)
    (array([[[0.642]]], dtype=float32), array([[[0.179, 0.821]]], dtype=float32))
    """

    def __init__(
        self,
        use_scale: bool = True,
        dropout: float = 0.0,
        seed: int | None = None,
        *,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.use_scale = check_bool("use_scale", use_scale)
        super().__init__(dtype=dtype, name=name, trainable=trainable)
        self._take_dropout(dropout, seed)
        self._weight_names = ("scale",) if self.use_scale else ()
        self._trained = (True,) * len(self._weight_names)

    _scale_initializer = initializers.get("glorot_uniform")

    @property
    def scale(self) -> np.ndarray | None:
        """The factors of the tanhs, shape (n,); None without `use_scale`."""
        return self._weight(0) if self.use_scale else None

    def _drawn_for(self, rows: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        return [self._drawn("_scale_initializer", rows[0][-1:])] if self.use_scale else []

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        known = {"kind": "attention", "use_scale": self.use_scale, "of_tanhs": True, "of_vector": self.use_scale}
        return super().specification() | known | {"of_sum": False}

    def _scores_of(self, query: np.ndarray, key: np.ndarray) -> np.ndarray:
        return self._tanh_sums(query, key, 1.0, self.scale)
