"""A model and callbacks of the tables of a run file."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import callbacks, layers, losses, optimizers
from ..hints import closest
from ..models import Sequential
from .preparation import Preparation
from .section import Section

__all__ = ["callbacks_of", "compile_model", "loss_of", "model_of", "target_kind"]

# Which callbacks a file may ask for, and which of their arguments are paths in the output folder.
CALLBACKS = {
    "CSVLogger": "filename",
    "Diagnose": None,
    "EarlyStopping": None,
    "ModelCheckpoint": "filepath",
    "ReduceLROnPlateau": None,
    "TensorBoard": "log_dir",
    "TerminateOnNaN": None,
}


def _plain(value: Any) -> Any:
    """A value of TOML as arguments take it: a table with a name is an object of that class."""
    if isinstance(value, Mapping):
        inner = {key: _plain(each) for key, each in value.items()}
        if "name" in inner:
            return {"class_name": inner.pop("name"), "config": inner}
        return inner
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _made(section: Section, cls: Any, name: str, given: dict[str, Any]) -> Any:
    """An object of arguments; an error names the line of the argument that it speaks of."""
    try:
        return cls(**{key: _plain(value) for key, value in given.items()})
    except (TypeError, ValueError, KeyError) as error:
        message = str(error)
        key = next((key for key in given if key in message), None)
        section.error(key, f"of {name}: {message}")


def model_of(section: Section, shape: tuple[int, ...], preparation: Preparation | None) -> Sequential:
    """The layers under ``[[model.layers]]``, in a row, behind the scaling of the columns."""
    given = section.tables("layers")
    if not given:
        section.error("layers", "must be one layer or more.")
    section.done()
    stack: list[Any] = [layers.Input(shape)]
    if preparation is not None and preparation.features:
        scaling = _scaling(preparation)
        stack += [scaling] if scaling is not None else []
    known = {name for name in layers.__all__ if _is_layer(getattr(layers, name))}
    model = Sequential(stack, name="model")
    for one in given:
        kind = one.text("type", 'the name of a layer, as "Dense"')
        if kind not in known:
            one.error("type", f"must be the name of a layer; got {kind!r}.{closest(kind, known)}")
        arguments = {key: value for key, value in one.values.items() if key != "type"}
        layer = _made(one, getattr(layers, kind), kind, arguments)
        try:
            model.add(layer)
        except (TypeError, ValueError) as error:
            one.error(None, f"({kind}): {error}")
    return model


def _is_layer(member: Any) -> bool:
    return inspect.isclass(member) and issubclass(member, layers.Layer) and member is not layers.Layer


def _scaling(preparation: Preparation) -> Any:
    """A layer that scales the numbers and leaves columns of 0 and 1; None where nothing is to be scaled."""
    shift = np.concatenate([np.full(feature.width, feature.shift) for feature in preparation.features])
    scale = np.concatenate([np.full(feature.width, feature.scale) for feature in preparation.features])
    if not shift.any() and (scale == 1).all():
        return None
    return layers.Normalization(axis=-1, mean=shift, variance=scale**2, name="scaling")


def loss_of(section: Section) -> losses.Loss:
    """The loss under ``[compile]``."""
    given = section.any("loss", (str, dict), 'the name of a loss, as "mse", or a table with name and arguments')
    try:
        return losses.get(_plain(given))
    except (TypeError, ValueError) as error:
        section.error("loss", f"is not usable: {error}")


def target_kind(loss: losses.Loss) -> str:
    """What targets a loss takes, of `preparation.KINDS`."""
    name = type(loss).__name__
    if name.startswith("Binary"):
        return "two classes"
    if name.startswith("SparseCategorical"):
        return "classes"
    return "one-hot classes" if name.startswith("Categorical") else "number"


def compile_model(section: Section, model: Sequential, loss: losses.Loss) -> None:
    """Compile by ``[compile]``."""
    given = section.any(
        "optimizer", (str, dict), "the name of an optimizer, or a table with name and arguments", "adam"
    )
    metrics = section.any("metrics", (list,), "a list of names of metrics", [])
    section.done()
    if isinstance(given, dict) and "name" not in given:
        section.error("optimizer", 'must have a name, as { name = "Adam", learning_rate = 0.001 }.')
    try:
        optimizer = optimizers.get(_plain(given))
    except (TypeError, ValueError) as error:
        section.error("optimizer", f"is not usable: {error}")
    try:
        model.compile(optimizer, loss, metrics=[_plain(metric) for metric in metrics])
    except (TypeError, ValueError) as error:
        section.error("metrics" if metrics else None, f"is not usable: {error}")


def callbacks_of(sections: list[Section], folder: str) -> list[callbacks.Callback]:
    """The callbacks under ``[[callbacks]]``; their files lie in the output folder."""
    made: list[callbacks.Callback] = []
    for one in sections:
        kind = one.text("type", f"one of {', '.join(CALLBACKS)}")
        if kind not in CALLBACKS:
            one.error("type", f"must be one of {', '.join(CALLBACKS)}; got {kind!r}.{closest(kind, CALLBACKS)}")
        arguments = {key: value for key, value in one.values.items() if key != "type"}
        place = CALLBACKS[kind]
        if place is not None:
            name = arguments.get(place, "logs" if kind == "TensorBoard" else None)
            if not isinstance(name, str):
                one.error(
                    place if place in arguments else None, f"of {kind} needs {place}, a path in the output folder."
                )
            arguments[place] = os.path.join(folder, name)
        made.append(_made(one, getattr(callbacks, kind), kind, arguments))
    return made
