"""Grid search, random search and cross-validation."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from .. import seeds as random_numbers
from ..checks import check_int, describe, is_sequence
from .folds import folds_of, row_count
from .linear_models import goes_side_by_side, run_side_by_side
from .results import SearchResult, Trial
from .runs import Outcome, Run, Task, run_task
from .space import all_settings, drawn_settings
from .subjects import State, Subject, WrongCall, subject_of
from .together import goes_together, run_together
from .workers import Data, Workers, workers_of

__all__ = ["Search", "cross_validate", "grid", "random", "with_defaults"]


@dataclass
class Search:
    """Runs of settings over folds and seeds.

    Parameters
    ----------
    subject : Subject
    settings : list of dict
    data : Data
        x, y, sample_weight and folds.
    seeds : list of int
    workers : Workers
    """

    subject: Subject
    settings: Sequence[Mapping[str, Any]]
    data: Data
    seeds: Sequence[int]
    workers: Workers
    metric: str
    larger_is_better: bool | None = None

    @classmethod
    def of(
        cls,
        build: Any,
        settings: Sequence[Mapping[str, Any]],
        x: Any,
        y: Any,
        by_epochs: bool,
        *,
        cv: Any,
        seeds: Any,
        metric: Any,
        mode: Any,
        epochs: Any,
        stratify: Any,
        groups: Any,
        sample_weight: Any,
        callbacks: Any,
        workers: Any,
        fit: Mapping[str, Any],
    ) -> Search:
        """Check all arguments of a search; nothing is trained."""
        subject = subject_of(build, metric, mode, fit, callbacks, epochs, by_epochs)
        for each in settings:
            subject.check(each)
        rows = row_count(x)
        for name, part in (("y", y), ("sample_weight", sample_weight)):
            if part is not None and row_count(part, name) != rows:
                raise ValueError(f"x and {name} must have the same number of rows; got {rows} and {row_count(part)}.")
        folds = folds_of(cv, x, y, stratify, groups)
        by_default = "score" if hasattr(build, "get_params") else "loss"
        named = getattr(getattr(metric, "_score_func", metric), "__name__", None) or metric or by_default
        data = Data(x=x, y=y, sample_weight=sample_weight, folds=folds)
        return cls(subject, settings, data, _seeds(seeds), workers_of(workers), str(named))

    def run(
        self,
        indices: Sequence[int],
        until: int | None,
        goes_on: bool = False,
        states: Mapping[tuple[int, int, int], State] | None = None,
    ) -> dict[tuple[int, int, int], Outcome]:
        """Train settings to an epoch: an outcome for each, its fold and seed."""
        cancelled = threading.Event()
        keys = [
            (index, fold, seed)
            for index in indices
            for fold in range(len(self.data.parts["folds"]))
            for seed in self.seeds
        ]
        tasks = [
            Task(
                self.subject,
                index,
                self.settings[index],
                fold,
                seed,
                until,
                goes_on,
                None if states is None else states.get((index, fold, seed)),
                cancelled,
            )
            for index, fold, seed in keys
            if states is None or (index, fold, seed) in states
        ]
        found: dict[tuple[int, int, int], Outcome] = {}
        with ExitStack() as stack:
            data = stack.enter_context(self.workers.open(self.data))
            try:
                for number, outcome in self._outcomes(data, tasks, cancelled):
                    task = tasks[number]
                    found[task.index, task.fold, task.seed] = outcome
            except WrongCall as error:
                raise ValueError(str(error)) from None
        directions = [outcome.larger_is_better for outcome in found.values() if outcome.larger_is_better is not None]
        if directions:
            self.larger_is_better = directions[0]
        return {key: found[key] for key in keys if key in found}

    def _outcomes(self, data: Data, tasks: Sequence[Task], cancelled: threading.Event) -> Iterator[tuple[int, Outcome]]:
        """The number of each task and its outcome, in any order."""
        if type(self.workers) is Workers and goes_together(data, tasks):
            return run_together(data, tasks)
        if type(self.workers) is Workers and goes_side_by_side(tasks):
            return run_side_by_side(data, tasks)
        return self.workers.run(run_task, data, tasks, cancelled)

    def trials(self, runs: Mapping[tuple[int, int, int], Run]) -> tuple[Trial, ...]:
        """The rows of the table."""
        return tuple(
            Trial(index, dict(settings), tuple(run for key, run in sorted(runs.items()) if key[0] == index))
            for index, settings in enumerate(self.settings)
        )


def _seeds(given: Any) -> list[int]:
    """Seeds from a number of them, or a list."""
    if is_sequence(given):
        found = list(given)
        for seed in found:
            if random_numbers.key_of(seed) is None:
                raise TypeError("seeds must be whole numbers (int); got None.")
        if not found or len(set(found)) < len(found):
            raise ValueError(f"seeds must be different numbers, one or more; got {given!r}.")
        return found
    return list(range(check_int("seeds", given, 1)))


def _searched(build: Any, settings: list[dict[str, Any]], x: Any, y: Any, epochs: Any, **options: Any) -> SearchResult:
    search = Search.of(build, settings, x, y, False, epochs=epochs, **options)
    until = None if epochs is None else check_int("epochs", epochs, 1)
    if until is None and callable(build) and not hasattr(build, "get_params"):
        until = 1
    outcomes = search.run(range(len(settings)), until)
    trials = search.trials({key: outcome.run for key, outcome in outcomes.items()})
    return SearchResult(trials, search.metric, bool(search.larger_is_better))


def grid(
    build: Any,
    space: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    x: Any,
    y: Any,
    *,
    cv: Any = 5,
    seeds: int | Sequence[int] = 1,
    metric: Any = None,
    mode: str = "auto",
    epochs: int | None = None,
    stratify: Any = False,
    groups: Any = None,
    sample_weight: Any = None,
    callbacks: Any = None,
    workers: Any = None,
    **fit: Any,
) -> SearchResult:
    """Grid search: train and score every combination of settings, by cross-validation.

    Parameters
    ----------
    build : function or estimator
        A function that makes a compiled model of the settings, which it gets by their names; or an estimator with
        scikit-learn's methods, a `Pipeline` too, whose parameters the settings are.
    space : dict of str to list, or a list of such
        The values of each setting.
    x, y : array_like, shape (rows, ...), or list or dict of them
        Data and targets: arrays, memmaps, tables, sparse matrices.
    cv : int, float, splitter or list of pairs, default 5
        Number of folds; a float is a share of rows that is held out once; or an object with ``split(x, y, groups)``,
        as `KFold` and those of scikit-learn; or pairs of row numbers (train, test).
    seeds : int or sequence of int, default 1
        How often each fold is trained, or with which seeds; a number n means 0 to n - 1. Of an estimator they are its
        ``random_state`` where that is None.
    metric : str, scorer or function, optional
        Of a model a name of `evaluate`, by default "loss"; of an estimator one of scikit-learn's scorers, by default
        its ``score``, or what ``make_scorer`` gives. A function ``(y_true, y_pred)`` gives a number, and needs `mode`.
    mode : {"auto", "min", "max"}, default "auto"
        Whether a score is better when smaller or larger; "auto" goes by what the metric says.
    epochs : int, optional
        Of a model, 1 by default. An estimator has its own parameter for this.
    stratify : bool or array_like, shape (rows,), default False
        Whether folds have the classes of `y` in equal proportions; or other classes.
    groups : array_like, shape (rows,), optional
        For splitters that keep rows of a group together.
    sample_weight : array_like, shape (rows,), optional
        What rows count for in training.
    callbacks : list of Callback, optional
        Each run gets copies. Held-out rows are not shown to them, as a score on rows that training saw is too good:
        ``validation_split=0.1`` gives them others.
    workers : int, Executor or str, optional
        How many threads train side by side, each with its share of the processors; an executor of
        `concurrent.futures`; or a backend of joblib by name, as "loky", or "dask" and "ray" where they are registered.
        For other processes `build` must be a function that pickles, not a lambda.
    **fit
        Other arguments of `fit`, as ``batch_size``.

    Returns
    -------
    SearchResult
        The table, with ``best_``, ``best_params_`` and ``plot()``. What a run raises, or that it diverged, is in it.

    Raises
    ------
    TypeError, ValueError
        An argument that cannot be; nothing is trained then. The metric is unknown.

    Notes
    -----
    A run's numbers follow from its setting, fold and seed alone: the table is the same with any `workers`. A run is
    what ``gs.utils.set_random_seed(seed)`` before ``build(**settings)`` and ``fit`` on the fold's rows gives, bit for
    bit.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> def build(learning_rate):
    ...     model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    ...     model.compile(gs.optimizers.SGD(learning_rate), "mse")
    ...     return model
    >>> found = gs.tune.grid(build, {"learning_rate": [1e-3, 0.1, 1e3]}, x, x.sum(axis=1), cv=3, epochs=20)
    >>> found.best_params_
    {'learning_rate': 0.1}
    >>> found[2].n, found[2].reason.split(":")[1]
    (0, ' diverged')
    """
    return _searched(
        build,
        all_settings(space),
        x,
        y,
        epochs,
        cv=cv,
        seeds=seeds,
        metric=metric,
        mode=mode,
        stratify=stratify,
        groups=groups,
        sample_weight=sample_weight,
        callbacks=callbacks,
        workers=workers,
        fit=fit,
    )


def random(
    build: Any, space: Mapping[str, Any], x: Any, y: Any, *, n: int = 20, seed: int | None = None, **options: Any
) -> SearchResult:
    """Random search: train and score settings that are drawn, by cross-validation.

    Parameters
    ----------
    build, x, y, **options
        As in `grid`.
    space : dict of str to list or distribution
        The values of each setting; or `LogUniform`, `Uniform` or `Integers`, or what has ``rvs`` as SciPy's
        distributions.
    n : int, default 20
        How many settings to draw; of lists alone no two are the same, and no more than there are.
    seed : int, optional
        For the same settings each time.

    Returns
    -------
    SearchResult

    Raises
    ------
    TypeError, ValueError
        As `grid` does.

    References
    ----------
    Bergstra & Bengio 2012, "Random search for hyper-parameter optimization".

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> def build(learning_rate):
    ...     model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    ...     model.compile(gs.optimizers.SGD(learning_rate), "mse")
    ...     return model
    >>> space = {"learning_rate": gs.tune.LogUniform(1e-4, 1e-1)}
    >>> found = gs.tune.random(build, space, x, x.sum(axis=1), n=8, seed=1, cv=3, epochs=20)
    >>> len(found), found.best_params_["learning_rate"] > 0.01
    (8, True)
    """
    if not isinstance(space, Mapping):
        raise TypeError(f"space must be a dict of names and their values; got {describe(space)}.")
    return _searched(build, drawn_settings(space, n, seed), x, y, **with_defaults(options))


def cross_validate(build: Any, x: Any, y: Any, **options: Any) -> SearchResult:
    """Cross-validation of one model or estimator.

    Parameters
    ----------
    build, x, y, **options
        As in `grid`; `build` takes no arguments.

    Returns
    -------
    SearchResult
        Of one row: ``best_.mean``, ``best_.deviation``, ``best_.scores``; ``runs`` has each fold's history.

    Raises
    ------
    TypeError, ValueError
        As `grid` does.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> def build():
    ...     model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    ...     model.compile(gs.optimizers.SGD(0.1), "mse")
    ...     return model
    >>> found = gs.tune.cross_validate(build, x, x.sum(axis=1), cv=3, epochs=40)
    >>> found.best_.n, found.best_.mean < 0.01
    (3, True)
    """
    return _searched(build, [{}], x, y, **with_defaults(options))


# The arguments of `grid` that the other searches take as they are.
DEFAULTS: dict[str, Any] = {
    "cv": 5,
    "seeds": 1,
    "metric": None,
    "mode": "auto",
    "epochs": None,
    "stratify": False,
    "groups": None,
    "sample_weight": None,
    "callbacks": None,
    "workers": None,
}


def with_defaults(options: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """All arguments of a search but those `without`, with what is left for `fit` by itself."""
    known = {name: options.get(name, value) for name, value in DEFAULTS.items() if name not in without}
    return known | {"fit": {name: value for name, value in options.items() if name not in DEFAULTS}}
