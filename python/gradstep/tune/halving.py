"""Successive halving: many settings for few epochs, the best of them for more."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..checks import check_int
from .results import SearchResult
from .runs import Run
from .searching import Search, with_defaults
from .space import all_settings, drawn_settings
from .subjects import State

__all__ = ["cheap_rungs", "halving"]


def halving(
    build: Any,
    space: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    x: Any,
    y: Any,
    *,
    epochs: int,
    factor: int = 3,
    min_epochs: int | None = None,
    n: int | None = None,
    seed: int | None = None,
    **options: Any,
) -> SearchResult:
    """Successive halving: train all settings for few epochs, and only the best of them further.

    Parameters
    ----------
    build, x, y, **options
        As in `grid`. An estimator must have ``partial_fit``, which is called once an epoch.
    space : dict of str to list or distribution, or a list of dicts
        As in `grid`, or with `n` as in `random`.
    epochs : int
        What the last ones are trained to.
    factor : int, default 3
        One in so many is trained further, for so many times the epochs; at least 2.
    min_epochs : int, optional
        What all are trained to; each rung then trains `factor` times as long. By default there are as few rungs as a
        quarter of a grid search's epochs allows, and the last one compares several settings at `epochs`.
    n : int, optional
        How many settings to draw at random; by default all combinations are tried.
    seed : int, optional
        For the same draws each time.

    Returns
    -------
    SearchResult
        With ``rungs``, the mean scores after each; a trial's scores are those of the last rung it was in.

    Raises
    ------
    TypeError, ValueError
        As `grid` does.

    Notes
    -----
    A rung goes on where the one before it ended: weights, state of the optimizer, order of rows and state of the
    callbacks, as if training had not been interrupted, bit for bit. So no epoch is trained twice: 27 settings of at
    most 27 epochs take 171 epochs, where a grid search takes 729.

    References
    ----------
    Jamieson & Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization".

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> x = np.random.default_rng(0).normal(size=(60, 2))
    >>> def build(learning_rate):
    ...     model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    ...     model.compile(gs.optimizers.SGD(learning_rate), "mse")
    ...     return model
    >>> space = {"learning_rate": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0]}
    >>> found = gs.tune.halving(build, space, x, x.sum(axis=1), epochs=9, cv=0.25)
    >>> found.best_params_, [len(rung) for rung in found.rungs]
    ({'learning_rate': 0.1}, [9, 3, 1])
    """
    last, share = check_int("epochs", epochs, 1), check_int("factor", factor, 2)
    settings = all_settings(space) if n is None else drawn_settings(space, n, seed)
    rungs = _rungs(len(settings), last, share, min_epochs)
    search = Search.of(build, settings, x, y, True, epochs=last, **with_defaults(options, "epochs"))
    alive = list(range(len(settings)))
    runs: dict[tuple[int, int, int], Run] = {}
    states: dict[tuple[int, int, int], State] | None = None
    table = []
    for number, until in enumerate(rungs):
        goes_on = number + 1 < len(rungs)
        outcomes = search.run(alive, until, goes_on, states)
        runs |= {key: outcome.run for key, outcome in outcomes.items()}
        states = {key: outcome.state for key, outcome in outcomes.items() if outcome.state is not None}
        means = {index: _mean([run for key, run in runs.items() if key[0] == index]) for index in alive}
        table.append(means)
        sign = -1 if search.larger_is_better else 1
        ranked = sorted((index for index in alive if not math.isnan(means[index])), key=lambda i: (sign * means[i], i))
        alive = sorted(ranked[: max(1, math.ceil(len(alive) / share))])
        states = {key: state for key, state in states.items() if key[0] in alive}
        if not alive:
            break
    return SearchResult(search.trials(runs), search.metric, bool(search.larger_is_better), tuple(table), rungs)


def _mean(runs: Sequence[Run]) -> float:
    """The mean score of a setting, nan if a run failed."""
    return math.nan if any(run.reason for run in runs) else math.fsum(run.score for run in runs) / len(runs)


def _rungs(count: int, last: int, factor: int, min_epochs: Any) -> tuple[int, ...]:
    """The epochs to which each rung trains."""
    if min_epochs is None:
        return cheap_rungs(count, last, factor)
    first = check_int("min_epochs", min_epochs, 1)
    if first > last:
        raise ValueError(f"min_epochs must be at most epochs, {last}; got {first}.")
    found = []
    while first < last:
        found.append(first)
        first *= factor
    return (*found, last)


def cheap_rungs(count: int, last: int, factor: int) -> tuple[int, ...]:
    """As few rungs as a quarter of the epochs of a grid search allows, so that settings are compared longest."""
    if count == 1 or last == 1:
        return (last,)
    later: tuple[int, ...] = (last,)
    while later[0] > 1:
        for first in range(later[0] - 1, later[0] // factor**2, -1):
            if _cost(count, (first, *later), factor) <= count * last / 4:
                return (first, *later)
        later = (max(1, later[0] // factor), *later)
    left = count / factor ** (len(later) - 1)  # in the last rung
    if _cost(count, later, factor) > count * last / 4 and left > 1 and last - later[-2] > 1:
        later = (*later[:-1], (later[-2] + last) // 2, last)  # one more chance to leave some behind
    return later


def _cost(count: int, rungs: Sequence[int], factor: int) -> int:
    """Epochs of all settings together."""
    total = done = 0
    for until in rungs:
        total, done, count = total + count * (until - done), until, math.ceil(count / factor)
    return total
