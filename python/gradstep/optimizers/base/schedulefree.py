"""Base of the schedule-free optimizers, whose result is the average of the iterates."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import as_parameter, flatten
from .state import Stateful

__all__ = ["ScheduleFree"]

HALTED = "the arrays hold their means since eval(); call train() before the next step."


class ScheduleFree(Stateful):
    """Mixin, before `Optimizer`, of schedule-free rules; `mean_field` is the interpolation between iterate and mean."""

    mean_field: str

    def averages(self) -> list[np.ndarray]:
        """Copies of the averaged weights x of all arrays, in the order of their first step: the result.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> w, opt = np.array([4.0]), gs.optimizers.ScheduleFreeSGD(learning_rate=0.5, momentum=0.5)
        >>> for _ in range(2):
        ...     opt.step(w, np.array([2.0]))  # z: 3, 2
        >>> opt.averages()
        [array([2.5])]
        """
        if self._core.halted:
            return [self._core.parameter(index).copy() for index in range(len(self._core))]
        self._core.flush()
        return [self._average(index) for index in range(len(self._core))]

    def eval(self) -> None:
        """Write the averaged weights into the arrays, for evaluation. `train` must undo it before the next step.

        Save arrays together with `state_dict` before it, or after `train`: what is saved must be where training is.
        Called twice it changes nothing.

        Raises
        ------
        RuntimeError
            It is in the middle of a step.
        """
        if self._core.halted:
            return
        means = self.averages()
        self._kept = [self._core.parameter(index).copy() for index in range(len(means))]
        self._core.halted = HALTED
        for index, mean in enumerate(means):
            self._core.parameter(index)[...] = mean

    def train(self) -> None:
        """Undo `eval`: restore the arrays, bit for bit. Does nothing without `eval`."""
        if not self._core.halted:
            return
        for index, kept in enumerate(self._kept):
            self._core.parameter(index)[...] = kept
        self._kept = []
        self._core.halted = ""

    def state_dict(self) -> dict[str, np.ndarray]:
        """As `Optimizer.state_dict`.

        Raises
        ------
        RuntimeError
            Between `eval` and `train`: the arrays to be saved with it are not those of training.
        """
        self._check_training()
        return super().state_dict()

    def load_state_dict(self, state: Any) -> None:
        """As `Optimizer.load_state_dict`.

        Raises
        ------
        TypeError, ValueError
            As there.
        RuntimeError
            Between `eval` and `train`.
        """
        self._check_training()
        super().load_state_dict(state)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Set arrays to their averages, as at the end of `fit`; later steps start from there.

        Parameters
        ----------
        var_list : array, or sequence or dict of arrays
            Some that have been stepped. Others stay as they are.

        Raises
        ------
        TypeError
            Something is not an array.
        RuntimeError
            Between `eval` and `train`.
        """
        self._check_training()
        arrays = [as_parameter(leaf, "parameter") for leaf in flatten(var_list)[0]]
        for array in arrays:
            index = self._core.find(array)
            if index >= 0:
                array[...] = self._average(index)
                self._core.state(index)["ahead"][...] = 0  # which stands for 0 in every storage
        super().finalize_variable_values(var_list)  # type: ignore[misc]

    def _average(self, index: int) -> np.ndarray:
        w, part = self._core.parameter(index), self._core.get(self.mean_field, self._core.group_of(index))
        mean: np.ndarray = (w - (1 - part) / part * self._core.numbers(index, "ahead")).astype(w.dtype)
        return mean

    def _check_training(self) -> None:
        if self._core.halted:
            raise RuntimeError(HALTED)
