"""What a model is trained by: optimizer, loss and metrics; and data as they take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _core, losses, optimizers
from ..checks import check_bool, check_int
from ..delayed_interrupt import DelayedInterrupt
from ..hints import argument_hint
from ..optimizers.wrappers import Wrapper
from .columns import arrays_of
from .data import Rows
from .lent import Lent
from .measured import Measured, Run, Share
from .network import Step, address, check_backward, learned
from .objectives import Objectives, Targets

__all__ = ["Compiled"]

# Of the runs over single batches that are kept: how many, and of how many rows, for their buffers are kept too.
MOST_KEPT, MOST_ROWS = 4, 1024
COMPILE = (
    *("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"),
    *("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"),
)


class Borrowed(NamedTuple):
    """A run over one batch, and where it belongs when the batch is done."""

    run: Any
    key: tuple[int, bool, bool] | None  # None: it is not kept
    version: int  # of the model


class Compiled:
    """A model with what it is trained by. A subclass makes `_network` and turns inputs into its rows."""

    def __init__(self) -> None:
        # Held while weights change or must not: by steps, by inference, by whoever sets them. Models that share layers
        # share it.
        self._guard = _core.Guard()
        self._version = 0  # how often the network, or what it is trained by, has been replaced
        self._lent = Lent()
        self._optimizer: optimizers.Optimizer | None = None
        self._steps_per_execution = 1
        self._last_logs: dict[str, float] = {}  # of the last pass or batch
        self._compiled: dict[str, Any] = {}  # what compile() was given, beside the optimizer
        self.loss: losses.Loss | None = None
        self._objectives = Objectives.of_one([], None, None, None, None)
        self._network: _core.Network | None = None
        self._steps: list[Step] = []  # the calls of layers that the network is made of
        self._indices: list[int] | None = None  # of the weights in the optimizer
        self._kept: dict[tuple[int, bool, bool], Borrowed] = {}  # runs over single batches, by their rows
        self._known_row: tuple[Any, tuple[int, ...]] = None, ()  # shape of a row of the outputs, of this network

    # -- what a subclass gives -----------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights themselves."""
        raise NotImplementedError

    @property
    def trainable_weights(self) -> list[np.ndarray]:
        """Those of the weights that training changes by their gradients."""
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

    def _output_row(self) -> tuple[int, ...]:
        """Shape of a row of the one output."""
        raise NotImplementedError

    def _output_rows(self) -> list[tuple[int, ...]]:
        """Shape of a row of each output."""
        return [self._row]

    def _packed(self, values: Sequence[Any]) -> Any:
        """Values, one for each output, as outputs are given."""
        return values[0]

    @property
    def _row(self) -> tuple[int, ...]:
        """The same, asked for once. With more than one dimension Python asks loss and metrics, who see the shape."""
        if self._known_row[0] is not self._network:
            self._known_row = self._network, self._output_row()
        return self._known_row[1]

    def _trained(self) -> dict[str, np.ndarray]:
        """The weights that the engine trains, by name, in the order of `weights`."""
        if self._network is None:
            return {}
        known = {address(weight) for weight in learned(self._network)}
        named = zip(self._weight_names, self.weights, strict=True)
        return {name: weight for name, weight in named if address(weight) in known}

    def _forget_network(self) -> None:
        """The layers changed: so does the memory of the weights, and an optimizer knows the old one."""
        self._network = None
        if self._indices is not None:
            self.optimizer = None
        self._changed()

    def _changed(self) -> None:
        """What runs were made of has been replaced: those that go on finish with what they were made of."""
        self._version += 1
        self._kept.clear()

    @property
    def optimizer(self) -> optimizers.Optimizer | None:
        """What moves the weights. One that is set begins anew with them; `fit` takes it up at its next epoch."""
        return self._optimizer

    @optimizer.setter
    def optimizer(self, optimizer: str | optimizers.Optimizer | None) -> None:
        chosen = None if optimizer is None else optimizers.get(optimizer)
        with self._guard:
            self._optimizer, self._indices = chosen, None
            self._changed()

    # -- compile -----------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | Callable[..., Any] | Sequence[Any] | Mapping[str, Any] | None = None,
        loss_weights: float | Sequence[float] | Mapping[str, float] | None = None,
        metrics: Sequence[Any] | Mapping[str, Any] | None = None,
        weighted_metrics: Sequence[Any] | Mapping[str, Any] | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: str | bool = "auto",
        auto_scale_loss: bool = True,
        **unknown: Any,
    ) -> None:
        """Say how the model is to be trained.

        Parameters
        ----------
        optimizer : str or Optimizer, default "rmsprop"
            A name of `gradstep.optimizers` for its defaults, or an optimizer.
        loss : str, Loss or function, or a list or dict of them, optional
            What `gradstep.losses.get` takes: a name, a loss, or a function ``(y_true, y_pred) -> (values, gradient)``.
            `fit` and `evaluate` need one; `predict` does not. Of a model of several outputs one for all, or a list or
            dict with one for each output, None for one that has none.
        loss_weights : float, or a list or dict of them, optional
            Weight of each output's loss in the total loss; 1 by default. The losses of the outputs are
            reported without it.
        metrics : list of str, Metric or function, optional
            What else to measure: "accuracy", other names of `gradstep.metrics`, metrics, or functions of targets and
            predictions. Of a model of several outputs a list with one, or a list, for each output; or a dict of such.
        weighted_metrics : list of str, Metric or function, optional
            The same, of which each row counts with its sample weight where rows have some.
        run_eagerly : bool, default False
            False. Layers and losses in NumPy can be stepped through with a debugger as they are.
        steps_per_execution : int, default 1
            Batches between two calls of ``on_train_batch_begin``, ``on_test_batch_begin`` and their like.
        jit_compile : bool or "auto", default "auto"
            For scripts written for Keras: layers are compiled C++ in any case, with the same results.
        auto_scale_loss : bool, default True
            For scripts written for Keras: it concerns float16, in which no model computes.

        Raises
        ------
        TypeError
            An argument of the wrong type or name.
        ValueError
            An unknown optimizer, loss or metric. Nothing is changed then.
        """
        for name in unknown:
            raise TypeError(f"compile() has no argument {name!r}.{argument_hint(name, COMPILE)}")
        if check_bool("run_eagerly", run_eagerly):
            raise ValueError("run_eagerly must be False: layers of this package run in C++ always.")
        steps = check_int("steps_per_execution", steps_per_execution, 1)
        if jit_compile != "auto":
            check_bool("jit_compile", jit_compile)
        check_bool("auto_scale_loss", auto_scale_loss)
        objectives = self._objectives_of(loss, loss_weights, metrics, weighted_metrics)
        chosen = optimizers.get(optimizer)
        with self._guard:
            self._renew()
            self.optimizer = chosen
            self._objectives = objectives
            self.loss = next((one for one in objectives.losses if one is not None), None)
            self._steps_per_execution = steps
        self._compiled = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        } | ({} if steps == 1 else {"steps_per_execution": steps})

    def _objectives_of(self, loss: Any, loss_weights: Any, metrics: Any, weighted: Any) -> Objectives:
        """What the arguments of `compile` stand for."""
        return Objectives.of_one(self.output_names, loss, loss_weights, metrics, weighted)

    @property
    def input_names(self) -> list[str]:
        """What the inputs are called, as far as they are known: after their `Input`."""
        return []

    @property
    def output_names(self) -> list[str]:
        """What the outputs are called, as far as they are known: after the layers that give them."""
        return []

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` gives: "loss", those of several outputs, and the metrics."""
        return ["loss", *self._objectives.names]

    @property
    def _directions(self) -> dict[str, bool | None]:
        """Whether each of these is better when larger; None: a metric does not say. For callbacks."""
        return {"loss": False, **self._objectives.directions}

    def _needed_loss(self) -> losses.Loss:
        if self.loss is None:
            raise ValueError("the model has no loss: call compile(optimizer=..., loss=...) first.")
        return self.loss

    # -- runs ----------------------------------------------------------------------------------------------------------

    def _shares(self, rows: Rows) -> list[Share]:
        """Who measures what in a run over rows like these."""
        ys, weights = arrays_of(rows.y), self._weights_of(rows)
        weighted = [one is not None for one in weights]
        return [
            share if share.metric is None else share._replace(metric=self._lent.of(share.metric))
            for share in self._objectives.shares(ys, self._output_rows(), self._dtype, weighted)
        ]

    def _weights_of(self, rows: Rows) -> list[np.ndarray | None]:
        """What rows count for, for each output."""
        return [None] * len(self._objectives.outputs) if rows.weights is None else arrays_of(rows.weights)

    def _run(self, rows: Rows, batch: int, train: bool, fresh: bool = True) -> Run:
        """A run over rows in batches; fresh: whether metrics begin anew with it."""
        with self._guard:  # what it is made of is replaced before or after
            return self._new_run(rows, batch, train, fresh)

    def _new_run(self, rows: Rows, batch: int, train: bool, fresh: bool) -> Run:
        network = self._network
        assert network is not None
        self._needed_loss()
        shared, shapes, weights, ys = self._shares(rows), self._output_rows(), self._weights_of(rows), arrays_of(rows.y)
        if train:
            check_backward(self._steps, len(arrays_of(rows.x)))

        def make(optimizer: optimizers.Optimizer | None, indices: list[int]) -> Run:
            loop = self._loop(rows, batch, shared, optimizer, indices)
            return Measured(loop, ys, shared, weights, shapes, fresh) if any(s.metric for s in shared) else loop

        if not train:
            return make(None, [])
        if self.optimizer is None:
            raise ValueError("the model's layers changed since it was trained: call compile(...) again.")
        registered = len(self.optimizer._core)
        try:
            if self._indices is None:
                trained = self._trained()
                self.optimizer._check_serves(trained)
                labels = [f"[{i}]" for i in range(len(trained))]
                with DelayedInterrupt():
                    indices = self.optimizer._attach(list(trained.values()), labels, names=list(trained))
                    numbers = {address(w): i for w, i in zip(trained.values(), indices, strict=True)}
                    self._indices = [numbers[address(weight)] for weight in learned(network)]
            return make(self.optimizer, self._indices)
        except Exception:
            if len(self.optimizer._core) > registered:
                self._indices = None
                self.optimizer._forget(registered)
                self._changed()
            raise

    def _loop(
        self,
        rows: Rows,
        batch: int,
        shared: Sequence[Share],
        optimizer: optimizers.Optimizer | None = None,
        indices: Sequence[int] = (),
        gradients: bool = False,
    ) -> _core.TrainLoop:
        """The engine's run over rows; gradients: whether it leaves those of each batch."""
        words, targets = self._words(rows), self._targets(rows)
        names: list[list[str]] = [[] for _ in words]
        for share in shared:
            if share.engine and share.engine != "loss":
                names[share.output].append(share.engine)
        fed = any(not share.engine for share in shared)
        assert self._network is not None
        return _core.TrainLoop(
            self._network,
            words,
            names,
            arrays_of(rows.x),
            targets.values,
            batch,
            [] if optimizer is None else [leaf._core for leaf in optimizer._leaves()],
            [] if optimizer is None else optimizer._places(indices),
            optimizer._surroundings if isinstance(optimizer, Wrapper) else None,
            gradients,
            targets.weights,
            targets.masks,
            fed,
        )

    def _words(self, rows: Rows) -> list[Any]:
        """What the engine computes the losses by."""
        return self._objectives.words(arrays_of(rows.y), self._output_rows(), self._weights_of(rows))

    def _targets(self, rows: Rows) -> Targets:
        """What it scores outputs against."""
        if self.loss is not None and isinstance(rows.y, np.ndarray) and len(self._row) == 1:  # nothing to be arranged
            return Targets([rows.y], [rows.weights], [self.loss._mask(rows.y)])
        return self._objectives.targets(arrays_of(rows.y), self._output_rows(), self._weights_of(rows))

    def _batch_run(self, rows: Rows, train: bool, fresh: bool = True) -> Borrowed:
        """A run over one batch: one that was made for such a batch before, with its plans and buffers, if there is.

        Nobody else has it until it is given to `_put_back`.
        """
        return self._kept_run(rows, train) or self._fresh_run(rows, train, fresh)

    def _kept_run(self, rows: Rows, train: bool) -> Borrowed | None:
        """One that was made before, by the engine alone."""
        kept = self._kept.pop((len(rows), train, rows.weights is None), None)
        if kept is None or kept.version != self._version:
            return None
        kept.run.take(arrays_of(rows.x), *self._targets(rows))
        return kept

    def _fresh_run(self, rows: Rows, train: bool, fresh: bool = True) -> Borrowed:
        version = self._version
        run = self._run(rows, len(rows), train, fresh)
        in_python = any(map(callable, self._words(rows)))
        is_kept = isinstance(run, _core.TrainLoop) and len(rows) <= MOST_ROWS and not in_python
        return Borrowed(run, (len(rows), train, rows.weights is None) if is_kept else None, version)

    def _put_back(self, borrowed: Borrowed) -> None:
        if borrowed.key is None:
            return
        borrowed.run.release()
        if borrowed.version == self._version:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[borrowed.key] = borrowed

    def _logs(self, run: Run, names: Sequence[str] | None = None) -> dict[str, float]:
        """Loss and metrics by name; names: those of a run that began before the model was compiled anew."""
        _, _, loss, values = run.progress
        return dict(zip(self.metrics_names if names is None else names, [loss, *values], strict=True))
