"""One of many models in training, and its passes over shared data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core, seeds
from ..callbacks.base import Callback
from ..callbacks.callback_list import CallbackList, as_list
from ..callbacks.history import History
from ..data.rows import Rows, batch_rows
from ..trainers.evaluator import SLICE
from ..trainers.runs import RunWithMetrics

__all__ = ["Member", "Progress", "Shuffles", "queue_pass"]

Progress = tuple[int, int, float, list[Any]]
Shuffles = dict[tuple[seeds.Key, int, int], np.ndarray]


class Member:
    """A model that nobody else uses, its run over rows that others train on too, and its callbacks.

    Parameters
    ----------
    model : Model
        Compiled and built.
    rows : Rows
        As the engine reads them.
    train : ndarray or None
        Which rows it trains on; None: all.
    held : Rows or None
        Rows to score after each epoch.
    test : ndarray or None
        Which of those; None: all.
    batch_size : int, str or None
    shuffle : bool
    draws : seeds.Sequence or None
        Where its random numbers come from; None: from where the thread's come.
    callbacks : sequence of Callback
        That look at epochs.
    epochs : int
        At which epoch to stop.

    Attributes
    ----------
    ends_itself : bool
        Whether a callback may end its training.
    """

    def __init__(
        self,
        model: Any,
        rows: Rows,
        train: np.ndarray | None,
        held: Rows | None,
        test: np.ndarray | None,
        batch_size: Any,
        shuffle: bool,
        draws: seeds.Sequence | None,
        callbacks: Sequence[Callback],
        epochs: int,
    ) -> None:
        self.model, self._train, self._test, self._draws = model, train, test, draws
        self.ends_itself = bool(callbacks)
        count = len(rows) if train is None else len(train)
        self._scored = None if held is None else len(held) if test is None else len(test)
        executor = model._executor
        self._run: Any = executor.run(rows, batch_rows(batch_size, count), True)
        self._scoring: Any = None
        if held is not None and self._scored is not None:
            self._scoring = executor.run(held, batch_rows(batch_size, self._scored), False)
        self._names = executor.losses_and_metrics.log_names
        if shuffle and model._trainer.key is None:
            with seeds.within(draws):
                model._trainer.key = seeds.fresh_key()
        self._positions = None if train is None else np.arange(count)
        self._count, self._shuffle = count, shuffle
        steps = math.ceil(count / batch_rows(batch_size, count))
        self._hooks: CallbackList = as_list(list(callbacks), model, False, verbose=0, epochs=epochs, steps=steps)
        names = model._trainer.log_names(self._scoring is not None, 1)
        model.history = self._hooks.on_fit_data(rows.x, rows.y, names)
        model.stop_training = False
        self._logs: dict[str, float] = {}

    @property
    def rows(self) -> int:
        """How many rows an epoch takes in their order."""
        return self._count

    @property
    def logs(self) -> dict[str, float]:
        """Of the last epoch."""
        return self._logs

    @property
    def has_stopped(self) -> bool:
        """Whether a callback has ended its training."""
        stopped: bool = self.model.stop_training
        return stopped

    @property
    def record(self) -> History:
        """The logs of its epochs."""
        found: History = self.model.history
        return found

    def begin(self) -> None:
        """Training begins."""
        self._hooks.on_train_begin()

    def finish(self) -> None:
        """Training ends, as at the end of `fit`."""
        executor = self.model._executor
        with executor.guard:
            executor.optimizer.finalize_variable_values(self.model.weights)
        self._hooks.on_train_end(self._logs)

    # -- epochs --------------------------------------------------------------------------------------------------------

    @property
    def is_compiled(self) -> bool:
        """Whether the engine alone makes its passes."""
        return all(loop is not None and not loop.asks_python for loop in map(_engine, self._runs))

    @property
    def passes(self) -> int:
        """How many there are in an epoch."""
        return len(self._runs)

    @property
    def _runs(self) -> list[Any]:
        return [self._run] if self._scoring is None else [self._run, self._scoring]

    def queue(self, passes: _core.Passes, place: int, epoch: int) -> None:
        """Put the passes of an epoch behind those that wait."""
        trainer = self.model._trainer
        number, key = trainer.begin_pass(epoch), trainer.shuffle_key if self._shuffle else None
        queue_pass(passes, place, _engine(self._run), self._train, number, key)
        if self._scoring is not None:
            passes.add(place, _engine(self._scoring), self._test)

    def alone(self, epoch: int, known: Shuffles) -> list[Progress]:
        """Make the passes of an epoch here: some of it is computed in Python."""
        found = []
        with seeds.within(self._draws):
            for run in self._runs:
                run.start(*self._pass(epoch, known)) if run is self._run else run.start(self._test)
                while not run.over:
                    run.advance(SLICE)
                found.append(run.progress)
        return found

    def _pass(self, epoch: int, known: Shuffles) -> tuple[np.ndarray | None, int, np.ndarray | None]:
        """Rows in the order of an epoch, the number of its pass, and what each row is to draws: its place in a fold."""
        trainer = self.model._trainer
        number = trainer.begin_pass(epoch)
        places = self._positions
        if self._shuffle:
            key = trainer.key, number, self._count
            if key not in known:
                known[key] = trainer.order(number, self._count)
            places = known[key]
        return (places, number, None) if self._train is None else (self._train[places], number, places)

    def take_compiled(self, epoch: int, found: Sequence[Progress]) -> None:
        """What the engine says of the passes of an epoch."""
        each = zip(self._runs, found, strict=True)
        self.take(epoch, [run.taken_up(one) if isinstance(run, RunWithMetrics) else one for run, one in each])

    def take(self, epoch: int, found: Sequence[Progress]) -> None:
        """What the passes of an epoch found: to the callbacks."""
        logs: dict[str, float] = {}
        for prefix, (_, _, loss, values) in zip(("", "val_"), found, strict=False):
            of_pass = dict(zip(self._names, [loss, *values], strict=True))
            logs |= {f"{prefix}{name}": value for name, value in of_pass.items()}
            self.model._evaluator.last_logs = of_pass
        self._logs = logs
        self._hooks.on_epoch_end(epoch, logs)


def queue_pass(
    passes: _core.Passes, place: int, loop: Any, train: np.ndarray | None, number: int, key: seeds.Key | None
) -> None:
    """Put a pass of training behind those of a member: over the rows `train`, or all, shuffled if there is a key."""
    ids = None if key is not None or train is None else np.arange(len(train))
    passes.add(place, loop, train, number, ids, key)


def _engine(run: Any) -> Any:
    """The run of the engine, if it needs nothing of Python between batches."""
    return run.engine if isinstance(run, RunWithMetrics) else run
