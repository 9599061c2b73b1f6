"""Data that is made batch by batch."""

from __future__ import annotations

from typing import Any

from ..checks import check_bool, check_int

__all__ = ["PyDataset", "Sequence"]


class PyDataset:
    """Base class of data given batch by batch: define ``__len__`` and ``__getitem__``, as in Keras.

    Parameters
    ----------
    workers : int, default 1
        More than one make batches ahead, side by side.
    use_multiprocessing : bool, default False
        Whether they are processes, to which the dataset is sent as the `multiprocessing` module sends things, instead
        of threads.
    max_queue_size : int, default 10
        How many batches are made ahead at most.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type, or below 1.

    Notes
    -----
    ``dataset[i]`` gives ``(x, y)`` or ``(x, y, sample_weight)`` of batch i; ``on_epoch_begin`` and ``on_epoch_end`` are
    called if they are defined. A property ``num_batches`` that is None says that there is no end.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> class Squares(gs.utils.PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         x = np.linspace(index, index + 1, 8)[:, None]
    ...         return x, x**2
    >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> len(model.fit(Squares(), epochs=2, verbose=0).epoch)
    2
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = check_int("workers", workers, 1)
        self.use_multiprocessing = check_bool("use_multiprocessing", use_multiprocessing)
        self.max_queue_size = check_int("max_queue_size", max_queue_size, 1)

    def __getitem__(self, index: int) -> Any:
        """Batch `index`, from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index).")

    def __len__(self) -> int:
        """How many batches there are."""
        raise NotImplementedError(f"{type(self).__name__} must define __len__().")


Sequence = PyDataset  # its name in Keras 2
