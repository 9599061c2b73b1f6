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
    "Adafactor": [["row", "column", "moment"]],
    "Adagrad": [["accumulator"]],
    "Adam": [["m", "v"], ["v_hat"]],
    "AdamW": [["m", "v"], ["v_hat"]],
    "Adamax": [["m", "u"]],
    "Ftrl": [["accumulator", "linear"]],
    "Lamb": [["m", "v"]],
    "Lion": [["m"]],
    "Muon": [["m", "v"]],
    "Nadam": [["m", "v"]],
    "RMSprop": [["v"], ["velocity"], ["m"]],
    "SGD": [["velocity"]],
}
BEFORE = [["average"], ["accumulated"]]  # of every rule, in front of its slots
State = Mapping[str, np.ndarray]


def _places(name: str, state: State, weights: Sequence[np.ndarray]) -> list[tuple[int, str]]:
    """Weight and slot of each of Keras's variables; state: of weights in their order."""
    known = {key.partition(".")[2] for key in state if "." in key}
    known |= {"moment"} if name == "Adafactor" else set()
    each = [[slot for slot in group if slot in known] for group in [*BEFORE, *SLOTS[name]]]
    found = [(place, slot) for group in each for place in range(len(weights)) for slot in group]
    if name == "Muon":  # only AdamW, which moves arrays that are not matrices, has v
        found = [(i, slot) for i, slot in found if slot != "v" or state[f"{i}.v"].shape == weights[i].shape]
    return found


def _array_of(name: str, state: State, place: int, slot: str) -> np.ndarray:
    """The array that Keras has in a place."""
    if name != "Adafactor" or slot in ("average", "accumulated"):
        return state[f"{place}.{slot}"]
    row, column = (state[f"{place}.{part}"] for part in ("row", "column"))
    if _is_vector(state, place):  # of a vector: its squares, behind two numbers that stand for nothing
        return column if slot == "moment" else np.zeros((), np.float32)
    if slot != "moment":
        return row if slot == "row" else column
    mean = row.mean(axis=-1, keepdims=True)  # which Keras keeps beside, and does not read
    share = np.divide(row, mean, out=np.zeros_like(row), where=mean != 0)
    return np.asarray(share[..., :, None] * column[..., None, :])


def _is_vector(state: State, place: int) -> bool:
    """Whether Adafactor keeps the squares of an array themselves, in its column."""
    return state[f"{place}.row"].ndim != state[f"{place}.column"].ndim


def _scale_sums(state: dict[str, np.ndarray], weights: Sequence[np.ndarray], by: float) -> None:
    """Scale sums of gradients: Keras divides gradients by the scale of the loss before it adds them, and we after."""
    for place in range(len(weights)):
        if f"{place}.accumulated" in state:
            state[f"{place}.accumulated"] = state[f"{place}.accumulated"] * np.float32(by)


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
    if name == "Muon":
        infinite = config["rms_rate"] == float("inf")
        config |= {"rms_rate": None if infinite else config["rms_rate"], "ns_steps": int(config["ns_steps"])}
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
    every, begun = optimizer.gradient_accumulation_steps or 1, int(state.get("accumulated", 0))
    found = [np.asarray(steps * every + begun, np.int32)]  # Keras counts batches
    if "learning_rate" not in optimizer._schedules:
        found.append(np.asarray(optimizer.learning_rate, np.float32))
    if "order" not in record:
        return found
    if record["groups"]:
        raise ValueError(f"the optimizer must have one group of weights to be written as Keras's. {advice}")
    slots = {key.partition(".")[2] for key in state if "." in key}
    kept = {slot for group in [*BEFORE, *SLOTS[name]] for slot in group}
    if slots - kept:
        raise ValueError(f"the optimizer's state {', '.join(sorted(slots - kept))} has no place in Keras's. {advice}")
    weights = list(model._executor.trained_weights().values())
    renamed = {
        f"{place}.{slot}": state[f"{number}.{slot}"] for number, place in enumerate(record["order"]) for slot in slots
    }
    _scale_sums(renamed, weights, 1 / (optimizer.loss_scale_factor or 1.0))
    found += [_array_of(name, renamed, place, slot) for place, slot in _places(name, renamed, weights)]
    return [*found, np.asarray(_product_of(optimizer, steps), np.float32)] if name == "Nadam" else found


def read_state(model: Savable, variables: Sequence[np.ndarray]) -> str | None:
    """Give the optimizer of a new model the state that Keras kept; or says why not."""
    optimizer: Any = model.optimizer
    name = type(optimizer).__name__
    if name not in SLOTS:
        return f"that of {name} is laid out otherwise"
    weights = list(model._executor.trained_weights().values())
    first = 1 if "learning_rate" in optimizer._schedules else 2
    every = optimizer.gradient_accumulation_steps or 1
    if len(variables) <= first:
        if variables:
            optimizer.iterations = int(variables[0]) // every
        return None
    optimizer_state.attach(
        optimizer, model, {"order": list(range(len(weights))), "group_of": [0] * len(weights), "groups": []}
    )
    state = optimizer.state_dict()
    places = _places(name, state, weights)
    given = list(variables[first : len(variables) - (name == "Nadam")])
    if [array.shape for array in given] != [_array_of(name, state, *place).shape for place in places]:
        optimizer._forget(0)
        return f"it has {len(given)} arrays, where a {name} of these settings has {len(places)}"
    for (place, kind), array in zip(places, given, strict=True):
        slot = kind
        if name == "Adafactor" and slot in SLOTS[name][0] and _is_vector(state, place):
            slot = "column" if slot == "moment" else ""
        if f"{place}.{slot}" in state:
            state[f"{place}.{slot}"] = np.asarray(array)
    _scale_sums(state, weights, optimizer.loss_scale_factor or 1.0)
    batches = int(variables[0])
    state["iterations"] = np.asarray(batches // every, np.int64)
    if every > 1:
        state["accumulated"] = np.asarray(batches % every, np.int64)
    # Keras keeps it in float32, here it is what the config says.
    if first == 2 and np.float32(optimizer.learning_rate) != variables[1]:
        state["learning_rate"] = np.asarray(float(variables[1]), np.float64)
    optimizer.load_state_dict(state)
    return None
