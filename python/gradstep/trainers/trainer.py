"""The loop of `fit`: epochs of a feed, scores after them, and callbacks between."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from os import getpid
from threading import get_ident
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import seeds
from ..callbacks.base import LogNames
from ..callbacks.callback_list import CallbackList, as_list
from ..callbacks.history import History
from ..data.feeds import BatchFeed, Feed
from ..data.rows import Rows
from ..data.sources import gives_batches
from ..distribution.active import is_writer, within
from ..hints import warn
from ..minimize.methods.base import Method
from .cautions import warn_of_frozen, warn_of_targets
from .data_adapter import DataAdapter
from .evaluator import SLICE, Evaluator
from .executor import Executor
from .fit_arguments import FitArguments
from .full_batch.run import check_arrays, whole_feed
from .model_face import ModelFace
from .shards.run import weights_hash
from .shards.team_feed import team_feed

if TYPE_CHECKING:
    from ..distribution import DataParallel

__all__ = ["Trainer"]


class FitData(NamedTuple):
    """Training and validation data of `fit`, and the run over it."""

    feed: Feed
    run: Any
    scored: Feed | None
    scoring: Any
    version: int  # of the model


class Trainer:
    """Trains a model.

    Parameters
    ----------
    model : ModelFace
        Which callbacks see.
    executor : Executor
    data : DataAdapter
    evaluator : Evaluator
        Which scores validation data.

    Attributes
    ----------
    initial_epoch : int, optional
        Set by a callback that restores a run, when training begins.
    key : tuple of int, optional
        Of the shuffles.
    passes : int
        Epochs begun so far, by any `fit`.
    """

    def __init__(self, model: ModelFace, executor: Executor, data: DataAdapter, evaluator: Evaluator) -> None:
        self.model, self._executor, self._data, self._evaluator = model, executor, data, evaluator
        self.initial_epoch: int | None = None
        self.key: seeds.Key | None = None
        self.passes = 0
        self._fits: list[tuple[int, int]] = []  # process and thread of each that goes on, the first one trains

    # -- fit -----------------------------------------------------------------------------------------------------------

    def fit(self, given: FitArguments) -> History:
        """As `Model.fit`."""
        model, executor, team, last = self.model, self._executor, given.team, given.last
        with self._only_fit(), executor.lent, within(team):
            now = self._fit_data(given)
            warn_of_frozen(executor)
            warn_of_targets(executor, now.feed.sample)

            self.key = given.key or self.key
            shown = given.verbose if is_writer() else 0
            hooks = as_list(given.callbacks, model, shown > 0, verbose=shown, epochs=last, steps=now.feed.steps)
            model.history = hooks.on_fit_data(
                now.feed.sample.x, now.feed.sample.y, self.log_names(now.scored is not None, given.validation_freq)
            )
            model.stop_training, self.initial_epoch = False, None
            logs: dict[str, float] = {}
            is_told = False  # that validation data ran out
            with hooks.closing():
                hooks.on_train_begin()
                begin = self.initial_epoch or given.first
                if team is not None:
                    self._check_alike(team, (begin, last, now.feed.steps, self.passes))
                for epoch in range(begin, last):
                    if now.feed.is_over():
                        warn(f"the data ran out before epoch {epoch + 1} of {last}.")
                        break
                    hooks.on_epoch_begin(epoch)
                    # A callback, or another thread, may have compiled the model anew or restored a run.
                    now = self._fit_data(given, now)
                    logs = self._epoch(now.feed, now.run, epoch, hooks)
                    if not logs:
                        warn(f"the data gave no batch in epoch {epoch + 1} of {last}.")
                        break
                    if team is not None:
                        what = f"the weights after epoch {epoch + 1}, as a hash of them,"
                        team.agree(what, weights_hash(model.weights), RuntimeError)
                    if now.scored is not None and given.is_scored(epoch + 1):
                        now = self._fit_data(given, now)
                        assert now.scored is not None
                        scores = self._evaluator.score(now.scored, now.scoring, hooks)
                        logs |= {f"val_{name}": value for name, value in scores.items()}
                        if not scores and not is_told:
                            is_told = True
                            warn(
                                f"the validation data ran out before epoch {epoch + 1} of {last}: its logs, and those "
                                "after it, have no val_ names. Give arrays, or batches that can be gone over again."
                            )
                    self._after_epoch(logs["loss"])
                    hooks.on_epoch_end(epoch, logs)
                    if model.stop_training:
                        break
                executor.settle()
                if executor.optimizer is not None:
                    with executor.guard:
                        executor.optimizer.finalize_variable_values(model.weights)
                hooks.on_train_end(logs)
            history: History = model.history
            return history

    def _fit_data(self, given: FitArguments, before: FitData | None = None) -> FitData:
        """The data as the model takes it now; `before`, unless the model was compiled anew since."""
        executor = self._executor
        if before is not None and executor.version == before.version:
            return before
        executor.settle()
        version = executor.version
        if isinstance(executor.stage, Method):
            check_arrays(executor.stage, given.x, given.steps)
        held_out: Rows | None = None
        if before is not None and isinstance(before.feed, BatchFeed):
            before.feed.renew()
            feed: Feed = before.feed
        else:
            feed, held_out = self._training_feed(given)
        if before is not None and isinstance(before.scored, BatchFeed):
            before.scored.renew()
            scored: Feed | None = before.scored
        else:
            size = given.validation_batch_size
            scored = self._data.validation_feed(
                held_out, given.validation_data, size, given.batch_size, given.validation_steps
            )
        scoring = _scoring(scored)  # first: it changes nothing where it fails
        return FitData(feed, feed.make_run(), scored, scoring, version)

    def _training_feed(self, given: FitArguments) -> tuple[Feed, Rows | None]:
        """The data to train on, and the rows that are held out of it."""
        data, executor = self._data, self._executor
        if given.team is not None:
            return team_feed(data, given.team, given, self.shard_order if given.shuffle else None)
        order = self.order if given.shuffle else None
        if gives_batches(given.x):
            if given.held_out > 0:
                raise ValueError(f"validation_split must be 0 where x gives batches; got {given.held_out!r}.")
            rest = given.y, given.sample_weight
            feed = data.feed_batches(
                given.x, rest, given.batch_size, given.steps, given.class_weight, train=True, order=order
            )
            return feed, None
        rows, held_out = data.rows(given.x, given.y, given.sample_weight), None
        if given.held_out > 0:
            rows, held_out = rows.split(given.held_out)
        rows = rows.of_classes(given.class_weight)
        if isinstance(executor.stage, Method):
            return whole_feed(executor, rows, given.batch_size), held_out
        return data.feed_rows(rows, given.batch_size, given.steps, True, order, given.blocks), held_out

    def _epoch(self, feed: Feed, run: Any, epoch: int, hooks: CallbackList) -> dict[str, float]:
        """One epoch; signals are handled between the slices, when the model is as after a whole step."""
        feed.start(run, epoch, self.begin_pass(epoch))
        batch, each, names = 0, hooks.wants_batches("train"), self._executor.losses_and_metrics.log_names
        shows = hooks._wants("on_train_progress")
        try:
            with self._executor.lent.during_pass():
                while not run.over:
                    if each:
                        hooks.on_train_batch_begin(batch)
                        self._evaluator.advance(run)
                        hooks.on_train_batch_end(run.batches - 1, self._executor.logs(run, names))
                    else:
                        run.advance(SLICE)
                    batch = run.batches
                    if shows:
                        hooks.on_train_progress(batch, self._executor.logs(run, names))
                    if self.model.stop_training:
                        break
        except BaseException:
            self.passes -= not run.batches  # a pass that ends before its first batch is done does not count
            raise
        logs = self._evaluator.last_logs = self._executor.logs(run, names) if batch else {}
        if not self.model.stop_training:
            feed.finish(batch)
            hooks.set_steps(feed.steps)
        return logs

    def begin_pass(self, epoch: int) -> int:
        """The number of an epoch's pass: over all calls of `fit`, so that no two epochs draw the same."""
        number = max(self.passes, epoch)
        self.passes = number + 1
        return number

    def _check_alike(self, team: DataParallel, counters: tuple[int | None, ...]) -> None:
        """Raise an error in all processes of a team if they do not begin alike."""
        drawn = self.shuffle_key, *(step.layer._key for step in self._executor.steps)
        team.agree("the first and last epoch, steps and passes of fit", counters)
        team.agree("seeds of shuffles and layers (call utils.set_random_seed first)", drawn)
        team.agree("the weights when training begins, as a hash of them,", weights_hash(self.model.weights))

    def _after_epoch(self, loss: float) -> None:
        """Let a sequence of methods go on to its next one."""
        executor = self._executor
        chosen = executor.optimizer
        if isinstance(chosen, Method) and chosen._after_epoch(
            loss, lambda: [weight.copy() for weight in executor.trained_weights().values()]
        ):
            executor.next_stage()

    @contextmanager
    def _only_fit(self) -> Iterator[None]:
        """Refuses a second `fit` beside this one; one that a callback of this one calls is none: they take turns, and
        the outer one finds its history and its wish to stop as they were."""
        me, fits, model = (getpid(), get_ident()), self._fits, self.model
        fits[:] = [one for one in fits if one[0] == me[0]]  # not those of the process that this one was forked from
        outer = (model.history, model.stop_training, self.initial_epoch, self.key) if fits else None
        fits.append(me)
        try:
            if fits[0] != me:
                raise RuntimeError("the model is being trained by another thread: one fit at a time.")
            yield
        finally:
            fits.remove(me)
            if outer is not None and fits[0] == me:
                model.history, model.stop_training, self.initial_epoch, self.key = outer

    def check_no_fit(self, call: str) -> None:
        """Raise RuntimeError while the model is being trained."""
        if self._fits:
            raise RuntimeError(f"{call} must wait until fit, which trains these layers now, has ended.")

    def log_names(self, is_scored: bool, validation_freq: Any) -> LogNames:
        """Names in the logs of epochs, without those added by callbacks."""
        own = tuple(self._executor.losses_and_metrics.log_names)
        steps, later = self._step_names()
        own += steps
        scored = self._executor.losses_and_metrics.log_names
        scores = tuple(f"val_{name}" for name in scored) if is_scored else ()
        always = not isinstance(validation_freq, Collection) and validation_freq == 1
        return LogNames(own + scores, later) if always else LogNames(own, scores + later)

    def _step_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names in the logs of steps over all rows; and those of the steps that a sequence of methods takes later."""
        chosen = self._executor.optimizer
        if not isinstance(chosen, Method):
            return (), ()
        every = isinstance(self._executor.stage, Method) and chosen is self._executor.stage
        return (chosen.log_names, ()) if every else ((), chosen.log_names)

    def order(self, number: int, rows: int) -> np.ndarray:
        """The rows of a pass, shuffled."""
        return seeds.shuffled(self.shuffle_key, number, rows)

    def shard_order(self, number: int, shard: int, rows: int) -> np.ndarray:
        """The rows of a shard in a pass, shuffled."""
        return seeds.shuffled(self.shuffle_key, number, rows, shard + 1)

    @property
    def shuffle_key(self) -> seeds.Key:
        """The key of the shuffles, drawn where no seed was given."""
        if self.key is None:
            self.key = seeds.fresh_key()
        return self.key


def _scoring(feed: Feed | None) -> Any:
    if feed is None:
        return None
    try:
        return feed.make_run()
    except ValueError as error:
        raise ValueError(f"validation data: {error}") from None
