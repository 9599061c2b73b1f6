"""Numbers as the bins that they lie in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ...checks import check_choice, check_config, check_float, check_int, describe, numeric
from ...preprocessing.encoding import ENCODINGS
from .encoding_layer import EncodingLayer

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Discretization"]


class Discretization(EncodingLayer):
    """Maps numbers to the bins that they lie in, of boundaries that are given or learned.

    Parameters
    ----------
    bin_boundaries : list of float, optional
        In rising order: ``[0.0, 1.0]`` has the bins below 0, from 0 to below 1, and from 1 on.
    num_bins : int, optional
        In place of boundaries: how many bins `adapt` makes, with about as many numbers of the data in each.
    epsilon : float, default 0.01
        Into how many parts `adapt` sums batches up, 1 / epsilon: greater is coarser.
    output_mode : {"int", "one_hot", "multi_hot", "count"}, default "int"
        As in `CategoryEncoding`; "int": the numbers of bins.
    dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range; both or none of the first two. When called: there are no
        boundaries yet.

    Notes
    -----
    Called on arrays it gives arrays; in a model it computes in NumPy, once for each batch. Boundaries are Keras's.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> gs.layers.Discretization([0.0, 1.0, 2.0])([[-1.5, 1.0, 3.4], [0.0, 0.5, 2.0]])
    array([[0, 2, 3],
           [1, 1, 3]])
    >>> layer = gs.layers.Discretization(num_bins=2)
    >>> layer.adapt(np.arange(100.0))
    >>> layer([10.0, 90.0])
    array([0, 1])
    """

    _refused_by_keras = ("trainable",)

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        *,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(dtype=dtype, name=name, trainable=trainable)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError("Discretization takes bin_boundaries or num_bins, one of them.")
        self.bin_boundaries = None if bin_boundaries is None else _rising(bin_boundaries)
        self.num_bins = None if num_bins is None else check_int("num_bins", num_bins, 2)
        self.epsilon = check_float("epsilon", epsilon)
        if not 0 < self.epsilon < 1:
            raise ValueError(f"epsilon must be above 0 and below 1; got {epsilon}.")
        self.output_mode = check_choice("output_mode", output_mode, ENCODINGS)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Create a layer from its config, with the boundaries that it has learned. Raises as the class itself."""
        given = dict(check_config(config))
        learned = given.pop("bin_boundaries", None) if given.get("num_bins") is not None else None
        made = cls(**given)
        if learned is not None:
            made.bin_boundaries = _rising(learned)
        return made

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the boundaries: quantiles of data.

        Parameters
        ----------
        data : array_like, or iterable of such
            A list, generator or dataset gives batches.
        steps : int, optional
            How many batches to take.

        Raises
        ------
        TypeError, ValueError
            No numbers; or boundaries were given. They are then as they were.
        """
        if self.num_bins is None:
            raise ValueError(f"layer {self.name!r} has given bin_boundaries: make it with num_bins to adapt it.")
        limit = None if steps is None else check_int("steps", steps, 1)
        is_one = isinstance(data, np.ndarray) or not isinstance(data, Iterable) or hasattr(data, "__array__")
        batches: Iterable[Any] = [data] if is_one else islice(data, limit)
        known = np.zeros((2, 0), np.float32)
        for batch in batches:
            values = np.sort(numeric(batch, "data").astype(np.float32), axis=None)
            each = max(self.epsilon * len(values), 1.0)  # how many numbers one that is taken stands for
            taken = values[int(each - 1) :: int(each)]
            both = np.hstack([np.stack([taken, np.full_like(taken, each)]), known])
            known = _summed_up(both[:, np.argsort(both[0])], self.epsilon)
        if not known.size:
            raise ValueError("data must have numbers.")
        self.bin_boundaries = _summed_up(known, 1 / self.num_bins)[0, :-1].tolist()

    def _depth(self) -> int:
        return self.num_bins or len(self.bin_boundaries or ()) + 1

    def _numbers(self, x: np.ndarray) -> np.ndarray:
        if self.bin_boundaries is None:
            raise ValueError(f"layer {self.name!r} has no boundaries: call adapt(data), or give bin_boundaries.")
        return np.asarray(np.searchsorted(self.bin_boundaries, x, side="right"), np.int64)


def _summed_up(points: np.ndarray, part: float) -> np.ndarray:
    """Values and their weights, in order, at quantiles that are so far apart; few points stay as they are."""
    if points.shape[1] * part < 1:
        return points
    total = points[1].cumsum()
    share = total / total[-1]
    wanted = part + np.arange(0.0, 1.0, part)
    weights = np.diff(np.interp(wanted, share, total), prepend=0.0)
    return np.stack([np.interp(wanted, share, points[0]), weights]).astype(np.float32)


def _rising(given: Any) -> list[float]:
    values = numeric(given, "bin_boundaries").astype(float)
    if values.ndim != 1 or not values.size or not (np.diff(values) >= 0).all():
        raise ValueError(f"bin_boundaries must be numbers in rising order; got {describe(given)}.")
    return [float(one) for one in values]
