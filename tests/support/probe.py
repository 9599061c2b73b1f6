"""What tests see of a model behind its public face, all in one place: an engine that is built anew changes this file.

Tests come here only with what a user cannot ask: what computes a model, a single pass of it, which numbers its layers
draw, what it keeps between calls. What `fit`, `evaluate` or `predict` can show is not asked for here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from gradstep import _core
from gradstep.trainers.executor import Executor
from gradstep.trainers.full_batch.residual_loss import ResidualLoss
from gradstep.trainers.full_batch.whole_loss import WholeLoss
from gradstep.trainers.network import Step, learned, network_of
from gradstep.trainers.runs import RunWithMetrics

__all__ = [
    "Graph",
    "Step",
    "arrays_known",
    "calls",
    "counters",
    "draw_as_in_call",
    "draw_as_in_epoch",
    "draw_the_same",
    "engine_of",
    "first_output",
    "forget_runs",
    "guard",
    "halves",
    "halves_of_layers",
    "interrupted",
    "is_fed_in_python",
    "key",
    "layers_of_engine",
    "networks_kept",
    "nodes_of",
    "order",
    "pass_gradients",
    "rekey",
    "residual_loss",
    "run_of",
    "runs_kept",
    "start_at_epoch",
    "state_of",
    "trained_flags",
    "training_of",
    "whole_loss",
    "without_copy",
]

# -- what computes -----------------------------------------------------------------------------------------------------


def engine_of(model: Any) -> Any:
    """What computes a model: the same object as long as its layers stay."""
    return model._executor.network


def guard(model: Any) -> AbstractContextManager[Any]:
    """What each call of a model holds while it computes."""
    return model._guard


def layers_of_engine(inputs: int, specifications: list[dict[str, Any]], dtype: str) -> Any:
    """Layers of the engine in a row, without classes around them."""
    return _core.Network(inputs, specifications, dtype)


class Graph:
    """Calls of layers, computed forward and back by themselves; shapes: of a row of each input."""

    def __init__(self, shapes: Any, steps: Any, outputs: Any) -> None:
        self._network = network_of(shapes, steps, outputs)
        self._halves = _core.ForwardBackward(self._network)
        self._inputs = shapes
        values = [*shapes, *(step.layer._output_row for step in steps)]
        self._outputs = [values[output] for output in outputs]
        self.weights = learned(self._network)

    @property
    def penalty(self) -> float:
        """What the regularizers add to the loss."""
        return self._network.penalty

    def forward(self, xs: Any, training: bool = False, number: int = 0, slopes: bool = False) -> list[np.ndarray]:
        """The outputs, each of its shape."""
        flat = [np.ascontiguousarray(x).reshape(len(x), -1) for x in xs]
        made = self._halves.forward(flat, training, number, None, slopes)
        ys = made if isinstance(made, list) else [made]
        return [y.reshape(len(y), *row) for y, row in zip(ys, self._outputs, strict=True)]

    def backward(self, dys: Any) -> tuple[list[Any], list[np.ndarray]]:
        """The gradients by the inputs and by `weights`."""
        flat = [None if dy is None else np.ascontiguousarray(dy).reshape(len(dy), -1) for dy in dys]
        made = self._halves.backward(flat)
        return (made if isinstance(made, list) else [made]), self._halves.gradients


def first_output(layer: Any) -> Any:
    """What the first symbolic call of a layer gave."""
    return layer._nodes[0].outputs[0]


def nodes_of(layer: Any) -> list[Any]:
    """The calls of a layer with symbolic tensors."""
    return list(layer._nodes)


def trained_flags(model: Any) -> list[Any]:
    """Which weights are trained, as the model keeps it."""
    return model._executor.trained_weights()


# -- one pass ----------------------------------------------------------------------------------------------------------


def pass_gradients(engine: Any, loss: Any, x: np.ndarray, y: np.ndarray, number: int = 0) -> tuple[Any, Any, Any]:
    """The loss of a batch with penalties, its gradients by the weights of each layer, and that by x.

    number: which pass this is, from which what layers draw follows.
    """
    value, gradients, dxs = engine.value_and_grad(loss._spec(), x, y, number, dx=True)
    rest = iter(gradients)
    by_layers = [[next(rest) for is_trained in layer if is_trained] for layer in engine.trained]
    return value, by_layers, dxs[0] if len(dxs) == 1 else dxs


def halves(model: Any) -> Any:
    """What computes a batch forward and, if it was in training, back."""
    return halves_of_layers(engine_of(model))


def halves_of_layers(engine: Any) -> Any:
    """The same of `layers_of_engine`."""
    return _core.ForwardBackward(engine)


def run_of(model: Any, x: Any, y: Any, batch: int) -> Any:
    """A training run over rows, to be started and advanced, that keeps the outputs of the last batch."""
    return _core.TrainLoop(engine_of(model), model.loss._spec(), [], x, y, batch, outputs=True)


def training_of(model: Any, x: Any, y: Any, batch: int) -> Any:
    """A run of training over rows as `fit` makes it, to be started."""
    return model._executor.run(model._data.rows(x, y, None), batch, True)


def is_fed_in_python(model: Any, x: Any, y: Any) -> bool:
    """Whether training comes back to Python at each batch, for metrics."""
    run = model._executor.run(model._data.rows(x, y), 10, True)
    return bool(run._updated) if isinstance(run, RunWithMetrics) else type(run) is not _core.TrainLoop


# -- what is drawn -----------------------------------------------------------------------------------------------------


def whole_loss(model: Any, x: Any, y: Any, chunk: int, weights: Any = None) -> WholeLoss:
    """The loss over all rows as full-batch methods see it, in chunks of rows."""
    return WholeLoss(model._executor, model._data.rows(x, y, weights), chunk)


def residual_loss(model: Any, x: Any, y: Any, chunk: int, weights: Any = None) -> ResidualLoss:
    """The same as a sum of squares."""
    return ResidualLoss(model._executor, model._data.rows(x, y, weights), chunk)


def calls(model: Any) -> int:
    """How many calls in training drew so far."""
    return model._executor.calls


def draw_as_in_call(one: Any, number: int) -> None:
    """Let the next call in training, of a model or of a layer alone, draw what it drew after so many calls."""
    if hasattr(one, "_executor"):
        one._executor.calls = number
    else:
        one._eager.calls = number


def draw_as_in_epoch(model: Any, number: int) -> None:
    """Let the next epoch of `fit` draw what it drew after so many epochs."""
    model._trainer.passes = number


def draw_the_same(one: Any, other: Any) -> None:
    """Let the layers of a model draw from the keys of another's."""
    for layer, its in zip(one.layers, other.layers, strict=True):
        if hasattr(its, "_key"):
            layer._key = its._key
    if hasattr(one, "_rekey"):
        one._take_settings()


def counters(model: Any) -> list[Any]:
    """What the draws and shuffles of a model follow from, and what its metrics are kept in."""
    trainer, executor = model._trainer, model._executor
    return [trainer.key, trainer.passes, executor.calls, id(executor.losses_and_metrics)]


def key(one: Any) -> Any:
    """What a layer, or the shuffles of a model, draw from."""
    return one._trainer.key if hasattr(one, "_trainer") else getattr(one, "_key", None)


def rekey(model: Any, layer_key: int) -> None:
    """Let all layers that draw do so from this."""
    model._rekey([None if key(layer) is None else layer_key for layer in model.layers])


def order(model: Any, epoch: int, rows: int) -> np.ndarray:
    """The rows of an epoch, shuffled."""
    return model._trainer.order(epoch, rows)


def start_at_epoch(model: Any, epoch: int) -> None:
    """What a callback that restores a run says when training begins."""
    model._trainer.initial_epoch = epoch


# -- what is kept ------------------------------------------------------------------------------------------------------


def runs_kept(model: Any) -> list[Any]:
    """The runs over single batches that wait for the next batch."""
    return [kept.run for kept in model._executor._kept.values()]


def networks_kept(model: Any) -> int:
    """How many networks are kept of a model whose inputs have sizes that are not known."""
    return len(model._executor._sizes._known)


def forget_runs(model: Any) -> None:
    """Let the next single batch make its run anew."""
    model._executor._kept.clear()


def without_copy(model: Any, x: Any) -> bool:
    """Whether a model reads rows where they lie."""
    return np.shares_memory(model._ready(x, "x"), x)


def arrays_known(optimizer: Any) -> int:
    """How many arrays an optimizer keeps state of."""
    return len(optimizer._core)


def state_of(optimizer: Any, array: np.ndarray) -> dict[str, np.ndarray]:
    """What an optimizer keeps of an array."""
    return optimizer._core.state(optimizer._core.find(array))


# -- Ctrl-C ------------------------------------------------------------------------------------------------------------


class _Interrupted:
    """An object of the engine, one method of which is interrupted before it begins or after it ended."""

    def __init__(self, real: Any, method: str, after: bool) -> None:
        self._real, self._method, self._after = real, method, after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name != self._method:
            return real

        def interrupted(*args, **options):
            if self._after:
                real(*args, **options)
            raise KeyboardInterrupt

        return interrupted


@contextmanager
def interrupted(model: Any, method: str, after: bool) -> Iterator[None]:
    """Within it Ctrl-C comes where a method of the engine is called for the model: before it begins, or at its end."""

    def ends_in(make: Any) -> Any:
        return lambda *args, **options: _Interrupted(make(*args, **options), method, after)

    def forget() -> None:
        model._last_call.forget()
        model._masked_calls._made_for = None

    sized, of_network = Executor.sized, ends_in(lambda network: network)
    patches = {
        "advance": [patch.object(Executor, name, ends_in(getattr(Executor, name))) for name in ("run", "loop")],
        "forward": [patch.object(_core, "ForwardBackward", ends_in(_core.ForwardBackward))],
        "value_and_grad": [
            patch.object(
                Executor, "sized", lambda *args: (one := sized(*args))._replace(network=of_network(one.network))
            )
        ],
    }
    forget()
    with ExitStack() as stack:
        for one in [*patches[method], patch.object(Executor, "kept_run", lambda *args: None)]:
            stack.enter_context(one)
        yield
    forget()
