"""The table that a search gives."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..notebook import table
from .runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SearchResult", "Trial"]


@dataclass(frozen=True)
class Trial:
    """A setting and how it scored: a row of the table.

    Attributes
    ----------
    index : int
    settings : dict
    scores : tuple of float
        Of each fold and seed that has one.
    mean, deviation : float
        Of the scores; the deviation is the sample's (n - 1), nan of one score.
    n : int
        How many scores.
    failures : tuple of Run
        Runs that raised or diverged, each with its ``reason``.
    epochs : int or None
        The most that a run was trained.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> def build(units):
    ...     model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(units, "tanh"), gs.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     return model
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> table = gs.tune.grid(build, {"units": [1, 2]}, x, x[:, :1], cv=2, epochs=1)
    >>> table[0].settings, table[0].n
    ({'units': 1}, 2)
    """

    index: int
    settings: Mapping[str, Any]
    runs: tuple[Run, ...] = field(repr=False)

    @property
    def scores(self) -> tuple[float, ...]:
        """Scores of each fold and seed that has one."""
        return tuple(run.score for run in self.runs if not run.reason)

    @property
    def mean(self) -> float:
        """Mean of the scores; nan of none."""
        return float(np.mean(self.scores)) if self.scores else math.nan

    @property
    def deviation(self) -> float:
        """Standard deviation of the scores as a sample (n - 1); nan of fewer than two."""
        return float(np.std(self.scores, ddof=1)) if len(self.scores) > 1 else math.nan

    @property
    def n(self) -> int:
        """Number of scores."""
        return len(self.scores)

    @property
    def failures(self) -> tuple[Run, ...]:
        """Runs that raised or diverged."""
        return tuple(run for run in self.runs if run.reason)

    @property
    def reason(self) -> str:
        """Why runs failed: the first one's reason, and how many there are; "" of none."""
        failed = self.failures
        if not failed:
            return ""
        return failed[0].reason if len(self.runs) == 1 else f"{len(failed)} of {len(self.runs)}: {failed[0].reason}"

    @property
    def epochs(self) -> int | None:
        """The most epochs that a run was trained, where it is known."""
        return max((run.epochs for run in self.runs if run.epochs is not None), default=None)


@dataclass(frozen=True, repr=False)
class SearchResult(Sequence[Trial]):
    """Settings and their scores, in the order in which they were given; as a sequence, the trials.

    Attributes
    ----------
    trials : tuple of Trial
    metric : str
        Name of the score.
    larger_is_better : bool
    best_ : Trial
        The best mean among settings of which no run failed.
    best_index_, best_params_, best_score_
        Its number, settings and mean, by scikit-learn's names.
    steps : int or None
        Steps of optimizers that all runs took together, where it is known.
    rungs : tuple of dict of int to float
        Of halving: the mean scores by the numbers of the settings, after each rung.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> def build(units):
    ...     model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(units, "tanh"), gs.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     return model
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> table = gs.tune.grid(build, {"units": [1, 2]}, x, x[:, :1], cv=2, epochs=1)
    >>> len(table), sorted(table.best_params_)
    (2, ['units'])
    """

    trials: tuple[Trial, ...]
    metric: str
    larger_is_better: bool
    rungs: tuple[Mapping[int, float], ...] = ()
    rung_epochs: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.trials)

    def __getitem__(self, index: Any) -> Any:
        return self.trials[index]

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run, setting by setting."""
        return tuple(run for trial in self.trials for run in trial.runs)

    @property
    def ranking(self) -> list[Trial]:
        """The trials from best to worst. Those with failures come last, and of halving, those that ended sooner."""
        return sorted(self.trials, key=self._rank)

    def _rank(self, trial: Trial) -> tuple[Any, ...]:
        failed = bool(trial.failures) or not trial.n
        mean = math.inf if failed else -trial.mean if self.larger_is_better else trial.mean
        return failed, -(trial.epochs or 0) if self.rungs else 0, mean, trial.index

    @property
    def best_(self) -> Trial:
        """The best trial.

        Raises
        ------
        ValueError
            Runs of every setting failed; the message has the first reason.
        """
        best = self.ranking[0]
        if best.failures or not best.n:
            raise ValueError(f"no setting has scores in all its runs; the first: {best.reason}")
        return best

    @property
    def best_index_(self) -> int:
        """Number of the best setting."""
        return self.best_.index

    @property
    def best_params_(self) -> dict[str, Any]:
        """The best setting."""
        return dict(self.best_.settings)

    @property
    def best_score_(self) -> float:
        """Mean score of the best setting."""
        return self.best_.mean

    @property
    def steps(self) -> int | None:
        """Steps of optimizers that all runs took together; None if that is not known of one."""
        steps = [run.steps for run in self.runs if not run.reason or run.steps is not None]
        return None if any(one is None for one in steps) else sum(one for one in steps if one is not None)

    def to_dict(self) -> dict[str, list[Any]]:
        """The table as columns, as ``pandas.DataFrame`` takes it: a row a setting, in the order of `ranking`."""
        ranked = self.ranking
        names = list(dict.fromkeys(name for trial in ranked for name in trial.settings))
        columns: dict[str, list[Any]] = {name: [trial.settings.get(name) for trial in ranked] for name in names}
        return columns | {
            f"mean {self.metric}": [trial.mean for trial in ranked],
            "deviation": [trial.deviation for trial in ranked],
            "n": [trial.n for trial in ranked],
            **({"epochs": [trial.epochs for trial in ranked]} if self.rungs else {}),
            "scores": [trial.scores for trial in ranked],
            "reason": [trial.reason for trial in ranked],
        }

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        columns = {name: values for name, values in self.to_dict().items() if name != "scores"}
        if not any(columns["reason"]):
            del columns["reason"]
        return list(columns), [[_text(value) for value in row] for row in zip(*columns.values(), strict=True)]

    def __repr__(self) -> str:
        names, rows = self._rows()
        widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [names, *rows]
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        """The table, as notebooks show it."""
        names, rows = self._rows()
        return table(f"{len(self)} settings, best first", names, rows)

    def plot(self, path: str | os.PathLike[Any] | None = None) -> Figure:
        """Draw the scores over each setting that was varied; of halving, also over the epochs.

        Parameters
        ----------
        path : str or path, optional
            Where to save the figure; its ending says the format.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            matplotlib is not installed: ``pip install 'gradstep[plot]'``.
        ValueError
            No run has a score.
        """
        from ..plot.plot_search import plot_search

        return plot_search(self, path)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
