"""All that the next step of training depends on, beside weights: the optimizer with its state, seeds and counters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import optimizers
from ..checks import check_int, describe
from ..described import known_objects, serialize
from ..optimizers.groups import Group
from ..optimizers.multi import MultiOptimizer

if TYPE_CHECKING:
    from .savable import Savable

__all__ = [
    "check_counters",
    "check_optimizer",
    "counters",
    "describe_optimizer",
    "move_model",
    "restore_counters",
    "revive_optimizer",
    "trained_as",
]


def counters(model: Savable) -> dict[str, Any]:
    """State of the random numbers and passes of a model, and which layers are trainable.

    Those are the ones that were trainable at the last `compile`, which need not be those that are now.
    """
    return {
        "shuffle_key": None if model._trainer.key is None else list(model._trainer.key),
        "passes": model._trainer.passes,
        "lone_batches": model._executor.calls,
        "layer_keys": [layer._key for layer in model._leaves.values()],
        "trained": list(model._trains),
    }


def restore_counters(model: Savable, saved: Mapping[str, Any]) -> None:
    """Take up what `counters` gave, but the keys of layers: they are part of a network from its beginning."""
    model._trainer.key, model._trainer.passes, model._executor.calls = check_counters(saved)


def check_counters(saved: Mapping[str, Any]) -> tuple[tuple[int, int] | None, int, int]:
    """What a model draws shuffles from, its passes and its lone batches; raises if they are not as `counters` gives.

    The keys of layers must be those too.
    """
    if not isinstance(saved, Mapping) or not {"shuffle_key", "passes", "lone_batches", "layer_keys"} <= set(saved):
        raise ValueError("training must have shuffle_key, passes, lone_batches and layer_keys.")
    key, keys = saved["shuffle_key"], saved["layer_keys"]
    if not (key is None or (isinstance(key, (list, tuple)) and len(key) == 2)):
        raise ValueError(f"shuffle_key must be two numbers or null; got {key!r}.")
    if not isinstance(keys, (list, tuple)):
        raise ValueError(f"layer_keys must be a list; got {describe(keys)}.")
    for number in keys:
        if number is not None:
            _number("a layer's key", number)
    seed = None if key is None else (_number("shuffle_key", key[0]), _number("shuffle_key", key[1]))
    return seed, _number("passes", saved["passes"]), _number("lone_batches", saved["lone_batches"])


@contextmanager
def trained_as(model: Savable, flags: Any) -> Iterator[None]:
    """Let layers be trainable as `counters` says, within a ``with`` statement that compiles the model."""
    leaves = list(model._leaves.values())
    if flags is None or len(flags) != len(leaves):  # not built when it was saved
        yield
        return
    now = [leaf.trainable for leaf in leaves]
    try:
        for leaf, trainable in zip(leaves, flags, strict=True):
            leaf.trainable = trainable
        yield
    finally:
        for leaf, trainable in zip(leaves, now, strict=True):
            leaf.trainable = trainable


def _number(name: str, value: Any) -> int:
    """A number that the engine can count to, or draw from."""
    return check_int(name, value, 0, 2**64 - 1)


def describe_optimizer(model: Savable) -> tuple[dict[str, Any] | None, dict[str, np.ndarray]]:
    """The optimizer as JSON, and its state; None if there is none.

    Raises
    ------
    ValueError
        It steps other arrays too, which are not in the file.
    """
    optimizer = model.optimizer
    if optimizer is None:
        return None, {}
    record: dict[str, Any] = {"optimizer": optimizers.serialize(optimizer), "excluded": _excluded(model)}
    if not len(optimizer._core):
        return record, {}
    numbers = [_index(optimizer, weight) for weight in model._executor.trained_weights().values()]
    if sorted(numbers) != list(range(len(optimizer._core))):
        raise ValueError(
            "the optimizer must step the weights of this model and nothing else to be saved with it; "
            "include_optimizer=False leaves it out."
        )
    # The optimizer counts arrays in the order in which it met them.
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    groups = [] if isinstance(optimizer, MultiOptimizer) else list(_own_of_groups(optimizer))
    record |= {
        "order": order,
        "group_of": [optimizer._core.group_of(numbers[place]) for place in order],
        "groups": groups,
    }
    return record, optimizer.state_dict()


def _index(optimizer: optimizers.Optimizer, weight: np.ndarray) -> int:
    index: int = optimizer._core.find(weight)
    return index


def _own_of_groups(optimizer: optimizers.Optimizer) -> Iterator[dict[str, Any]]:
    """Hyperparameters of the groups after the first: numbers or schedules."""
    for number in range(1, optimizer._core.groups):
        group = Group(optimizer, number)
        own = [name for name in group if optimizer._core.is_own(name, number)]
        yield {name: serialize(optimizer._group_schedules.get((number, name), group[name])) for name in own}


def _excluded(model: Savable) -> list[dict[str, Any]]:
    """For each optimizer with a rule: what is spared from its weight decay, as numbers of weights and patterns."""
    assert model.optimizer is not None
    found = []
    for leaf in model.optimizer._leaves():
        arrays, patterns = leaf._excluded
        places = [
            place
            for place, weight in enumerate(model.weights)
            if any(other.ctypes.data == weight.ctypes.data and other.shape == weight.shape for other in arrays)
        ]
        found.append({"weights": places, "patterns": list(patterns)})
    return found


def revive_optimizer(record: Mapping[str, Any]) -> tuple[optimizers.Optimizer, Callable[[Savable, Any], None]]:
    """The optimizer of what `describe_optimizer` gave, and what gives it a model's weights and their state."""
    optimizer = optimizers.deserialize(record["optimizer"], known_objects())

    def attach(model: Savable, state: Mapping[str, np.ndarray]) -> None:
        weights = model.weights
        for leaf, excluded in zip(optimizer._leaves(), record["excluded"], strict=True):
            if excluded["weights"] or excluded["patterns"]:
                leaf.exclude_from_weight_decay([weights[i] for i in excluded["weights"]], excluded["patterns"])
        if "order" not in record:
            return
        groups = [_revived(own) for own in record["groups"]]
        for own in groups:
            number = optimizer._core.add_group({})
            for name, value in own.items():
                Group(optimizer, number)[name] = value
        _attach(optimizer, model, record)
        optimizer.load_state_dict(state)

    return optimizer, attach


def _attach(optimizer: optimizers.Optimizer, model: Savable, record: Mapping[str, Any]) -> list[int]:
    """Make the weights known to an optimizer, in the order and groups in which it knew them."""
    order, trained = record["order"], model._executor.trained_weights()
    if sorted(order) != list(range(len(trained))):
        raise ValueError("the optimizer's arrays must be the model's weights that are trained.")
    weights, names = list(trained.values()), list(trained)
    optimizer._take_layers(model._executor.dense_weights())
    return optimizer._attach(
        [weights[i] for i in order],
        [f"[{i}]" for i in order],
        list(record["group_of"]) if record["groups"] else None,
        [names[i] for i in order],
    )


def check_optimizer(model: Savable, record: Mapping[str, Any] | None, state: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError if the optimizer of a model cannot take up a state; it then is as it was."""
    optimizer = model.optimizer
    if optimizer is None or record is None:
        return
    was, now = record["optimizer"]["class_name"], type(optimizer).__name__
    if was != now:
        raise ValueError(f"the model's optimizer must be of the class that was saved, {was}; it is a {now}.")
    if "order" not in record:
        return
    registered = len(optimizer._core)
    try:
        if _attach(optimizer, model, record) != list(range(len(optimizer._core))):
            raise ValueError("the optimizer must know the weights in the order in which it knew them when saved.")
        optimizer._prepared_load(state)
    except Exception:
        optimizer._forget(registered)
        raise


def move_model(model: Savable, keys: Sequence[int | None], record: Mapping[str, Any] | None) -> None:
    """Let layers draw from other keys, if they are others; the optimizer follows to the weights' new memory."""
    if list(keys) == counters(model)["layer_keys"]:
        return
    optimizer = model.optimizer
    excluded = [] if optimizer is None else _excluded(model)
    model._rekey(keys)
    if optimizer is None:
        return
    optimizer._forget(0)
    for leaf, spared in zip(optimizer._leaves(), excluded, strict=True):
        leaf._excluded[0][:] = [model.weights[i] for i in spared["weights"]]
    if record is not None and "order" in record:
        _attach(optimizer, model, record)


def _revived(own: Mapping[str, Any]) -> dict[str, Any]:
    from ..optimizers.schedules.registry import revive

    revived: dict[str, Any] = revive(own, known_objects())
    return dict(sorted(revived.items(), key=lambda item: item[1] is not None))  # a clip goes before another comes
