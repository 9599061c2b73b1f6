"""Lookahead: weights that follow an optimizer's, slowly."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from ..checks import check_int
from ..delayed_interrupt import DelayedInterrupt
from .base.bound import Step
from .base.optimizer import Optimizer
from .base.wrappers import BoundedNumber, SingleWrapper, WrapperSettings
from .sam import SAM

__all__ = ["Lookahead"]


class Lookahead(SingleWrapper, Optimizer):
    """Lookahead: slow weights that move part of the way towards an optimizer's fast weights every few steps.

    Parameters
    ----------
    optimizer : str or Optimizer
        What takes the steps; one that has not stepped yet. Or a name, for its defaults.
    sync_period : int, default 6
        Steps between two updates of the slow weights; at least 1. Fixed after construction.
    slow_step_size : float, default 0.5
        Step of the slow weights towards the fast ones; from 0 to 1.
    name : str, default "lookahead"
        Name in the config.

    Attributes
    ----------
    optimizer : Optimizer
        What takes the steps. Its hyperparameters are also this one's: ``learning_rate``, ``weight_decay`` and so on
        read and set the inner ones, and so do groups.

    State
    -----
    slow : ndarray, shape of the parameter
        The slow weights: float64 for a float64 array, else float32. ``"0.slow"`` in `state_dict`, beside the state
        of the optimizer, ``"optimizer.0.m"``.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type, or out of its range; `optimizer` has stepped before, or takes two gradients
        (`SAM`).

    Notes
    -----
    With :math:`\\theta` the arrays, :math:`\\phi` ``slow``, :math:`k` ``sync_period`` and :math:`\\alpha`
    ``slow_step_size``, after every :math:`k`-th step

    .. math::

        \\phi \\leftarrow \\phi + \\alpha (\\theta - \\phi), \\qquad \\theta \\leftarrow \\phi.

    :math:`\\phi_0` is what an array holds when it is first stepped or bound. The optimizer's own state is kept,
    as in the paper's experiments. All arrays are synchronized at the same step, also those that had no gradient. An
    average that the optimizer keeps (``use_ema``) is that of the fast weights. Neither Keras nor PyTorch has this
    optimizer; TensorFlow Addons did, with these names and defaults.

    References
    ----------
    Zhang, Lucas, Hinton, Ba, "Lookahead Optimizer: k steps forward, 1 step back", NeurIPS 2019, arXiv:1907.08610,
    algorithm 1.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> w = np.array([8.0])
    >>> opt = gs.optimizers.Lookahead(gs.optimizers.SGD(learning_rate=0.25), sync_period=2)
    >>> opt.step(w, 2 * w); w
    array([4.])
    >>> opt.step(w, 2 * w); w  # 2 by the optimizer: half of the way from 8
    array([5.])
    """

    slow_step_size = BoundedNumber(0, 1)

    def __init__(
        self,
        optimizer: str | Optimizer,
        sync_period: int = 6,
        slow_step_size: float = 0.5,
        *,
        name: str = "lookahead",
    ) -> None:
        super().__init__(optimizer, name)
        if isinstance(self.optimizer, SAM):
            raise ValueError("optimizer must step by one gradient; put the SAM around this one.")
        self._period = check_int("sync_period", sync_period, 1)
        self.slow_step_size = slow_step_size
        self._slow: list[np.ndarray] = []

    @property
    def sync_period(self) -> int:
        """Number of steps between two updates of the slow weights."""
        return self._period

    def _own_arguments(self) -> dict[str, Any]:
        return {"sync_period": self._period, **super()._own_arguments()}

    def _slots(self) -> dict[str, np.ndarray]:
        return {f"{index}.slow": slow for index, slow in enumerate(self._slow)}

    def _add_slots(self, first: int) -> None:
        fresh = [self._core.parameter(index) for index in range(first, len(self._core))]
        self._slow += [
            np.array(array, "f8" if array.dtype == np.float64 else "f4", order="C", subok=False) for array in fresh
        ]

    def _drop_slots(self, known: int) -> None:
        del self._slow[known:]

    def _make_bound(self, indices: list[int], labels: list[str]) -> Step:
        return LookaheadStep(self, self.optimizer._make_bound(indices, labels))

    def _wrapper_settings(self) -> WrapperSettings:
        walks, _ = super()._wrapper_settings()
        engines = [leaf._core for leaf in self._leaves()]
        return [*walks, (engines, self._core, list(self._slow), self._period, self.slow_step_size)], None

    def _synchronize(self) -> None:
        self.flush()  # rows that a row-sparse gradient left behind
        arrays = [self._core.parameter(index) for index in range(len(self._slow))]
        _core.meet(arrays, self._slow, self.slow_step_size)


class LookaheadStep:
    """Steps of the wrapped optimizer, and the update of the slow weights after every `sync_period`-th."""

    def __init__(self, owner: Lookahead, inner: Step) -> None:
        self._owner, self._inner = owner, inner

    def check(self, gradients: Any, /) -> None:
        """Raise what `step` would before it writes anything."""
        self._inner.check(gradients)
        # Arrays without a gradient in this step too.
        for index in range(len(self._owner._core)):
            self._owner._core.check_unmoved(index, f"[{index}]")

    def step(self, gradients: Any, /) -> None:
        """Take one step."""
        owner, before = self._owner, self._owner.iterations
        self.check(gradients)
        with DelayedInterrupt():
            self._inner.step(gradients)
            if owner.iterations != before and owner.iterations % owner.sync_period == 0:
                owner._synchronize()
