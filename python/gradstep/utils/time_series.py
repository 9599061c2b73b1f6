"""Windows of a time series as batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import seeds
from ..checks import check_bool, check_int
from .py_dataset import PyDataset

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["timeseries_dataset_from_array"]


def timeseries_dataset_from_array(
    data: ArrayLike,
    targets: ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> PyDataset:
    """Create a dataset of sliding windows over a time series.

    Parameters
    ----------
    data : array_like, shape (steps, ...)
    targets : array_like, shape (steps, ...), or None
        ``targets[i]`` belongs to the window that begins at step i. None: the dataset has windows alone.
    sequence_length : int
        Steps of a window.
    sequence_stride : int, default 1
        Steps from the beginning of a window to that of the next.
    sampling_rate : int, default 1
        Steps of the data from one step of a window to the next.
    batch_size : int or None, default 128
        Windows of a batch. None: the dataset has windows one by one.
    shuffle : bool, default False
        Whether windows come in random order, another one in each epoch.
    seed : int, optional
        What the order follows from; by default `utils.set_random_seed`.
    start_index, end_index : int, optional
        Only the steps from `start_index` to before `end_index` are used.

    Returns
    -------
    PyDataset
        Of batches ``(windows, targets)``, or of windows alone: windows have shape (batch, sequence_length, ...). They
        are made when they are asked for; the data is not copied as a whole.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of range; no window fits.

    Notes
    -----
    For a forecast of the next step of a series x, give ``data=x[:-1]`` and ``targets=x[n:]`` with ``n =
    sequence_length``. Keras gives the same windows in the same order; its shuffle is another one.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = np.arange(7.0)
    >>> windows, targets = gs.utils.timeseries_dataset_from_array(x[:-1], x[5:], sequence_length=5)[0]
    >>> windows, targets
    (array([[0., 1., 2., 3., 4.],
           [1., 2., 3., 4., 5.]]), array([5., 6.]))
    """
    series, wanted = np.asarray(data), None if targets is None else np.asarray(targets)
    steps = len(series) if series.ndim else 0
    length = check_int("sequence_length", sequence_length, 1)
    stride = check_int("sequence_stride", sequence_stride, 1)
    rate = check_int("sampling_rate", sampling_rate, 1)
    size = None if batch_size is None else check_int("batch_size", batch_size, 1)
    begin = 0 if start_index is None else check_int("start_index", start_index, 0)
    end = steps if end_index is None else check_int("end_index", end_index, 1)
    if not begin < end <= steps:
        raise ValueError(f"start_index and end_index must be below {steps} steps, rising; got {begin} and {end}.")
    windows = end - begin - (length - 1) * rate
    if wanted is not None:
        windows = min(windows, (len(wanted) if wanted.ndim else 0) - begin)
    if windows < 1:
        raise ValueError(
            f"data must have steps for a window of {length} at sampling_rate {rate}, and a target for it; "
            f"{end - begin} of its steps are used."
        )
    key = seeds.key_of(seed)
    draws = (seeds.fresh_key() if key is None else key) if check_bool("shuffle", shuffle) else None
    return _Windows(series[begin:end], wanted, begin, np.arange(0, windows, stride), length, rate, size, draws)


class _Windows(PyDataset):
    """Windows that begin at given steps of a series."""

    def __init__(
        self,
        series: np.ndarray,
        targets: np.ndarray | None,
        begin: int,
        starts: np.ndarray,
        length: int,
        rate: int,
        size: int | None,
        key: tuple[int, int] | None,
    ) -> None:
        super().__init__()
        # The target of the window that begins at step i of the whole series is its element i.
        self._series, self._targets = series, None if targets is None else targets[begin:]
        self._starts, self._size, self._key, self._epoch = starts, size, key, 0
        self._steps = np.arange(length) * rate
        self._order = self._shuffled()

    def _shuffled(self) -> np.ndarray:
        if self._key is None:
            return self._starts
        made: np.ndarray = seeds.generator(self._key, self._epoch).permutation(self._starts)
        return made

    def on_epoch_end(self) -> None:
        """Take the windows in another order, if they are shuffled."""
        self._epoch += 1
        self._order = self._shuffled()

    def __len__(self) -> int:
        """How many batches there are."""
        return -(-len(self._order) // (self._size or 1))

    def __getitem__(self, index: int) -> Any:
        """Batch `index`, from 0."""
        if not 0 <= index < len(self):
            raise IndexError(f"index must be below {len(self)}, the number of batches; got {index}.")
        starts: Any = self._order[index]
        if self._size is not None:
            starts = self._order[index * self._size : (index + 1) * self._size]
        windows = self._series[np.add.outer(starts, self._steps)]
        return windows if self._targets is None else (windows, self._targets[starts])
