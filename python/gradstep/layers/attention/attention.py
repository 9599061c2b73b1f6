"""Dot-product attention of inputs as they are (csrc/layers/attention.hpp)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...checks import check_bool, check_choice
from ..merging.merging import Merge
from .list_attention import ListAttention

__all__ = ["Attention"]


class Attention(ListAttention, Merge):
    """Dot-product attention: each query gets a mean of values, weighted by the softmax of its products with their keys.

    Parameters
    ----------
    use_scale : bool, default False
        Whether products, or with "concat" the sums under tanh, are multiplied by a number that is trained.
    score_mode : {"dot", "concat"}, default "dot"
        What the score of a query and a key is: their product; or the sum of tanh(query + key), times a number that is
        trained.
    dropout : float, default 0.0
        Part of the weights of the mean that is dropped in training.
    seed : int, optional
        Of what is dropped.
    dtype, name, trainable
        As in `Layer`.

    State
    -----
    scale : ndarray, shape ()
        With `use_scale`; 1 at first.
    concat_score_weight : ndarray, shape ()
        With ``score_mode="concat"``; 1 at first.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or range; when called: the inputs are no list of two or three, or their shapes do
        not fit.

    Notes
    -----
    It is called on a list ``[query, value]`` or ``[query, value, key]``, of shapes (rows, ..., steps, n); along axes
    before that of the steps, each place has its own attention. Keys that are masked are seen by no query; the output is
    0 where the query is masked, and has its mask.

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
        self.score_mode = check_choice("score_mode", score_mode, {"dot": "dot", "concat": "concat"})
        super().__init__(dtype=dtype, name=name, trainable=trainable)
        self._take_dropout(dropout, seed)
        self._weight_names = ("scale",) * self.use_scale + ("concat_score_weight",) * (self.score_mode == "concat")
        self._trained = (True,) * len(self._weight_names)

    @property
    def scale(self) -> np.ndarray | None:
        """The factor of the products, shape (); None without `use_scale`."""
        return self._weight(0) if self.use_scale else None

    @property
    def concat_score_weight(self) -> np.ndarray | None:
        """The factor of the sums of tanh, shape (); None with ``score_mode="dot"``."""
        return self._weight(-1) if self.score_mode == "concat" else None

    def _drawn_for(self, rows: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        return [self._one() for _ in self._weight_names]

    def specification(self) -> dict[str, Any]:
        """Kind and settings of the layer, for the compiled core."""
        concat = self.score_mode == "concat"
        known = {"kind": "attention", "use_scale": self.use_scale, "of_tanhs": concat, "of_vector": False}
        return super().specification() | known | {"of_sum": concat}

    def _scores_of(self, query: np.ndarray, key: np.ndarray) -> np.ndarray:
        scale = float(self.weights[0]) if self.use_scale else 1.0
        if self.score_mode == "dot":
            scores: np.ndarray = scale * (query @ key.swapaxes(-1, -2))
        else:
            scores = self.weights[-1] * self._tanh_sums(query, key, scale, None)
        return scores
