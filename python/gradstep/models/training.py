"""Training: slices of work for the engine, and Python between them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from os import getpid
from threading import get_ident
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import seeds
from ..callbacks.base import Callback, LogNames
from ..callbacks.callback_list import CallbackList, as_callbacks, as_list
from ..callbacks.history import History
from ..checks import check_bool, check_float, check_int, describe
from ..hints import warn
from .cautions import warn_of_frozen, warn_of_targets
from .data import Rows, batch_rows, limit_of, verbosity
from .evaluation import SLICE, Evaluator
from .feeds import BatchFeed, Feed
from .sources import gives_batches

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Trainer"]


def _begun(train_pass: Callable[..., dict[str, float]]) -> Callable[..., dict[str, float]]:
    """A pass that ends before its first batch is done does not count."""

    @wraps(train_pass)
    def guarded(self: Trainer, run: Any, hooks: CallbackList) -> dict[str, float]:
        try:
            return train_pass(self, run, hooks)
        except BaseException:
            self._passes -= not run.progress[0]
            raise

    return guarded


class Trainer(Evaluator):
    """A model that can be trained."""

    def __init__(self) -> None:
        super().__init__()
        self.history: History | None = None
        self.stop_training = False
        self._initial_epoch: int | None = None  # set by a callback that restores a run, when training begins
        self.seed: int | None = None
        self._key: seeds.Key | None = None  # of the shuffles
        self._passes = 0  # epochs begun so far, by any fit
        self._fits: list[tuple[int, int]] = []  # process and thread of each that goes on, the first one trains

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | str | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Sequence[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | str | None = None,
        validation_freq: int | Collection[int] = 1,
        seed: int | None = None,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x : array_like, shape (rows, ...), or what gives batches
            Data. Rows of float32, float64 or uint8 in C order, a memmap too, are read where they lie, and converted as
            they are read. Other arrays are copied into memory as a whole, once: pandas and polars tables, dask arrays,
            datasets of h5py and zarr too; give batches, or a memmap, where they do not fit. A SciPy sparse matrix is
            made dense a batch at a time. A generator, an iterable or a sequence such as `gradstep.utils.PyDataset`
            gives batches ``(x, y)`` or ``(x, y, sample_weight)``. A model of several inputs takes a list with an array
            for each, or a dict by their names; so are `y` and `sample_weight` for each of several outputs.
        y : array_like
            Targets: (rows, outputs), or (rows,) for one output; class numbers (rows,) or (rows, 1) for a sparse loss.
            None where `x` gives batches.
        batch_size : int or "full", optional
            Rows of a step; "full" is all. The last batch of an epoch may be shorter. By default 32, or, with
            `steps_per_epoch`, what makes so many batches of all rows. None where `x` gives batches.
        epochs : int, default 1
            At which epoch to stop, counted from 0: with `initial_epoch` 0, how many to train.
        verbose : {"auto", 0, 1, 2}, default "auto"
            0: silent; 1 and "auto": a bar in a terminal, a line an epoch elsewhere; 2: a line an epoch.
        callbacks : list of Callback, optional
        validation_split : float, default 0.0
            Part of the rows, the last ones, to score after each epoch instead of training on them; at least 0, below 1.
        validation_data : (x, y), (x, y, sample_weight), or what gives batches; optional
            Rows to score after each epoch; `validation_split` is not used then.
        shuffle : bool, default True
            Whether each epoch takes the rows in a new order, or the batches of a sequence; generators and other
            iterables say themselves what comes. The order follows from the seed and the number of epochs trained, not
            from the number of threads.
        class_weight : dict of int to float, optional
            What the loss of rows of a class counts for in training; 1 for classes that are not in it.
        sample_weight : array_like, shape (rows,), optional
            What the loss of each row counts for in training, and in the validation of rows that are split off.
        initial_epoch : int, default 0
            Which epoch to begin at, as when training goes on.
        steps_per_epoch : int, optional
            Batches of an epoch, if not all; the next epoch goes on where this one ends. Needed for a generator without
            end.
        validation_steps : int, optional
            Batches to score, if not all: the first ones, but of a generator the next ones.
        validation_batch_size : int or "full", optional
            By default `batch_size`; without, 32, or what makes `validation_steps` batches of all rows.
        validation_freq : int or collection of int, default 1
            After which epochs to score: each so many-th, or those of these numbers, counted from 1.
        seed : int, optional
            What the shuffles follow from, in this call and those after it; by default the model's seed, or that of
            `utils.set_random_seed`.

        Returns
        -------
        History
            Its ``history`` has the loss and metrics of every epoch, means over the rows.

        Raises
        ------
        TypeError, ValueError
            An argument that cannot be; weights, optimizer and counters are then as they were. A later batch that cannot
            be ends training as Ctrl-C does.
        RuntimeError
            The model is being trained by another thread; or its weights were made anew in the midst of an epoch.
        KeyboardInterrupt
            At Ctrl-C; the model is then as after a whole step, and can be trained on.

        Warns
        -----
        UserWarning
            The data ended before the batches or epochs that were asked for.

        Notes
        -----
        Called again, it goes on with the state the optimizer has.

        A callback, or another thread, may call `compile`, set `optimizer` or restore a run: the next epoch takes it up.
        Weights that are set count from the next batch on.
        """
        first = check_int("initial_epoch", initial_epoch, 0)
        last = check_int("epochs", epochs, 0)
        level, shuffled = verbosity(verbose), check_bool("shuffle", shuffle)
        share = check_float("validation_split", validation_split)
        if not 0 <= share < 1:
            raise ValueError(f"validation_split must be at least 0 and below 1; got {validation_split!r}.")
        limit = limit_of("steps_per_epoch", steps_per_epoch)
        scored_limit = limit_of("validation_steps", validation_steps)
        is_scored = _frequency(validation_freq)
        as_callbacks(callbacks)
        key = seeds.key_of(seed)
        batch_rows(batch_size, 1)
        batch_rows(validation_batch_size, 1, "validation_batch_size")
        order = self._order if shuffled else None
        feed: Feed | None = None
        scored: Feed | None = None

        def made() -> tuple[Feed, Any, Feed | None, Any, int]:
            """Data as the model takes it now, and what goes over it; and the version of the model."""
            version, held_out = self._version, None
            if isinstance(feed, BatchFeed):
                feed.renew()
                data: Feed = feed
            elif gives_batches(x):
                if share > 0 and validation_data is None:
                    raise ValueError(f"validation_split must be 0 where x gives batches; got {validation_split!r}.")
                rest = y, sample_weight
                data = self._feed_batches(x, rest, batch_size, limit, class_weight, train=True, order=order)
            else:
                rows = self._rows(x, y, sample_weight)
                if share > 0 and validation_data is None:
                    rows, held_out = rows.split(share)
                data = self._feed_rows(rows.of_classes(class_weight), batch_size, limit, True, order)
            if isinstance(scored, BatchFeed):
                scored.renew()
                rated: Feed | None = scored
            else:
                rated = self._validation(held_out, validation_data, validation_batch_size, batch_size, scored_limit)
            scoring = _scoring(rated)  # first: it changes nothing where it fails
            return data, data.make_run(), rated, scoring, version

        with self._only_fit(), self._lent:
            feed, run, scored, scoring, version = made()
            warn_of_frozen(self)
            warn_of_targets(self, feed.sample)

            self._key = key or self._key
            hooks = as_list(callbacks, self, level > 0, verbose=level, epochs=last, steps=feed.steps)
            self.history = hooks.on_fit_data(
                feed.sample.x, feed.sample.y, self._log_names(scored is not None, validation_freq)
            )
            self.stop_training, self._initial_epoch = False, None
            logs: dict[str, float] = {}
            with hooks.closing():
                hooks.on_train_begin()
                for epoch in range(self._initial_epoch or first, last):
                    if feed.is_over():
                        warn(f"the data ran out before epoch {epoch + 1} of {last}.")
                        break
                    hooks.on_epoch_begin(epoch)
                    # A callback, or another thread, may have compiled the model anew or restored a run.
                    if self._version != version:
                        feed, run, scored, scoring, version = made()
                    index = self._begin_pass(epoch)
                    feed.start(run, epoch, index)
                    logs = self._train_pass(run, hooks)
                    if not self.stop_training:
                        feed.finish(run.progress[0])
                        hooks.set_steps(feed.steps)
                    if scored is not None and is_scored(epoch + 1):
                        if self._version != version:
                            feed, run, scored, scoring, version = made()
                        assert scored is not None
                        scores = self._score(scored, scoring, hooks=hooks)
                        logs |= {f"val_{name}": value for name, value in scores.items()}
                    hooks.on_epoch_end(epoch, logs)
                    if self.stop_training:
                        break
                if self.optimizer is not None:
                    with self._guard:
                        self.optimizer.finalize_variable_values(self.weights)
                hooks.on_train_end(logs)
            return self.history

    @contextmanager
    def _only_fit(self) -> Iterator[None]:
        """Refuses a second `fit` beside this one; one that a callback of this one calls is none: they take turns."""
        me, fits = (getpid(), get_ident()), self._fits
        fits[:] = [one for one in fits if one[0] == me[0]]  # not those of the process that this one was forked from
        fits.append(me)
        try:
            if fits[0] != me:
                raise RuntimeError("the model is being trained by another thread: one fit at a time.")
            yield
        finally:
            fits.remove(me)

    def _check_no_fit(self, call: str) -> None:
        if self._fits:
            raise RuntimeError(f"{call} must wait until fit, which trains these layers now, has ended.")

    def _log_names(self, is_scored: bool, validation_freq: Any) -> LogNames:
        """What the logs of epochs have before a callback adds to them."""
        own = tuple(self.metrics_names)
        scores = tuple(f"val_{name}" for name in own) if is_scored else ()
        always = not isinstance(validation_freq, Collection) and validation_freq == 1
        return LogNames(own + scores) if always else LogNames(own, scores)

    def _validation(
        self, held_out: Rows | None, data: Any, batch_size: Any, of_training: Any, limit: int | None
    ) -> Feed | None:
        names = "validation_data[0]", "validation_data[1]", "validation_data[2]"
        if gives_batches(data):
            return self._feed_batches(data, (None, None), batch_size, limit, None, ("validation_data", "", ""))
        size = of_training if batch_size is None else batch_size
        if data is not None:
            if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
                raise TypeError(f"validation_data must be (x, y) or (x, y, sample_weight); got {describe(data)}.")
            held_out = self._rows(data[0], data[1], data[2] if len(data) == 3 else None, names)
        return None if held_out is None else self._feed_rows(held_out, size, limit)

    def _begin_pass(self, epoch: int) -> int:
        """The number of a pass over the data, which what is drawn in it depends on.

        Counted over all calls of fit, so that no two epochs draw the same.
        """
        index = max(self._passes, epoch)
        self._passes = index + 1
        return index

    def _take_seed(self, seed: Any) -> None:
        """Let what the model draws follow from a seed of its own, if there is one."""
        key = seeds.key_of(seed)
        if key is not None:
            self.seed, self._key = key[0], seeds.Sequence(key[0]).fresh_key()

    def _order(self, index: int, rows: int) -> np.ndarray:
        """The rows of a pass, shuffled."""
        if self._key is None:
            self._key = seeds.fresh_key()
        return seeds.generator(self._key, index).permutation(rows)

    @_begun
    def _train_pass(self, run: Any, hooks: CallbackList) -> dict[str, float]:
        """One epoch; signals are handled between the slices, when the model is as after a whole step."""
        batch, each, names = 0, hooks.wants_batches("train"), self.metrics_names
        while not run.over:
            if each:
                hooks.on_train_batch_begin(batch)
                self._advance(run)
                hooks.on_train_batch_end(run.progress[0] - 1, self._logs(run, names))
            else:
                run.advance(SLICE)
            batch = run.progress[0]
            hooks.on_train_progress(batch, self._logs(run, names))
            if self.stop_training:
                break
        self._last_logs = self._logs(run, names)
        return self._last_logs


def _scoring(feed: Feed | None) -> Any:
    if feed is None:
        return None
    try:
        return feed.make_run()
    except ValueError as error:
        raise ValueError(f"validation data: {error}") from None


def _frequency(given: Any) -> Callable[[int], bool]:
    """Whether to score after an epoch, counted from 1."""
    if isinstance(given, Collection) and not isinstance(given, (str, bytes)):
        numbers = {check_int("a number in validation_freq", number, 1) for number in given}
        return numbers.__contains__
    every = check_int("validation_freq", given, 1)
    return lambda epoch: epoch % every == 0
