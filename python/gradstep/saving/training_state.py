"""All that the next step of training depends on, beside weights: the optimizer with its state, seeds and counters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_int, describe
from ..described import known_objects
from ..minimize.methods.base import Method
from ..minimize.methods.registry import deserialize, serialize
from . import optimizer_state

if TYPE_CHECKING:
    from .savable import Savable

__all__ = [
    "check_counters",
    "check_optimizer",
    "counters",
    "describe_optimizer",
    "fresh_optimizer",
    "load_optimizer",
    "move_model",
    "restore_counters",
    "revive_optimizer",
    "set_trainable",
    "trained_as",
]

# What names in a state begin with where a method of minimization trains: its own, and those of its optimizer.
METHOD, STAGE = "method.", "stage."


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
        "trainable": [layer.trainable for layer in model._leaves.values()],
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


def set_trainable(model: Savable, flags: Any) -> None:
    """Let layers be trainable as they were when a file was written, where no config says it."""
    leaves = list(model._leaves.values())
    if isinstance(flags, (list, tuple)) and len(flags) == len(leaves):
        for leaf, trainable in zip(leaves, flags, strict=True):
            leaf.trainable = bool(trainable)


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

    Of a method of minimization: its config and state, and those of the optimizer that it is at work with, if it is.

    Raises
    ------
    ValueError
        It steps other arrays too, which are not in the file.
    """
    optimizer, stage = model.optimizer, model._executor.stage
    if optimizer is None:
        return None, {}
    spread = model._executor.partial
    if spread is not None and spread.is_spread and not len(optimizer._core):
        raise RuntimeError(
            "the optimizer's state is spread over the processes while fit runs with shard_optimizer=True: save with "
            "callbacks.ModelCheckpoint or BackupAndRestore, after fit, or with include_optimizer=False."
        )
    if not isinstance(optimizer, Method):
        return optimizer_state.describe(model, optimizer)
    record: dict[str, Any] = {"optimizer": serialize(optimizer), "stage": None}
    state = {f"{METHOD}{name}": value for name, value in optimizer.state_dict().items()}
    if not isinstance(stage, Method) and stage is not None:
        record["stage"], inner = optimizer_state.describe(model, stage)
        state |= {f"{STAGE}{name}": value for name, value in inner.items()}
    return record, state


def revive_optimizer(record: Mapping[str, Any]) -> tuple[Any, Callable[[Savable, Any], None]]:
    """The optimizer of what `describe_optimizer` gave, and what gives it a model's weights and their state."""
    optimizer = deserialize(record["optimizer"], known_objects())
    if not isinstance(optimizer, Method):
        return optimizer, lambda model, state: optimizer_state.revive(model, optimizer, record, state)

    def attach(model: Savable, state: Mapping[str, np.ndarray]) -> None:
        optimizer.load_state_dict(_part(state, METHOD))
        if record["stage"] is not None:
            optimizer_state.revive(model, optimizer._stage(), record["stage"], _part(state, STAGE))

    return optimizer, attach


def fresh_optimizer(model: Savable) -> tuple[Any, Callable[[Savable], None]]:
    """The optimizer of a model as it was before its first step, and what tells it the weights of a model."""
    record, _ = describe_optimizer(model)
    assert record is not None
    optimizer, attach = revive_optimizer({name: record[name] for name in ("optimizer", "excluded")})
    return optimizer, lambda other: attach(other, {})


def _part(state: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}


def check_optimizer(model: Savable, record: Mapping[str, Any] | None, state: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError if the optimizer of a model cannot take up a state; it then is as it was."""
    optimizer = model.optimizer
    if optimizer is None or record is None:
        return
    was, now = record["optimizer"]["class_name"], type(optimizer).__name__
    if was != now:
        raise ValueError(f"the model's optimizer must be of the class that was saved, {was}; it is a {now}.")
    if not isinstance(optimizer, Method):
        optimizer_state.check(model, optimizer, record, state)
        return
    of_method = _part(state, METHOD)
    optimizer._check_state(of_method)
    count = sum(weight.size for weight in model._executor.trained_weights().values())
    for name, value in of_method.items():
        if name.rpartition(".")[2] == "g" and value.shape != (count,):
            raise ValueError(f"the state is of {len(value)} weights; the model trains {count}.")
    if record["stage"] is not None:
        stage = optimizer._stage(of_method)
        if record["stage"]["optimizer"]["class_name"] != type(stage).__name__:
            raise ValueError(f"the methods of the model's {now} must be those that were saved.")
        optimizer_state.check(model, stage, record["stage"], _part(state, STAGE))


def load_optimizer(model: Savable, record: Mapping[str, Any], state: Mapping[str, np.ndarray]) -> None:
    """Give the optimizer of a model a state that was checked."""
    optimizer = model.optimizer
    if isinstance(optimizer, Method):
        optimizer.load_state_dict(_part(state, METHOD))
        if record["stage"] is not None and "order" in record["stage"]:
            optimizer._stage().load_state_dict(_part(state, STAGE))
        model._executor.next_stage()
    elif optimizer is not None and "order" in record:
        optimizer.load_state_dict(state)


def move_model(
    model: Savable,
    keys: Sequence[int | None],
    record: Mapping[str, Any] | None,
    state: Mapping[str, np.ndarray],
) -> None:
    """Let layers draw from other keys, if they are others; the optimizer follows to the weights' new memory."""
    if list(keys) == counters(model)["layer_keys"]:
        return
    optimizer = model.optimizer
    stage = optimizer
    if isinstance(optimizer, Method):
        record = None if record is None else record["stage"]
        stage = None if record is None else optimizer._stage(_part(state, METHOD))
    excluded = [] if stage is None else optimizer_state.excluded_of(model, stage)
    model._rekey(keys)
    if stage is not None:
        optimizer_state.move(model, stage, excluded, record)
