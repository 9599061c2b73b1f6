"""An optimizer of a model as JSON and arrays, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import optimizers
from ..described import known_objects, serialize
from ..optimizers.base.groups import Group
from ..optimizers.multi import MultiOptimizer

if TYPE_CHECKING:
    from .savable import Savable

__all__ = ["check", "describe", "excluded_of", "move", "revive"]


def describe(model: Savable, optimizer: optimizers.Optimizer) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The optimizer as JSON, and its state.

    Raises
    ------
    ValueError
        It steps other arrays too, which are not in the file.
    """
    record: dict[str, Any] = {"optimizer": optimizers.serialize(optimizer), "excluded": excluded_of(model, optimizer)}
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


def excluded_of(model: Savable, optimizer: optimizers.Optimizer) -> list[dict[str, Any]]:
    """For each optimizer with a rule: what is spared from its weight decay, as numbers of weights and patterns."""
    found = []
    for leaf in optimizer._leaves():
        arrays, patterns = leaf._excluded
        places = [
            place
            for place, weight in enumerate(model.weights)
            if any(other.ctypes.data == weight.ctypes.data and other.shape == weight.shape for other in arrays)
        ]
        found.append({"weights": places, "patterns": list(patterns)})
    return found


def revive(
    model: Savable, optimizer: optimizers.Optimizer, record: Mapping[str, Any], state: Mapping[str, np.ndarray]
) -> None:
    """Give a new optimizer a model's weights and their state."""
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
    attach(optimizer, model, record)
    optimizer.load_state_dict(state)


def attach(optimizer: optimizers.Optimizer, model: Savable, record: Mapping[str, Any]) -> list[int]:
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


def check(
    model: Savable, optimizer: optimizers.Optimizer, record: Mapping[str, Any], state: Mapping[str, np.ndarray]
) -> None:
    """Raise ValueError if an optimizer cannot take up a state; it then is as it was."""
    if "order" not in record:
        return
    registered = len(optimizer._core)
    try:
        if attach(optimizer, model, record) != list(range(len(optimizer._core))):
            raise ValueError("the optimizer must know the weights in the order in which it knew them when saved.")
        optimizer._prepared_load(state)
    except Exception:
        optimizer._forget(registered)
        raise


def move(
    model: Savable, optimizer: optimizers.Optimizer, excluded: list[dict[str, Any]], record: Mapping[str, Any] | None
) -> None:
    """Let an optimizer, of whose weights some are `excluded` from decay, know them in their new memory."""
    optimizer._forget(0)
    for leaf, spared in zip(optimizer._leaves(), excluded, strict=True):
        leaf._excluded[0][:] = [model.weights[i] for i in spared["weights"]]
    if record is not None and "order" in record:
        attach(optimizer, model, record)


def _revived(own: Mapping[str, Any]) -> dict[str, Any]:
    from ..optimizers.schedules.registry import revive as revive_schedules

    revived: dict[str, Any] = revive_schedules(own, known_objects())
    return dict(sorted(revived.items(), key=lambda item: item[1] is not None))  # a clip goes before another comes
