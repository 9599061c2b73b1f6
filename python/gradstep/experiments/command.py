"""What ``gradstep experiments`` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from ..config import get_num_threads
from ..console import show
from ..hints import closest
from .data import FILES, Data
from .machine import card
from .registry import experiments
from .report import index, read, table, write
from .setup import Experiment, Setup

__all__ = ["list_experiments", "redraw", "run_experiments"]

SEEDS, SMALL_SEEDS = 10, 2


def run_experiments(names: Sequence[str], data: str | None, seeds: int | None, small: bool, folder: str) -> None:
    """Run experiments, all without names; print tables and findings, and write JSON, pages and pictures."""
    chosen = _chosen(names)
    used = seeds if seeds is not None else SMALL_SEEDS if small else SEEDS
    setup = Setup(Data(data), range(used), small, get_num_threads())
    os.makedirs(folder, exist_ok=True)
    for experiment in chosen:
        show(f"== {experiment.title}")
        begin, machine = perf_counter(), card()
        result = replace(experiment.run(setup), seeds=used, small=small, machine=machine)
        result.seconds = round(perf_counter() - begin, 1)
        paths = write(folder, experiment, result)
        show(table(experiment, result))
        for sentence in experiment.findings(result):
            show(f"- {sentence}")
        show(f"{result.seconds:.1f} s; {', '.join(paths)}\n")
    _write_index(folder)


def redraw(names: Sequence[str], folder: str) -> None:
    """Make pages and pictures anew from the JSON in a folder; without names of all that lies there."""
    there = [each for each in _chosen(names) if names or os.path.isfile(os.path.join(folder, f"{each.name}.json"))]
    for experiment in there:
        show(", ".join(write(folder, experiment, read(folder, experiment.name))))
    _write_index(folder)


def list_experiments() -> None:
    """Print the experiments, and which files the data's folder may hold."""
    known = experiments()
    width = max(map(len, (*known, *FILES)))
    for name, experiment in known.items():
        show(f"{name:<{width}}  {experiment.title}")
    show("\n--data FOLDER may hold these files; what is not there is replaced by a data set of scikit-learn:")
    for name, what in FILES.items():
        show(f"{name:<{width}}  {what}")


def _chosen(names: Sequence[str]) -> list[Experiment]:
    known = experiments()
    for name in names:
        if name not in known:
            raise ValueError(f"there is no experiment {name!r}.{closest(name, known)} There are {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names or known)]


def _write_index(folder: str) -> None:
    """The page of all results that lie in the folder."""
    there = [each for each in _chosen(()) if os.path.isfile(os.path.join(folder, f"{each.name}.json"))]
    path = os.path.join(folder, "README.md")
    with open(path, "w", encoding="utf-8") as file:
        file.write(index((each, read(folder, each.name)) for each in there))
    show(f"all of them: {path}")
