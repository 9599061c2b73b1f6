"""Pickles and copies of models: the bytes of their files, and what is of the program itself by reference."""

from __future__ import annotations

import copyreg
import io
from collections.abc import Mapping
from functools import cache
from typing import Any

from ..described import custom_object_scope
from ..references import by_reference
from . import archive
from .loading import model_of_file, take_training
from .model_file import members_of, opened
from .savable import MODELS, Savable, package_class

__all__ = ["reduced", "restore"]

# Of the attributes that models have by themselves, those that their files do not hold.
CARRIED = ("history", "seed", "_draws", "stop_training", "stop_evaluating", "stop_predicting")


def reduced(model: Savable) -> tuple[Any, ...]:
    """A model as pickle and copy have it: an empty object of its class, and its state.

    The state is a file of the model, whether it is built and compiled or not; layers, losses, metrics and functions of
    the program's own that the file names; and the attributes that the program added to the model.

    Raises
    ------
    TypeError, ValueError
        As `Savable.save` does.
    """
    cls = type(model)
    with by_reference() as references:
        members = members_of(model, True, None, {})
    file = io.BytesIO()
    archive.write(file, members)
    own = {name: value for name, value in vars(model).items() if name in CARRIED or name not in _names(model)}
    state: dict[str, Any] = {"file": file.getvalue(), "references": references, "attributes": own}
    if model._is_made_by_call:
        built: Any = model._build_config()  # type: ignore[attr-defined]
        state |= {"made_by_call": True, "built": built, "name": model.name}
    return copyreg.__newobj__, (cls,), state  # type: ignore[attr-defined]


def restore(model: Savable, state: Mapping[str, Any]) -> None:
    """Give an empty object the state that `reduced` gave."""
    if state.get("made_by_call"):
        _restore_made_by_call(model, state)
        return
    with custom_object_scope(state["references"]):
        made = model_of_file(state["file"], f"the pickle of a {type(model).__name__}", True, None)
    vars(model).update(vars(made))
    model._adopt()
    vars(model).update(state["attributes"])


def _restore_made_by_call(model: Any, state: Mapping[str, Any]) -> None:
    """The same of a subclass with a method `call`: its layers are attributes, with their weights."""
    model._begin_anew(state["name"], state["attributes"])
    model._built_as(state["built"])
    where = f"the pickle of a {type(model).__name__}"
    config, _, arrays = opened(state["file"], where)
    with custom_object_scope(state["references"]):
        take_training(model, config, arrays, True)
    vars(model).update({name: value for name, value in state["attributes"].items() if name in CARRIED})


def _names(model: Savable) -> frozenset[str]:
    """The attributes that a model has by itself, whatever the program adds."""
    return _names_of_class(package_class(model).__name__)


@cache
def _names_of_class(name: str) -> frozenset[str]:
    return frozenset(vars(MODELS[name]._smallest()))
