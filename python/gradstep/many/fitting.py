"""`fit_many`: models of one architecture, trained together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from .. import seeds as random_numbers
from ..callbacks.early_stopping import EarlyStopping
from ..callbacks.progress import say
from ..checks import check_bool, check_float, check_int, describe, is_sequence
from ..data.folds import Fold, check_fold
from ..data.rows import Rows, SparseRows, batch_rows, verbosity
from ..data.sources import gives_batches, is_sparse
from ..hints import names_arguments
from ..minimize.methods.base import Method
from ..optimizers.schedules.base import LearningRateSchedule
from ..trainers.cautions import warn_of_targets
from ..trainers.on_gpu import check_cpu
from .bare import BareMember, Mold, models_of
from .copies import copies_of, set_rate
from .member import Member
from .result import FitManyResult
from .together import AnyMember, MemberError, train_together

__all__ = ["fit_many"]


@names_arguments
def fit_many(
    model: Any,
    K: int,
    x: Any,
    y: Any,
    *,
    learning_rate: Sequence[float | LearningRateSchedule] | None = None,
    seeds: Sequence[int] | None = None,
    folds: Sequence[Fold] | None = None,
    initial_weights: Sequence[Sequence[Any]] | None = None,
    batch_size: int | str | None = 32,
    epochs: int = 1,
    shuffle: bool = True,
    validation_data: Any = None,
    early_stopping: EarlyStopping | None = None,
    sample_weight: Any = None,
    verbose: int | str = 0,
    threads: int | None = None,
) -> FitManyResult:
    """Train many models of one architecture together, on the same data: rates, seeds, folds, an ensemble.

    Parameters
    ----------
    model : Model or Sequential
        Compiled; its architecture, loss, metrics and optimizer are those of all members. It is not changed.
    K : int
        Number of members.
    x, y : array_like, or list or dict of them
        Data and targets, as in `Model.fit`; arrays in memory, memmaps and tables, which all members read where they
        lie.
    learning_rate : sequence of K floats or schedules, optional
        Of each member; by default the optimizer's.
    seeds : sequence of K ints, optional
        Of each member: what initial weights, shuffles and dropout follow from. By default every member begins as the
        model is: with its weights, seed, and the state of its optimizer. Where nothing else tells the members apart,
        they are 0 to K - 1.
    folds : sequence of K pairs, optional
        Which rows each member trains on, and which are scored after each of its epochs: ``(train, test)``, as
        `tune.KFold` gives them.
    initial_weights : sequence of K lists of array_like, optional
        As `Model.set_weights` takes them.
    batch_size : int or "full", default 32
    epochs : int, default 1
    shuffle : bool, default True
    validation_data : (x, y) or (x, y, sample_weight), optional
        Rows to score after each epoch; not with `folds`.
    early_stopping : EarlyStopping, optional
        Each member gets a copy. One that stops takes no more time; the others go on.
    sample_weight : array_like, shape (rows,), optional
        What the loss of each row counts for in training.
    verbose : {"auto", 0, 1, 2}, default 0
        0: silent; otherwise a line an epoch.
    threads : int, optional
        How many members are trained at the same time, each by one thread; by default `get_num_threads`.

    Returns
    -------
    FitManyResult
        With ``models``, which can be trained on; ``weights``; ``history``, arrays (epochs, K); ``predict``, the mean of
        an ensemble; ``best``; ``summary()`` and ``plot()``.

    Raises
    ------
    TypeError, ValueError
        An argument that cannot be; nothing is trained then. Or what `Model.fit` raises of a member, named with its
        number.
    KeyboardInterrupt
        At Ctrl-C: all members have stopped, and none is left.

    Notes
    -----
    Members are the same, bit for bit, as models that are trained one after another, at any number of threads. A member
    with a seed is what ``gs.utils.set_random_seed(seed)`` before ``gs.models.clone_model(model)`` and its `compile` and
    `fit` gives (of a `Sequential` with ``seed=``: what that one with this seed gives), one without what a
    ``copy.deepcopy(model)`` gives; a fold is ``fit(x[train], y[train], validation_data=(x[test], y[test]))``.

    Each member is trained by one thread from the beginning of an epoch to its end, in C++ without the GIL. Threads do
    not wait for each other within it, so that also small networks, whose steps are too short to be shared, use all
    processors. Members that take the same rows in the same order, as those that differ in their rates, and begin with a
    narrow `Dense` layer, as linear models, share a thread: each row is read once for all of them, and their weights lie
    side by side in one product. Layers, losses and metrics in Python are computed for one member after another.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = np.random.default_rng(0).normal(size=(200, 3))
    >>> model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(8, "relu"), gs.layers.Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> rates = [0.0001, 0.1, 10.0]
    >>> found = gs.fit_many(model, 3, x, np.sin(x[:, 0]), learning_rate=rates, epochs=20)
    >>> found.history["loss"].shape, rates[found.best]
    ((20, 3), 0.1)
    >>> ensemble = gs.fit_many(model, 5, x, np.sin(x[:, 0]), epochs=20)
    >>> ensemble.predict(x).shape, ensemble.predict(x, reduce=None).shape
    ((200, 1), (5, 200, 1))
    """
    count, last, level = check_int("K", K, 1), check_int("epochs", epochs, 0), verbosity(verbose)
    shuffled = check_bool("shuffle", shuffle)
    if threads is not None:
        check_int("threads", threads, 1)
    batch_rows(batch_size, 1)
    check_cpu("many models trained at once")
    _check_model(model)
    _check_data(x, "x")
    rates = None if learning_rate is None else [_rate(*each) for each in _each(learning_rate, count, "learning_rate")]
    if seeds is None and learning_rate is None and folds is None and initial_weights is None:
        seeds = range(count)
    keys = _keys(seeds, count)
    starts = None if initial_weights is None else _each(initial_weights, count, "initial_weights")
    if folds is not None and validation_data is not None:
        raise ValueError("validation_data must be None where folds are given, whose test rows are scored.")
    draws = [None if key is None else random_numbers.Sequence(key) for key in keys]

    prototype = model
    if not model.built:
        prototype = deepcopy(model)
        prototype._ready(x, "x")
    rows = prototype._data.rows(x, y, sample_weight)
    parts = None if folds is None else [check_fold(f, name, len(rows)) for name, f in _each(folds, count, "folds")]
    held = type(rows)(rows.x, rows.y) if parts is not None else _held(prototype, validation_data)
    stop = _stop(prototype, early_stopping, held is not None)
    mold = None
    if stop is None and count > 1:
        mold = Mold.of(prototype, keys[0], rows, held)
    models = copies_of(prototype, count, draws, keys) if mold is None else []
    stops = [None if stop is None else deepcopy(stop) for _ in keys]
    members: list[AnyMember] = []
    for number in range(count):
        rate, weights = None if rates is None else rates[number], None if starts is None else starts[number][1]
        train, test = (None, None) if parts is None else parts[number]
        try:
            if mold is not None:
                members.append(BareMember(mold, keys[number], rate, weights, train, test, batch_size, shuffled, last))
                continue
            if rate is not None:
                set_rate(models[number].optimizer, rate)
            if weights is not None:
                models[number].set_weights(weights)
        except (TypeError, ValueError) as error:
            raise type(error)(f"member {number}: {error}") from None
        own = stops[number]
        hooks = [] if own is None else [own]
        args = models[number], rows, train, held, test, batch_size, shuffled, draws[number], hooks, last
        members.append(Member(*args))
    warn_of_targets(prototype._executor, rows)
    try:
        train_together(members, 0, last, threads, _said(members, last) if level else None)
    except MemberError as failed:
        raise type(failed.error)(f"member {members.index(failed.member)}: {failed.error}") from failed.error
    restored = [None if own is None or not own.restore_best_weights else own.best_epoch for own in stops]
    histories = tuple(member.record for member in members)
    given = None if seeds is None else keys
    if mold is None:
        return FitManyResult(rates, given, histories, tuple(restored), lambda: tuple(models), tuple(models))
    bare = [member for member in members if isinstance(member, BareMember)]
    return FitManyResult(rates, given, histories, tuple(restored), lambda: models_of(mold, bare, keys, rates), bare)


# -- arguments ---------------------------------------------------------------------------------------------------------


def _check_model(model: Any) -> None:
    if not hasattr(model, "_executor") or not hasattr(model, "fit"):
        raise TypeError(f"model must be a Model or Sequential; got {describe(model)}.")
    optimizer = model.optimizer
    if optimizer is None:
        raise ValueError("the model must be compiled: call compile(optimizer=..., loss=...) first.")
    if isinstance(optimizer, Method):
        raise TypeError(
            f'the model must have an optimizer that steps batch by batch; "{optimizer.name}" takes its steps over all '
            "rows, on all threads: fit each model."
        )
    model._executor.needed_loss()


def _check_data(x: Any, name: str) -> None:
    if gives_batches(x):
        raise TypeError(f"{name} must be arrays, which all members read; got {describe(x)}, which gives batches.")
    if is_sparse(x):
        raise TypeError(f"{name} must be dense: all members read it where it lies; give {name}.toarray().")


def _each(given: Any, count: int, name: str) -> list[tuple[str, Any]]:
    """What is given for each member, with its name."""
    if not is_sequence(given) and not isinstance(given, (range, np.ndarray)):
        raise TypeError(f"{name} must be a list of K = {count} entries, one for each member; got {describe(given)}.")
    found = list(given)
    if len(found) != count:
        raise ValueError(f"{name} must have K = {count} entries, one for each member; got {len(found)}.")
    return [(f"{name}[{i}]", each) for i, each in enumerate(found)]


def _rate(name: str, given: Any) -> float | LearningRateSchedule:
    if isinstance(given, LearningRateSchedule):
        return given
    rate = check_float(name, given)
    if not 0 <= rate < math.inf:
        raise ValueError(f"{name} must be a number in [0, inf); got {given!r}.")
    return rate


def _keys(seeds: Any, count: int) -> list[int | None]:
    if seeds is None:
        return [None] * count
    found: list[int | None] = []
    for name, seed in _each(seeds, count, "seeds"):
        if seed is None:
            raise TypeError(f"{name} must be a whole number (int); got None.")
        try:
            key = random_numbers.key_of(seed)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}: {error}") from None
        assert key is not None
        found.append(key[0])
    return found


def _held(model: Any, given: Any) -> Rows | None:
    """Rows of validation data."""
    if given is None:
        return None
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise TypeError(f"validation_data must be (x, y) or (x, y, sample_weight); got {describe(given)}.")
    _check_data(given[0], "validation_data[0]")
    names = "validation_data[0]", "validation_data[1]", "validation_data[2]"
    rows: Rows = model._data.rows(given[0], given[1], given[2] if len(given) == 3 else None, names)
    assert not isinstance(rows, SparseRows)
    return rows


def _stop(model: Any, given: Any, is_scored: bool) -> EarlyStopping | None:
    """The callback, which must find its number."""
    if given is None:
        return None
    if not isinstance(given, EarlyStopping):
        raise TypeError(f"early_stopping must be an EarlyStopping of gradstep.callbacks; got {describe(given)}.")
    names = model._trainer.log_names(is_scored, 1).always
    if given.monitor not in names:
        hint = " Give validation_data or folds." if given.monitor.startswith("val_") and not is_scored else ""
        raise ValueError(f"early_stopping monitors {given.monitor!r}; the logs have {', '.join(names)}.{hint}")
    return given


def _said(members: Sequence[AnyMember], last: int) -> Any:
    """Prints a line an epoch."""

    def after(epoch: int) -> None:
        going = [member for member in members if not member.has_stopped]
        name = "val_loss" if "val_loss" in members[0].logs else "loss"
        losses = [member.logs[name] for member in members if math.isfinite(member.logs[name])]
        if not losses:
            text = f"no finite {name}"
        else:
            text = f"{name} {min(losses):.4g} to {max(losses):.4g}, mean {math.fsum(losses) / len(losses):.4g}"
        say(f"Epoch {epoch}/{last}: {text}; {len(going)} of {len(members)} members go on")

    return after
