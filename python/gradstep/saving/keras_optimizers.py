"""The state of optimizers in Keras's files: which of Keras's variables are which slots here, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import optimizers
from . import optimizer_state

if TYPE_CHECKING:
    from .savable import Savable

__all__ = ["described_optimizer", "read_state", "variables_of"]

# Slots of each rule, in groups: of a group Keras has all slots of one weight, then those of the next.
SLOTS: dict[str, list[list[str]]] = {
    "Adadelta": [["v", "u"]],
    "Adagrad": [["accumulator"]],
    "Adam": [["m", "v"], ["v_hat"]],
    "AdamW": [["m", "v"], ["v_hat"]],
    "Adamax": [["m", "u"]],
    "Ftrl": [["accumulator", "linear"]],
    "Lamb": [["m", "v"]],
    "Lion": [["m"]],
    "Nadam": [["m", "v"]],
    "RMSprop": [["v"], ["velocity"], ["m"]],
    "SGD": [["velocity"]],
}


def _order(slots: Sequence[Sequence[str]], known: set[str], count: int) -> list[tuple[int, str]]:
    """Weight and slot of each of Keras's variables."""
    each = [[slot for slot in group if slot in known] for group in slots]
    return [(place, slot) for group in each for place in range(count) for slot in group]


# What Keras's optimizers do not have, and means nothing where it is this.
OURS = {
    "dialect": "keras",
    "lazy": False,
    "maximize": False,
    "on_nonfinite": "propagate",
    "seed": None,
    "state_dtype": None,
    "stochastic_rounding": False,
}
SCHEDULES = ["CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay"]
SCHEDULES += ["PolynomialDecay"]


def described_optimizer(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An optimizer's class and config in Keras's words, from those here.

    Raises
    ------
    ValueError
        A setting has no counterpart.
    """
    name, config = entry["class_name"], dict(entry["config"])
    for key, usual in OURS.items():
        value = config.pop(key, usual)
        if value != usual:
            raise ValueError(f"the optimizer's {key} must be {usual!r} to be written as Keras's; it is {value!r}.")
    rate = config["learning_rate"]
    if isinstance(rate, Mapping):
        if rate["class_name"] not in SCHEDULES:
            raise ValueError(
                f"the learning rate must be a number or one of {', '.join(SCHEDULES)} to be written as Keras's; it is "
                f"a {rate['class_name']}."
            )
        config["learning_rate"] = {**rate, "module": "keras.optimizers.schedules", "registered_name": None}
    return {"module": "keras.optimizers", "class_name": name, "config": config, "registered_name": None}


def _product_of(optimizer: Any, steps: int) -> float:
    """The product of momentums of Nadam, which Keras keeps."""
    t = np.arange(1, steps + 1)
    return float(np.prod(optimizer.beta_1 * (1 - 0.5 * 0.96**t)))


def variables_of(model: Savable) -> list[np.ndarray]:
    """Keras's variables of the optimizer of a compiled model, in order.

    Raises
    ------
    ValueError
        Keras has no such optimizer, or it has state that Keras keeps otherwise.
    """
    optimizer: Any = model.optimizer
    name = type(optimizer).__name__
    advice = "include_optimizer=False leaves it out, and another ending, such as .gradstep, keeps it."
    known = isinstance(optimizer, optimizers.Optimizer) and getattr(optimizer, "dialect", "keras") == "keras"
    if not known or name not in SLOTS:
        raise ValueError(
            f"the optimizer must be one of {', '.join(SLOTS)} to be written for Keras; got {name}. {advice}"
        )
    record, state = optimizer_state.describe(model, optimizer)
    steps = int(state.get("iterations", optimizer.iterations))
    found = [np.asarray(steps, np.int32)]
    if "learning_rate" not in optimizer._schedules:
        found.append(np.asarray(optimizer.learning_rate, np.float32))
    if "order" not in record:
        return found
    if record["groups"]:
        raise ValueError(f"the optimizer must have one group of weights to be written as Keras's. {advice}")
    slots = {key.partition(".")[2] for key in state if "." in key}
    kept = {slot for group in SLOTS[name] for slot in group}
    if slots - kept:
        raise ValueError(f"the optimizer's state {', '.join(sorted(slots - kept))} has no place in Keras's. {advice}")
    index = {place: number for number, place in enumerate(record["order"])}
    found += [state[f"{index[place]}.{slot}"] for place, slot in _order(SLOTS[name], slots, len(index))]
    return [*found, np.asarray(_product_of(optimizer, steps), np.float32)] if name == "Nadam" else found


def read_state(model: Savable, variables: Sequence[np.ndarray]) -> str | None:
    """Give the optimizer of a new model the state that Keras kept; or says why not."""
    optimizer: Any = model.optimizer
    name = type(optimizer).__name__
    if name not in SLOTS:
        return f"that of {name} is laid out otherwise"
    weights = list(model._executor.trained_weights().values())
    first = 1 if "learning_rate" in optimizer._schedules else 2
    if len(variables) <= first:
        if variables:
            optimizer.iterations = int(variables[0])
        return None
    optimizer_state.attach(
        optimizer, model, {"order": list(range(len(weights))), "group_of": [0] * len(weights), "groups": []}
    )
    state = optimizer.state_dict()
    order = _order(SLOTS[name], {key.partition(".")[2] for key in state if "." in key}, len(weights))
    given = list(variables[first : len(variables) - (name == "Nadam")])
    if [array.shape for array in given] != [weights[place].shape for place, _ in order]:
        optimizer._forget(0)
        return f"it has {len(given)} arrays, where a {name} of these settings has {len(order)}"
    state.update({f"{place}.{slot}": np.asarray(array) for (place, slot), array in zip(order, given, strict=True)})
    state["iterations"] = np.asarray(int(variables[0]), np.int64)
    # Keras keeps it in float32, here it is what the config says.
    if first == 2 and np.float32(optimizer.learning_rate) != variables[1]:
        state["learning_rate"] = np.asarray(float(variables[1]), np.float64)
    optimizer.load_state_dict(state)
    return None
