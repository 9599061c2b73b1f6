"""Runs a model's network over data and over single batches, with what `compile` was given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from .. import _core, losses, optimizers
from ..config import get_device
from ..data.columns import Columns, arrays_of
from ..data.rows import Rows
from ..data.sparse import SparseColumns
from ..delayed_interrupt import DelayedInterrupt
from ..distribution.active import is_writer
from ..layers.base.settings import computed_by
from ..minimize.methods.base import Method
from ..minimize.methods.registry import trainer_of
from ..optimizers.base.wrappers import Wrapper
from .counted import run_batch
from .losses_and_metrics import LossesAndMetrics, Targets
from .model_face import ModelFace
from .network import Step, check_backward, learned, renew
from .on_gpu import DeviceLoop, device_loop, predict
from .output_metrics import BorrowedMetrics, MetricUse
from .runs import HasStepLogs, KeptRun, KeptRuns, Run, RunOverBatches, RunWithMetrics
from .sizes import Sized, SizeTable, rows_given

__all__ = ["Executor"]

MOST_ROWS = 1024  # of the runs over single batches that are kept, and their buffers with them


class Executor:
    """Runs a model's network.

    Parameters
    ----------
    model : ModelFace

    Attributes
    ----------
    guard : Guard
        Held while weights change or must not: by steps, by inference, by whoever sets them. Models that share layers
        share it.
    version : int
        How often the network, or what it is trained by, has been replaced.
    network : Network or None
        None before the build.
    steps : list of Step
        The calls of layers that the network is made of; of inputs of variable size, at any sizes.
    calls : int
        Batches trained on by themselves so far.
    losses_and_metrics : LossesAndMetrics
    lent : BorrowedMetrics
    """

    def __init__(self, model: ModelFace) -> None:
        self.model = model
        self.guard = _core.Guard()
        self.version = self.calls = 0
        self.network: _core.Network | None = None
        self.steps: list[Step] = []
        self.losses_and_metrics = LossesAndMetrics.of_one([], None, None, None, None)
        self.lent = BorrowedMetrics()
        self._optimizer: optimizers.Optimizer | Method | None = None
        self._indices: list[int] | None = None  # of the weights in the optimizer
        self.partial: Any = None  # a `PartialStep`, while processes share out the optimizer's state
        self._kept = KeptRuns()  # by what batches they are for
        self._sized: Sized | None = None
        self._sizes: SizeTable | None = None  # of inputs of variable size

    # -- what it is made of --------------------------------------------------------------------------------------------

    def connect(self, sized: Sized, sizes: SizeTable | None = None) -> None:
        """Take a network; sizes: what makes those for inputs of other sizes, where this one stands for all."""
        self._sized, self._sizes = sized, sizes
        self.network, self.steps = sized.network, sized.steps
        computed_by(self.model, (step.layer for step in sized.steps))

    def sized(self, x: Any) -> Sized:
        """The network for data as a run has it. Raises ValueError where layers cannot take its sizes."""
        return self._sized if self._sizes is None else self._sizes.of(x)  # type: ignore[return-value]

    def forget(self) -> None:
        """The layers changed: so does the memory of the weights, and an optimizer knows the old one."""
        self.network = None
        if self._indices is not None or (isinstance(self._optimizer, Method) and self._optimizer.iterations):
            self._optimizer, self._indices = None, None
        self.changed()

    def reconnect(self) -> None:
        """The network is made anew over the same layers; the optimizer takes up the weights' new memory."""
        self._indices = None
        self.changed()

    def changed(self) -> None:
        """Discard the runs, whose parts were replaced. Runs in progress finish with the old ones."""
        self.version += 1
        self._kept.clear()

    def renew(self) -> None:
        """Tell the engine which weights are to be trained."""
        if self.network is not None:
            renew(self.network, self.steps)
            if self._sizes is not None:
                self._sizes.renew(self.network, self.steps)

    @property
    def optimizer(self) -> Any:
        """The optimizer, or method of minimization. A new one starts without state."""
        return self._optimizer

    @optimizer.setter
    def optimizer(self, optimizer: str | optimizers.Optimizer | Method | None) -> None:
        chosen = None if optimizer is None else trainer_of(optimizer)
        with self.guard:
            self._optimizer, self._indices = chosen, None
            self.changed()

    @property
    def stage(self) -> optimizers.Optimizer | Method | None:
        """What trains now: of a sequence of methods one."""
        chosen = self._optimizer
        return chosen._stage() if isinstance(chosen, Method) else chosen

    def lose_weights(self) -> None:
        """The optimizer has forgotten the weights."""
        self._indices = None

    @contextmanager
    def whole_state(self) -> Iterator[None]:
        """Let the optimizer of the process that writes files have all state, within a ``with`` statement."""
        if self.partial is not None:
            self.partial.gather(is_writer())
        try:
            yield
        finally:
            if self.partial is not None:
                self.partial.drop()

    def settle(self) -> None:
        """Let the optimizers of all processes have all state again."""
        partial, self.partial = self.partial, None
        if partial is not None:
            partial.release()

    def next_stage(self) -> None:
        """Another method of a sequence trains from now on."""
        self._indices = None
        self.changed()

    @property
    def loss(self) -> losses.Loss | None:
        """The first loss that there is."""
        return self.losses_and_metrics.loss

    def needed_loss(self) -> losses.Loss:
        """The loss, or ValueError without one."""
        if self.loss is None:
            raise ValueError("the model has no loss: call compile(optimizer=..., loss=...) first.")
        return self.loss

    def trained_weights(self) -> dict[str, np.ndarray]:
        """The weights that the engine trains, by name, in the order of the model's."""
        if self.network is None:
            return {}
        known = {_core.address(weight) for weight in learned(self.network)}
        named = zip(self.model.weight_names, self.model.weights, strict=True)
        return {name: weight for name, weight in named if _core.address(weight) in known}

    def dense_weights(self) -> dict[str, tuple[int, int, int, bool, bool]]:
        """The trained weights of Dense layers and convolutions, by name: see `Attached._take_layers`."""
        if self.network is None:
            return {}
        known = dict(zip(map(_core.address, learned(self.network)), self.network.dense_weights, strict=True))
        named = {name: known[_core.address(weight)] for name, weight in self.trained_weights().items()}
        return {name: of_layer for name, of_layer in named.items() if of_layer[1]}

    # -- runs over data ------------------------------------------------------------------------------------------------

    def uses(self, rows: Rows) -> list[MetricUse]:
        """Who measures what in a run over rows like these."""
        ys, weighted = arrays_of(rows.y), [one is not None for one in self._weights_of(rows)]
        return [
            use if use.metric is None else use._replace(metric=self.lent.of(use.metric))
            for use in self.losses_and_metrics.uses(ys, self.sized(rows.x).rows, self.model.dtype, weighted)
        ]

    def _weights_of(self, rows: Rows) -> list[np.ndarray | None]:
        """Sample weights of each output."""
        return [None] * len(self.losses_and_metrics.outputs) if rows.weights is None else arrays_of(rows.weights)

    def run(self, rows: Rows, batch: int, train: bool, fresh: bool = True) -> Run:
        """A run over rows in batches; fresh: whether metrics begin anew with it."""
        with self.guard:  # what it is made of is replaced before or after
            return self._new_run(rows, batch, train, fresh)

    def _new_run(self, rows: Rows, batch: int, train: bool, fresh: bool) -> Run:
        self.needed_loss()
        uses, weights, ys = self.uses(rows), self._weights_of(rows), arrays_of(rows.y)
        if train:
            check_backward(self.steps, len(arrays_of(rows.x)))

        def make(optimizer: optimizers.Optimizer | None, indices: Sequence[int]) -> Run:
            loop = self.loop(rows, batch, uses, optimizer, indices)
            has_metrics = any(use.metric for use in uses)
            return RunWithMetrics(loop, ys, uses, weights, self.sized(rows.x).rows, fresh) if has_metrics else loop

        if not train:
            return make(None, [])
        with self.attached() as (optimizer, indices):
            return make(optimizer, indices)

    @contextmanager
    def attached(self) -> Iterator[tuple[optimizers.Optimizer, Sequence[int]]]:
        """The optimizer, and the numbers of the trained weights there; those new to it are forgotten if that fails."""
        network, optimizer = self.network, self._needed_stage()
        assert network is not None
        if isinstance(optimizer, Method):
            raise ValueError(
                f'"{optimizer.name}" takes its steps over all rows at once: train with fit(x, y), x and y arrays.'
            )
        registered = len(optimizer._core)
        try:
            if self._indices is None:
                self._indices = self._attached(optimizer, network)
            yield optimizer, self._indices
        except Exception:
            if len(optimizer._core) > registered:
                self._indices = None
                optimizer._withdraw(registered)
                self.changed()
            raise

    def _needed_stage(self) -> optimizers.Optimizer | Method:
        if self.stage is None:
            raise ValueError("the model's layers changed since it was trained: call compile(...) again.")
        return self.stage

    def whole_run(self, rows: Rows, chunk: int, terms: tuple[list[Any], Targets]) -> tuple[Run, _core.TrainLoop]:
        """A run over rows in chunks that leaves their gradients; and the engine's loop in it."""
        with self.guard:
            self._needed_stage()
            uses = self.uses(rows)
            check_backward(self.steps, len(arrays_of(rows.x)))
            loop = self.loop(rows, chunk, uses, gradients=True, terms=terms)
            if not any(use.metric for use in uses):
                return loop, loop
            ys, weights = arrays_of(rows.y), self._weights_of(rows)
            return RunWithMetrics(loop, ys, uses, weights, self.sized(rows.x).rows, True), loop

    def _attached(self, optimizer: optimizers.Optimizer, network: _core.Network) -> list[int]:
        """Make the weights known to the optimizer: their numbers there, in the network's order."""
        trained = self.trained_weights()
        optimizer._check_serves(trained)
        optimizer._take_layers(self.dense_weights())
        labels = [f"[{i}]" for i in range(len(trained))]
        with DelayedInterrupt():
            indices = optimizer._attach(list(trained.values()), labels, names=list(trained))
            numbers = {_core.address(w): i for w, i in zip(trained.values(), indices, strict=True)}
            self._indices = [numbers[_core.address(weight)] for weight in learned(network)]
        return self._indices

    def loop(
        self,
        rows: Rows,
        batch: int,
        uses: Sequence[MetricUse],
        optimizer: optimizers.Optimizer | None = None,
        indices: Sequence[int] = (),
        gradients: bool = False,
        terms: tuple[list[Any], Targets] | None = None,
        in_shards: bool = False,
        network: _core.Network | None = None,
    ) -> Any:
        """A `TrainLoop` over rows; gradients: whether it leaves those of each batch; terms: losses and targets;
        in_shards: whether batches are shards of larger ones; network: one like the model's, in place of it."""
        specifications, targets = terms or (self.specifications(rows), self.targets(rows))
        names, reads = [list[str]() for _ in specifications], any(not use.engine for use in uses)
        for use in uses:
            if use.engine and use.engine != "loss":
                names[use.output].append(use.engine)
        sized = self.sized(rows.x)
        leaves = [] if optimizer is None else [leaf._core for leaf in optimizer._leaves()]
        attached = leaves, [] if optimizer is None else optimizer._leaf_positions(indices)
        if get_device() == "cuda":
            given = (specifications, names), arrays_of(rows.x), targets, batch, optimizer, attached
            return device_loop(sized.network, sized.steps, *given, gradients, reads)
        return _core.TrainLoop(
            sized.network if network is None else network,
            specifications,
            names,
            arrays_of(rows.x),
            targets.values,
            batch,
            *attached,
            optimizer._wrapper_settings if isinstance(optimizer, Wrapper) else None,
            gradients,
            targets.weights,
            targets.masks,
            reads,
            in_shards,
        )

    def specifications(self, rows: Rows) -> list[Any]:
        """Losses, as the compiled core takes them."""
        ys, shapes = arrays_of(rows.y), self.sized(rows.x).rows
        return self.losses_and_metrics.specifications(ys, shapes, self._weights_of(rows))

    def targets(self, rows: Rows) -> Targets:
        """Targets and weights, as the compiled core takes them."""
        sized = self._sized if self._sizes is None else self._sizes.of(rows.x)  # as `sized`, but for the call
        shapes = sized.rows  # type: ignore[union-attr]
        if self.loss is not None and isinstance(rows.y, np.ndarray) and len(shapes[0]) == 1:
            return Targets([rows.y], [rows.weights], [self.loss._mask(rows.y)])  # nothing to be arranged
        return self.losses_and_metrics.targets(arrays_of(rows.y), shapes, self._weights_of(rows))

    # -- single batches ------------------------------------------------------------------------------------------------

    def batch_run(self, rows: Rows, train: bool, fresh: bool = True) -> KeptRun:
        """A run over one batch: one that was made for such a batch before, with its plans and buffers, if there is.

        Nobody else has it until it is given to `put_back`.
        """
        return self.kept_run(rows, train) or self.fresh_run(rows, train, fresh)

    def _kind_of(self, rows: Rows, train: bool) -> tuple[Any, ...]:
        """What a run over one batch must be made for."""
        sparse = rows.x.sparse if isinstance(rows.x, Columns) else isinstance(rows.x, SparseColumns)
        shapes = None if self._sizes is None else rows_given(self._sizes.rows, rows.x)
        return len(rows), train, rows.weights is None, sparse, get_device(), shapes

    def kept_run(self, rows: Rows, train: bool) -> KeptRun | None:
        """One that was made before, by the engine alone."""
        kept = self._kept.pop(self._kind_of(rows, train), None)
        if kept is None or kept.version != self.version:
            return None
        kept.run.take(arrays_of(rows.x), *self.targets(rows))
        return kept

    def fresh_run(self, rows: Rows, train: bool, fresh: bool = True) -> KeptRun:
        """One that is made now; fresh: whether metrics begin anew with it."""
        version = self.version
        run = self.run(rows, len(rows), train, fresh)
        in_python = any(map(callable, self.specifications(rows)))
        is_kept = isinstance(run, (_core.TrainLoop, DeviceLoop)) and len(rows) <= MOST_ROWS and not in_python
        numbers = len(rows) * self.sized(rows.x).network.numbers
        return KeptRun(run, self._kind_of(rows, train) if is_kept else None, version, numbers)

    def put_back(self, kept: KeptRun) -> None:
        """Keep a run for the next batch like its own, if it can be."""
        if kept.key is None:
            return
        kept.run.release()
        if kept.version == self.version:
            self._kept.keep(kept, self._sizes is not None)

    def stream(self, sample: Rows, train: bool) -> RunOverBatches:
        """A pass over batches like the sample, of which a run could be made."""
        self.put_back(self.batch_run(sample, train))
        version = self.version

        def make(rows: Rows, fresh: bool) -> KeptRun:
            if self.version != version:
                raise RuntimeError(
                    "the model was compiled again while batches of a generator, a sequence or a sparse matrix passed. "
                    "In a callback of fit do so when an epoch begins or ends."
                )
            return self.batch_run(rows, train, fresh)

        return RunOverBatches(make, partial(run_batch, self, train=train), self.put_back, self.uses)

    def outputs(self, rows: Any) -> Any:
        """The outputs for rows as the engine reads them, in one batch."""
        (network, steps, shapes), count = self.sized(rows), len(rows)
        outs = flat = [np.empty((count, *row), self.model.dtype) for row in shapes]
        if len(flat) > 1 or flat[0].ndim > 2:
            flat = [out.reshape(count, math.prod(out.shape[1:])) for out in outs]
        predict(network, steps, arrays_of(rows), flat, count or 1, 0, 0.0)
        return self.model._pack_outputs(outs)

    def logs(self, run: Any, names: Sequence[str] | None = None) -> dict[str, float]:
        """Loss and metrics by name; names: those of a run that began before the model was compiled anew."""
        _, _, loss, values = run.progress
        logs = dict(zip(self.losses_and_metrics.log_names if names is None else names, [loss, *values], strict=True))
        return logs | run.step_logs if isinstance(run, HasStepLogs) else logs
