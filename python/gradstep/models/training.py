"""Training: slices of work for the engine, and Python between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, seeds
from ..callbacks.base import Callback, Callbacks, as_callbacks
from ..callbacks.history import History
from ..callbacks.progress import ProgbarLogger
from ..checks import flag, whole
from ..optimizers.arrays import describe
from ..optimizers.base import real
from .custom import Custom
from .data import batch_rows, split_off, verbosity
from .evaluation import SLICE, Evaluator
from .steps import Stepped

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Trainer"]


class Trainer(Evaluator):
    """A model that can be trained."""

    def __init__(self) -> None:
        super().__init__()
        self.history: History | None = None
        self.stop_training = False
        self._key: seeds.Key | None = None  # of the shuffles
        self._passes = 0  # epochs begun so far, by any fit

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int | str | None = 32,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Sequence[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        shuffle: bool = True,
        initial_epoch: int = 0,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x : array_like, shape (rows, ...)
            Data. Rows of float32, float64 or uint8 in C order, a memmap too, are read where they lie, and converted as
            they are read; others are copied once.
        y : array_like
            Targets: (rows, outputs), or (rows,) for one output; class numbers (rows,) or (rows, 1) for a sparse loss.
        batch_size : int or "full", default 32
            Rows of a step; "full" is all. The last batch of an epoch may be shorter.
        epochs : int, default 1
            At which epoch to stop, counted from 0: with `initial_epoch` 0, how many to train.
        verbose : {"auto", 0, 1, 2}, default "auto"
            0: silent; 1 and "auto": a bar in a terminal, a line an epoch elsewhere; 2: a line an epoch.
        callbacks : list of Callback, optional
        validation_split : float, default 0.0
            Part of the rows, the last ones, to score after each epoch instead of training on them; at least 0, below 1.
        validation_data : (x, y), optional
            Rows to score after each epoch; `validation_split` is not used then.
        shuffle : bool, default True
            Whether each epoch takes the rows in a new order. It follows from the seed and the number of epochs trained,
            not from the number of threads.
        initial_epoch : int, default 0
            Which epoch to begin at, as when training goes on.

        Returns
        -------
        History
            Its ``history`` has the loss and metrics of every epoch, means over the rows.

        Raises
        ------
        TypeError, ValueError
            An argument that cannot be; weights, optimizer and counters are then as they were.
        KeyboardInterrupt
            At Ctrl-C; the model is then as after a whole step, and can be trained on.

        Notes
        -----
        Called again, it goes on with the state the optimizer has.
        """
        first = whole("initial_epoch", initial_epoch, 0)
        last = whole("epochs", epochs, 0)
        level, shuffled = verbosity(verbose), flag("shuffle", shuffle)
        share = real("validation_split", validation_split)
        if not 0 <= share < 1:
            raise ValueError(f"validation_split must be at least 0 and below 1; got {validation_split!r}.")
        members = as_callbacks(callbacks)
        batch_rows(batch_size, 1)
        rows, known = self._data(x, y)
        held_out = self._validation(validation_data)
        if held_out is None and share > 0:
            rows, known, *tail = split_off(rows, known, share)
            held_out = tail[0], tail[1]
        batch = batch_rows(batch_size, len(rows))
        scoring = None if held_out is None else self._scoring(*held_out, batch)
        run = self._run(rows, known, batch, train=True)

        if level and not any(isinstance(member, ProgbarLogger) for member in members):
            members.append(ProgbarLogger(live=level == 1))
        self.history = History()
        members.append(self.history)
        steps = math.ceil(len(rows) / batch)
        hooks = Callbacks(members, self, {"verbose": level, "epochs": last, "steps": steps})
        self.stop_training = False
        logs: dict[str, float] = {}
        with hooks.closing():
            network = self._network
            hooks.call("on_train_begin")
            if self._network is not network:  # a callback restored a checkpoint
                run = self._run(rows, known, batch, train=True)
                scoring = None if held_out is None else self._scoring(*held_out, batch)
            for epoch in range(first, last):
                hooks.call("on_epoch_begin", epoch)
                index = self._begin_pass(epoch)
                run.start(self._order(index, len(rows)) if shuffled else None, index)
                logs = self._train_pass(run, hooks)
                if scoring is not None:
                    logs |= self._score(scoring, "val_")
                hooks.call("on_epoch_end", epoch, logs)
                if self.stop_training:
                    break
            if self.optimizer is not None:
                self.optimizer.finalize_variable_values(self.weights)
            hooks.call("on_train_end", logs)
        return self.history

    def _validation(self, data: Any) -> tuple[np.ndarray, np.ndarray] | None:
        if data is None:
            return None
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise TypeError(f"validation_data must be a pair (x, y); got {describe(data)}.")
        return self._data(data[0], data[1], ("validation_data[0]", "validation_data[1]"))

    def _scoring(self, x: np.ndarray, y: np.ndarray, batch: int) -> _core.Run | Custom | Stepped:
        try:
            return self._run(x, y, batch, train=False)
        except ValueError as error:
            raise ValueError(f"validation data: {error}") from None

    def _begin_pass(self, epoch: int) -> int:
        """The number of a pass over the data, which what is drawn in it depends on.

        Counted over all calls of fit, so that no two epochs draw the same.
        """
        index = max(self._passes, epoch)
        self._passes = index + 1
        return index

    def _order(self, index: int, rows: int) -> np.ndarray:
        """The rows of a pass, shuffled."""
        if self._key is None:
            self._key = seeds.fresh_key()
        return seeds.generator(self._key, index).permutation(rows)

    def _train_pass(self, run: _core.Run | Custom | Stepped, hooks: Callbacks) -> dict[str, float]:
        """One epoch; signals are handled between the slices, when the model is as after a whole step."""
        over, batch = False, 0
        while not over:
            if hooks.wants_batches:
                hooks.call("on_train_batch_begin", batch)
                over = run.advance(0.0)
                hooks.call("on_train_batch_end", batch, self._logs(run))
            else:
                over = run.advance(SLICE)
            batch = run.progress[0]
            hooks.call("on_train_progress", batch, self._logs(run))
            if self.stop_training:
                break
        return self._logs(run)
