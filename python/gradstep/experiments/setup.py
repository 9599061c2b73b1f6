"""What an experiment is, and what it is given: seeds, data, threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..tune.workers import Data as Shared
from ..tune.workers import workers_of
from .data import Data
from .result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Experiment", "Setup"]

Task = TypeVar("Task")
Out = TypeVar("Out")
Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Setup:
    """What a run of an experiment is given.

    Attributes
    ----------
    data : Data
    seeds : sequence of int
        Of the division of the rows, the initial weights and the shuffles.
    small : bool
        Whether to show only that it runs: few rows, epochs and settings.
    workers : int
        Runs side by side, where nothing is timed.
    """

    data: Data
    seeds: Sequence[int]
    small: bool = False
    workers: int = 1

    def size(self, full: Choice, small: Choice) -> Choice:
        """One of two sizes."""
        return small if self.small else full

    def each(self, function: Callable[[Task], Out], tasks: Sequence[Task], timed: bool = False) -> list[Out]:
        """The results of a function for each task: in threads, or one after another where time is measured."""
        workers = workers_of(1 if timed else self.workers)
        found: dict[int, Out] = {}
        for number, result in workers.run(lambda _, task: function(task), Shared(), tasks, threading.Event()):
            found[number] = result
        return [found[number] for number in range(len(tasks))]


@dataclass(frozen=True)
class Experiment:
    """An experiment.

    Attributes
    ----------
    name, title : str
    folklore : str
        What articles say, a sentence.
    method : str
        What is done, a sentence or two.
    run : callable
        Measures: Setup to Result.
    findings : callable
        Sentences that follow from the numbers of a Result.
    draw : callable
        Draws a Result into an empty figure.
    setting : str
        The title of the table's first column.
    size : tuple of float
        Inches of the figure.
    """

    name: str
    title: str
    folklore: str
    method: str
    run: Callable[[Setup], Result]
    findings: Callable[[Result], list[str]]
    draw: Callable[[Result, Figure], Any]
    setting: str = "setting"
    size: tuple[float, float] = (10.4, 4.0)
