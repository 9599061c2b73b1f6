"""The arguments of `fit`, checked before any data is looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from .. import seeds
from ..callbacks.callback_list import as_callbacks
from ..checks import check_bool, check_float, check_int
from ..data.rows import batch_rows, limit_of, verbosity
from ..data.sources import gives_batches
from ..distribution.active import team_of

__all__ = ["FitArguments"]


class FitArguments:
    """What `Model.fit` was asked for.

    Parameters
    ----------
    given : Mapping
        Its arguments by their names.

    Raises
    ------
    TypeError, ValueError
        One of them cannot be, whatever the data are.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.x, self.y, self.sample_weight = given["x"], given["y"], given["sample_weight"]
        self.class_weight, self.validation_data = given["class_weight"], given["validation_data"]
        self.team = team_of(given["distribution"])
        self.first = check_int("initial_epoch", given["initial_epoch"], 0)
        self.last = check_int("epochs", given["epochs"], 0)
        self.verbose = verbosity(given["verbose"])
        self.blocks = isinstance(given["shuffle"], str) and given["shuffle"] == "blocks"
        if isinstance(given["shuffle"], str) and not self.blocks:
            raise ValueError(f"shuffle must be True, False or 'blocks'; got {given['shuffle']!r}.")
        self.shuffle = self.blocks or check_bool("shuffle", given["shuffle"])
        if self.blocks and (gives_batches(self.x) or self.team is not None):
            why = "with a distribution" if self.team is not None else "where x gives batches"
            raise ValueError(f"shuffle must be True or False {why}; got 'blocks'.")
        self.held_out = self._held_out(given["validation_split"])
        self.steps = limit_of("steps_per_epoch", given["steps_per_epoch"])
        self.validation_steps = limit_of("validation_steps", given["validation_steps"])
        self.validation_freq = given["validation_freq"]
        self.is_scored = _frequency(self.validation_freq)
        self.callbacks = given["callbacks"]
        as_callbacks(self.callbacks)
        self.key = seeds.key_of(given["seed"])
        self.batch_size, self.validation_batch_size = given["batch_size"], given["validation_batch_size"]
        batch_rows(self.batch_size, 1)
        batch_rows(self.validation_batch_size, 1, "validation_batch_size")

    def _held_out(self, split: Any) -> float:
        """What share of the rows is scored instead of trained on."""
        share = check_float("validation_split", split)
        if not 0 <= share < 1:
            raise ValueError(f"validation_split must be at least 0 and below 1; got {split!r}.")
        return share if self.validation_data is None else 0.0


def _frequency(given: Any) -> Callable[[int], bool]:
    """Whether to score after an epoch, counted from 1."""
    if isinstance(given, Collection) and not isinstance(given, (str, bytes)):
        numbers = {check_int("a number in validation_freq", number, 1) for number in given}
        return numbers.__contains__
    every = check_int("validation_freq", given, 1)
    return lambda epoch: epoch % every == 0
