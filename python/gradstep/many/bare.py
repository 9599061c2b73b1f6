"""Members of `fit_many` that are no models yet: the engine's part of one each. Layers are made when they are asked for.

To make a model takes a millisecond of Python, as long as an epoch of a small network, and on one processor alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from .. import _core, optimizers, seeds
from ..callbacks.callback_list import as_list
from ..callbacks.history import History
from ..data.rows import Rows, batch_rows
from ..layers.base.layer import Layer
from ..layers.base.weights import assign
from ..optimizers.base.wrappers import Wrapper
from ..trainers.network import maker_of
from ..trainers.runs import RunWithMetrics
from .copies import clones_of, set_rate
from .member import Progress, queue_pass

__all__ = ["BareMember", "Mold"]


# Initial weights; an optimizer that knows no arrays; and where the next keys come from, of a member with a seed.
Drawn = tuple[list[np.ndarray], Any, seeds.Sequence | None]


class Mold:
    """Makes bare members of a model, all over the same rows.

    Parameters
    ----------
    prototype : Model
        What members are clones of; nobody else uses it.
    first : Sequential
        Such a clone; or the prototype, where members have no seeds and go on from it.
    rows, held : Rows, Rows or None
        As the engine reads them.
    """

    def __init__(self, prototype: Any, first: Any, rows: Rows, held: Rows | None) -> None:
        self.prototype, self._first, self.rows, self.held = prototype, first, rows, held
        self._drawn: dict[int, Drawn] = {}  # of a seed, if that was drawn before
        executor = first._executor
        self.names = executor.losses_and_metrics.log_names
        self._uses = [[] if some is None else executor.uses(some) for some in (rows, held)]
        self._run = executor.run(rows, 1, True)  # raises what there is against the rows
        make = None if first._has_open else maker_of(*first._connected_steps())
        uses_engine = not isinstance(self._run, RunWithMetrics) and not self._run.asks_python
        self.is_possible = make is not None and uses_engine
        if make is None or executor.network is None:
            return
        self.make_network = make
        self._optimizer = optimizers.serialize(first.optimizer)
        with executor.attached() as (optimizer, indices):
            self._indices = list(indices)
            self._state = optimizer.state_dict() if first is prototype else None
        if first is prototype and len(_views(executor.network)) > len(first.weights):
            self.is_possible = False  # a copy goes on from the states of stateful layers too
        places = {_core.address(view): i for i, view in enumerate(_views(executor.network))}
        self._places = [places[_core.address(weight)] for weight in first.weights]
        trained = executor.trained_weights()
        named = zip(first.weight_names, self._places, strict=True)
        self._trained = {name: place for name, place in named if name in trained}
        self._layers = executor.dense_weights()

    @staticmethod
    def of(model: Any, seed: int | None, rows: Rows, held: Rows | None) -> Mold | None:
        """None where members need Python, or where it is not known what a clone of the model draws."""
        if not _draws_in_a_row(model) or not _steps_alike(model.optimizer):
            return None
        prototype = deepcopy(model)
        if seed is None:
            made = Mold(prototype, prototype, rows, held)
            if made.is_possible and prototype._trainer.key is None:
                prototype._trainer.key = seeds.fresh_key()  # of all members
            return made if made.is_possible else None
        draws = seeds.Sequence(seed)
        first = clones_of(prototype, 1, [draws], [seed])[0]
        made = Mold(prototype, first, rows, held)
        if not made.is_possible:
            return None
        drawn = made._drawn[seed] = made.draw(seed)
        same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first.weights, drawn[0], strict=True))
        after = drawn[2]
        return made if same and after is not None and draws.__getstate__() == after.__getstate__() else None

    def draw(self, seed: int | None) -> Drawn:
        """What a member begins with."""
        if seed is None:
            return [weight.copy() for weight in self._first.weights], optimizers.deserialize(self._optimizer), None
        if seed in self._drawn:
            return self._drawn.pop(seed)
        draws = seeds.Sequence(seed)
        weights = _drawn_weights(self._first, seed, draws)
        with seeds.within(draws):
            return weights, optimizers.deserialize(self._optimizer), draws

    def place(self, network: _core.Network, weights: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Writes weights into a network: its views of them, in the order of the model's."""
        views = _views(network)
        found = [views[place] for place in self._places]
        for view, weight in zip(found, weights, strict=True):
            view[...] = weight
        return found

    def attach(self, optimizer: Any, network: _core.Network) -> None:
        """Makes the weights of a network known to its optimizer, as `Executor` does."""
        views = _views(network)
        arrays = [views[place] for place in self._trained.values()]
        optimizer._take_layers(self._layers)
        optimizer._attach(arrays, [f"[{i}]" for i in range(len(arrays))], names=list(self._trained))
        if self._state is not None:
            optimizer.load_state_dict(self._state)

    def shuffles(
        self, seed: int | None, draws: seeds.Sequence | None, is_shuffled: bool
    ) -> tuple[seeds.Key | None, int]:
        """By what a member shuffles, and the number of its first pass."""
        if draws is None or seed is None:
            trainer = self.prototype._trainer
            return trainer.key, trainer.passes
        key = shuffle_key(self._first, seed)
        return (draws.fresh_key() if is_shuffled and key is None else key), 0

    def loop(self, network: _core.Network, optimizer: Any, batch: int) -> _core.TrainLoop:
        """The training of a network; without an optimizer its scoring."""
        scores = optimizer is None
        rows = self.held if scores else self.rows
        indices = [] if scores else self._indices
        assert rows is not None
        loop: _core.TrainLoop = self._first._executor.loop(
            rows, batch, self._uses[scores], optimizer, indices, network=network
        )
        return loop


class BareMember:
    """What `Member` is, of a network without layers.

    Parameters
    ----------
    mold : Mold
    seed : int or None
    rate : float, schedule or None
        The learning rate, if not the optimizer's.
    weights : sequence of array_like or None
        Initial weights, in place of those drawn.
    train, test : ndarray or None
        Which rows it trains on, and which are scored; None: all.
    batch_size : int, str or None
    shuffle : bool
    epochs : int
        At which epoch to stop.
    """

    ends_itself = has_stopped = False
    is_compiled = True

    def __init__(
        self,
        mold: Mold,
        seed: int | None,
        rate: Any,
        weights: Sequence[Any] | None,
        train: np.ndarray | None,
        test: np.ndarray | None,
        batch_size: Any,
        shuffle: bool,
        epochs: int,
    ) -> None:
        self._mold, self._train, self._test, self._shuffle = mold, train, test, shuffle
        drawn, self.optimizer, draws = mold.draw(seed)
        if weights is not None:
            assign(drawn, weights)
        self._network = mold.make_network()
        self.weights = mold.place(self._network, drawn)
        mold.attach(self.optimizer, self._network)
        if rate is not None:
            set_rate(self.optimizer, rate)
        self.rows = len(mold.rows) if train is None else len(train)
        self._batch = batch_rows(batch_size, self.rows)
        self._loops = [mold.loop(self._network, self.optimizer, self._batch)]
        if mold.held is not None:
            scored = len(mold.held) if test is None else len(test)
            self._loops.append(mold.loop(self._network, None, batch_rows(batch_size, scored)))
        self.key, self._numbers = mold.shuffles(seed, draws, shuffle)
        self._epochs = epochs
        self.record = History()
        self._logs: dict[str, float] = {}

    @property
    def logs(self) -> dict[str, float]:
        """Of the last epoch."""
        return self._logs

    @property
    def passes(self) -> int:
        """How many there are in an epoch."""
        return len(self._loops)

    def begin(self) -> None:
        """Training begins."""

    def finish(self) -> None:
        """Training ends, as at the end of `fit`."""
        self.optimizer.finalize_variable_values(self.weights)

    def queue(self, passes: _core.Passes, place: int, epoch: int) -> None:
        """Put the passes of an epoch behind those that wait."""
        number = max(self._numbers, epoch)
        self._numbers = number + 1
        queue_pass(passes, place, self._loops[0], self._train, number, self.key if self._shuffle else None)
        if len(self._loops) > 1:
            passes.add(place, self._loops[1], self._test)

    def take_compiled(self, epoch: int, found: Sequence[Progress]) -> None:
        """What the engine says of the passes of an epoch."""
        logs: dict[str, float] = {}
        for prefix, (_, _, loss, values) in zip(("", "val_"), found, strict=False):
            logs |= {f"{prefix}{name}": value for name, value in zip(self._mold.names, [loss, *values], strict=True)}
        self._logs = logs
        self.record.on_epoch_end(epoch, logs)

    def give(self, model: Any) -> None:
        """Make a new model what this member is."""
        executor, mold = model._executor, self._mold
        model.set_weights(self.weights)
        with executor.attached() as (optimizer, _):
            optimizer.load_state_dict(self.optimizer.state_dict())
        model._trainer.key, model._trainer.passes = self.key, self._numbers
        hooks = as_list([], model, False, verbose=0, epochs=self._epochs, steps=math.ceil(self.rows / self._batch))
        names = model._trainer.log_names(len(self._loops) > 1, 1)
        model.history = hooks.on_fit_data(mold.rows.x, mold.rows.y, names)
        model.stop_training = False
        hooks.on_train_begin()
        for number, epoch in enumerate(self.record.epoch):
            hooks.on_epoch_end(epoch, {name: curve[number] for name, curve in self.record.history.items()})
        prefix = "val_" if len(self._loops) > 1 else ""
        model._evaluator.last_logs = {name: self._logs[prefix + name] for name in mold.names} if self._logs else {}
        hooks.on_train_end(self._logs)


def models_of(
    mold: Mold, members: Sequence[BareMember], keys: Sequence[int | None], rates: Sequence[Any] | None
) -> tuple[Any, ...]:
    """The models that members are."""
    draws = [None if key is None else seeds.Sequence(key) for key in keys]
    models = clones_of(mold.prototype, len(members), draws, keys)
    for number, (one, member) in enumerate(zip(models, members, strict=True)):
        if rates is not None:
            set_rate(one.optimizer, rates[number])
        member.give(one)
    return tuple(models)


def shuffle_key(model: Any, seed: int) -> seeds.Key | None:
    """What a clone shuffles by, if the model has a seed."""
    return None if model.seed is None else seeds.Sequence(seed).fresh_key()


def _draws_in_a_row(model: Any) -> bool:
    """Whether a model is a `Sequential` of layers that draw initial weights and nothing else."""
    is_sequential = "_sequence_of" in vars(type(model))
    return is_sequential and all(
        isinstance(layer, Layer) and layer._key is None and not layer._holds_model and not layer._added_rules
        for layer in model.layers
    )


def _drawn_weights(model: Any, seed: int, draws: seeds.Sequence) -> list[np.ndarray]:
    """The initial weights of a clone with a seed."""
    found: list[np.ndarray] = []
    with seeds.within(draws):
        for number, layer in enumerate(model.layers):
            with seeds.within(None if model.seed is None else model._sequence_of(seed, number)):
                found += layer.draw_weights(layer.input_shape[1:])
    return found


def _steps_alike(optimizer: Any) -> bool:
    """Whether an optimizer has one rule, and the same settings for all weights."""
    has_rule = isinstance(optimizer, optimizers.Optimizer) and not isinstance(optimizer, Wrapper)
    return has_rule and not any(optimizer._excluded) and optimizer._core.groups == 1


def _views(network: _core.Network) -> list[np.ndarray]:
    return [view for views in network.parameters for view in views]
