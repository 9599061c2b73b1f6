"""What a model is trained by: optimizer, loss and metrics; and data as they take it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _core, losses, metrics, optimizers
from ..checks import closest, numeric
from ..optimizers.arrays import describe
from ..optimizers.bound import Bound
from ..optimizers.wrappers import Wrapper
from .custom import Custom
from .data import equal_rows, targets
from .steps import Stepped

__all__ = ["Compiled"]

COMPILE = ("optimizer", "loss", "metrics")


class Compiled:
    """A model with what it is trained by. A subclass makes `_network` and turns inputs into its rows."""

    def __init__(self) -> None:
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self._metrics: list[str] = []
        self._network: _core.Network | None = None
        self._indices: list[int] | None = None  # of the weights in the optimizer
        self._bound: Bound | None = None  # the weights, of an optimizer that is made of others

    # -- what a subclass gives -----------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights themselves."""
        raise NotImplementedError

    @property
    def _weight_names(self) -> list[str]:
        """What each of the weights is called: ``dense/kernel``."""
        raise NotImplementedError

    @property
    def _dtype(self) -> str:
        """The type of weights and outputs."""
        raise NotImplementedError

    def _ready(self, x: Any, name: str) -> np.ndarray:
        """Build the model if it is not, and give x as the network's rows."""
        raise NotImplementedError

    def _renew(self) -> None:
        """Tell the engine which weights are to be trained."""
        raise NotImplementedError

    def _trained(self) -> dict[str, np.ndarray]:
        """The weights that the engine trains, by name."""
        if self._network is None:
            return {}
        flags = [flag for layer in self._network.trained for flag in layer]
        named = zip(self._weight_names, self.weights, flags, strict=True)
        return {name: weight for name, weight, flag in named if flag}

    def _forget_network(self) -> None:
        """The layers changed: so does the memory of the weights, and an optimizer knows the old one."""
        self._network = None
        if self._indices is not None:
            self.optimizer = self._indices = self._bound = None

    # -- compile -----------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | Callable[..., Any] | None = None,
        metrics: Sequence[str] | None = None,
        **unknown: Any,
    ) -> None:
        """Say how the model is to be trained.

        Parameters
        ----------
        optimizer : str or Optimizer, default "rmsprop"
            A name of `gradstep.optimizers` for its defaults, or an optimizer.
        loss : str, Loss or function, optional
            What `gradstep.losses.get` takes: a name, a loss, or a function ``(y_true, y_pred) -> (values, gradient)``.
            `fit` and `evaluate` need one; `predict` does not.
        metrics : list of str, optional
            What else to measure: "accuracy", or other names of `gradstep.metrics`.

        Raises
        ------
        TypeError
            An argument of the wrong type or name.
        ValueError
            An unknown optimizer, loss or metric. Nothing is changed then.
        """
        for name in unknown:
            hint = closest(name, COMPILE) or f" It takes {', '.join(COMPILE)}."
            raise TypeError(f"compile() has no argument {name!r}.{hint}")
        wanted = [] if metrics is None else metrics
        if not isinstance(wanted, (list, tuple)):
            raise TypeError(f"metrics must be a list of names; got {describe(wanted)}.")
        chosen_loss = None if loss is None else losses.get(loss)
        if wanted and chosen_loss is None:
            raise ValueError("metrics need a loss: it says what the targets are.")
        if chosen_loss is not None:
            chosen_loss._specification()
            _resolve(wanted, chosen_loss, 1)
        if len(set(wanted)) != len(wanted):
            raise ValueError(f"metrics must differ from each other; got {wanted}.")
        self.optimizer = optimizers.get(optimizer)
        self._renew()
        self.loss, self._metrics, self._indices, self._bound = chosen_loss, list(wanted), None, None

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` gives: "loss" and the metrics."""
        return ["loss", *self._metrics]

    def _needed_loss(self) -> losses.Loss:
        if self.loss is None:
            raise ValueError("the model has no loss: call compile(optimizer=..., loss=...) first.")
        return self.loss

    # -- data --------------------------------------------------------------------------------------------------------

    def _data(self, x: Any, y: Any, names: tuple[str, str] = ("x", "y")) -> tuple[np.ndarray, np.ndarray]:
        """x and y as the engine reads them."""
        loss = self._needed_loss()
        equal_rows(numeric(x, names[0]), numeric(y, names[1]), names)
        rows = self._ready(x, names[0])
        assert self._network is not None
        return rows, targets(y, names[1], loss, self._network.outputs, self._dtype)

    def _run(
        self, x: np.ndarray, y: np.ndarray, batch: int, train: bool, weights: np.ndarray | None = None
    ) -> _core.Run | Custom | Stepped:
        """weights: float64 (rows,), what the loss of each row counts for."""
        loss, network = self._needed_loss(), self._network
        assert network is not None
        names = _resolve(self._metrics, loss, network.outputs)
        spec, mask = loss._specification(), loss._mask(y)

        def make(optimizer: Any, indices: list[int], gradients: bool = False) -> _core.Run | Custom:
            run = _core.Run(network, spec, names, x, y, batch, optimizer, indices, gradients, weights, mask)
            return run if spec is not None else Custom(run, loss, y, weights)

        if not train:
            return make(None, [])
        if self.optimizer is None:
            raise ValueError("the model's layers changed since it was trained: call compile(...) again.")
        if isinstance(self.optimizer, Wrapper):
            run = make(None, [], gradients=True)
            trained = self._trained()
            if self._bound is None:
                self._bound = self.optimizer.bind(trained)
                self._indices = []
            return Stepped(run, self._bound, list(trained), network)
        registered = len(self.optimizer._core)
        try:
            if self._indices is None:
                trained = self._trained()
                labels = [f"[{i}]" for i in range(len(trained))]
                self._indices = self.optimizer._attach(list(trained.values()), labels, names=list(trained))
            return make(self.optimizer._core, self._indices)
        except Exception:
            if len(self.optimizer._core) > registered:
                self._indices = None
                self.optimizer._forget(registered)
            raise

    def _logs(self, run: _core.Run | Custom | Stepped, prefix: str = "") -> dict[str, float]:
        _, _, loss, values = run.progress
        names = [f"{prefix}{name}" for name in self.metrics_names]
        return dict(zip(names, [loss, *values], strict=True))


def _resolve(names: Sequence[str], loss: losses.Loss, outputs: int) -> list[str]:
    return [metrics.resolve(name, loss, outputs) for name in names]
