"""Models from files and texts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import seeds
from ..checks import check_bool, describe
from ..described import custom_object_scope, equal, known_objects
from ..layers.core.input import InputLayer
from . import archive, json_text
from .assigned import assigned_parts, take_assigned
from .atomic import path_of
from .endings import check_loaded
from .file_formats import contents, parsed
from .made_by_call import custom_model, follows_from_call
from .model_file import load_callbacks, opened
from .savable import MODELS, Savable, Source
from .sharing import Reading
from .training_state import check_counters, restore_counters, revive_optimizer, set_trainable, trained_as
from .weights import assign_named, by_order, named_weights

if TYPE_CHECKING:
    from ..callbacks.base import Callback
    from ..layers.base.layer import Layer

__all__ = ["clone_model", "load_model", "model_from_json", "model_of", "model_of_file", "take_training"]


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    callbacks: Sequence[Callback] | None = None,
) -> Any:
    """Load a model from a file that ``model.save`` or Keras wrote.

    Parameters
    ----------
    filepath : str or path
        A file of `Sequential.save`, or one of Keras's ``.keras`` with a sequential or functional model of layers that
        this package has (extra ``hdf5``).
    custom_objects : dict of str to class or function, optional
        Your own that are in it, by name. No other code is ever looked for.
    compile : bool, default True
        Whether to take up what the model was trained by, the optimizer with its state. Of a Keras file that is the
        state of the optimizers that `Sequential.save` writes for Keras; of others a warning says that they begin anew.
    callbacks : list of Callback, optional
        Made like those that the model was saved with, to be given their state.

    Returns
    -------
    Sequential or Model
        Training goes on, ``fit(..., initial_epoch=k)``, as it would have in the process that saved it, bit for bit.

    Raises
    ------
    TypeError
        `filepath`, `custom_objects`, `compile` or `callbacks` are of a wrong type.
    ValueError
        The file is damaged, or has a class or setting that is not known; the message names the file.
    ImportError
        h5py is needed and not installed: ``pip install "gradstep[hdf5]"``.
    OSError
        There is no such file, it may not be read, or what it describes does not fit into memory.

    Notes
    -----
    Reading runs no code of the file, and takes memory by the size of the file and of the model it describes. Keras's
    `safe_mode` is not needed, and not there.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "m.gradstep")
    ...     gs.models.save_model(model, path)
    ...     again = gs.models.load_model(path)
    >>> bool((again.layers[0].kernel == model.layers[0].kernel).all())
    True
    """
    path = path_of(filepath)
    check_bool("compile", compile)
    data = contents(path)
    with custom_object_scope(custom_objects):
        kind = archive.kind_of(data)
        if kind == "gradstep":
            return model_of_file(data, path, compile, callbacks)
        if kind == "keras":
            from .hdf5 import read_model

            return read_model(data, path, compile)
    check_loaded(path)
    raise ValueError(f"{path} must be a file of a whole model; it seems to be one of weights: use load_weights().")


def model_of_file(data: bytes, path: str, compiled: bool, callbacks: Any) -> Savable:
    """The model of the bytes of a file of ours; path: what it is called in errors."""
    config, weights, state = opened(data, path)
    training = config["training"]
    with parsed(path):
        check_counters(training)
    by_layer: dict[str, list[np.ndarray]] = {}
    for name, array in weights.items():
        by_layer.setdefault(name.rpartition("/")[0], []).append(array)
    with parsed(path):
        if follows_from_call(config["model"]):
            with seeds.within(seeds.Sequence(0)):  # weights that are drawn, and taken from the file then
                model = model_of(config["model"])
            model._must_be_built()
            model._rekey(training["layer_keys"])
            weights = by_order(model, weights)
            assign_named(model, weights, path)
            set_trainable(model, training.get("trainable"))
        else:
            model = model_of(config["model"], training["layer_keys"], partial(_weights_of, by_layer, path))
        if list(named_weights(model)) != list(weights):
            raise ValueError(f"{path}: the weights must be those of the layers, in their order.")
        take_training(model, config, state, compiled)
    if callbacks is not None:
        load_callbacks(config["callbacks"], callbacks, path)
    return model


def take_training(model: Savable, config: Mapping[str, Any], state: Mapping[str, np.ndarray], compiled: bool) -> None:
    """Compile a model as a file says, with the state of its optimizer, and set its counters."""
    training = config["training"]
    if compiled and config["compile"] is not None:
        optimizer, attach = revive_optimizer(config["optimizer"])
        with trained_as(model, training.get("trained")):
            model.compile_from_config({**config["compile"], "optimizer": optimizer})
        attach(model, state)
    restore_counters(model, training)


def _weights_of(
    weights: Mapping[str, list[np.ndarray]], path: str, number: int, name: str, shapes: Sequence[tuple[int, ...]]
) -> list[np.ndarray]:
    """The weights of a layer, which must have these shapes."""
    found = weights.get(name, [])
    if [array.shape for array in found] != list(shapes):
        raise ValueError(
            f"{path}: layer {name!r} has weights of shapes {list(shapes)}; the file's have {[a.shape for a in found]}."
        )
    return found


def model_of(entry: Any, keys: Sequence[int | None] | None = None, weights: Source | None = None) -> Savable:
    """The model of a class and config.

    Parameters
    ----------
    entry : dict
        With the keys ``"class_name"`` and ``"config"``.
    keys : sequence of int, optional
        What its layers draw from, None for those that do not.
    weights : function, optional
        Gives the weights of a layer from its number, name and their shapes, or raises; nothing is drawn then, and
        nothing is allocated before.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("config"), Mapping):
        raise TypeError(f"a model must be a dict with class_name and config; got {describe(entry)}.")
    made = custom_model(entry)
    assigned = entry.get("assigned")
    if made is not None:
        known_before = take_assigned(made, assigned)
        made._built_as(entry.get("build_config"))
        if not known_before:  # layers that `build` or `call` made
            take_assigned(made, assigned)
        return made  # type: ignore[no-any-return]
    name = entry.get("class_name")
    known: dict[str, type[Savable]] = {
        **MODELS,
        **{key: found for key, found in known_objects().items() if _is_model(found)},
    }
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"a model must be one of {', '.join(known)}; got {name!r}.")
    if weights is None:
        model = known[name].from_config(entry["config"])
        take_assigned(model, assigned)
        return model
    return known[name]._made(entry["config"], Reading(weights), keys)


def _is_model(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, Savable)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Create a model from the JSON that ``model.to_json()`` returns, here or in Keras; new weights, not compiled.

    Parameters
    ----------
    json_string : str
        The text.
    custom_objects : dict of str to class or function, optional
        Your own that are in it, by name.

    Raises
    ------
    TypeError
        `json_string` is no str.
    ValueError
        It is no such text, or has a class or setting that is not known.
    OSError
        The model does not fit into memory.

    Examples
    --------
    >>> import gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    >>> gs.models.model_from_json(model.to_json()).count_params()
    3
    """
    if not isinstance(json_string, str):
        raise TypeError(f"json_string must be a str; got {describe(json_string)}.")
    with custom_object_scope(custom_objects), parsed("json_string"):
        return model_of(json_text.loads(json_string, "json_string"))


def clone_model(model: Any, clone_function: Callable[[Layer], Layer] | None = None) -> Any:
    """Clone a model: the same layers with newly drawn weights; not compiled.

    Parameters
    ----------
    model : Sequential
        What to clone.
    clone_function : function of a layer, optional
        Gives the layer that takes the place of one; by default an equal one.

    Raises
    ------
    TypeError
        `model` is no model, or `clone_function` gives no layer.

    Examples
    --------
    >>> import gradstep as gs
    >>> model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(2, name="out")])
    >>> gs.models.clone_model(model).layers
    [<Dense out (None, 3) -> (None, 2)>]
    """
    if not isinstance(model, Savable):
        raise TypeError(f"model must be a Sequential; got {describe(model)}.")
    if clone_function is not None and not callable(clone_function):
        raise TypeError(f"clone_function must be a function of a layer; got {describe(clone_function)}.")
    made: dict[int, Any] = {}  # by identity: what is in several places stays one

    def copied(layer: Any) -> Any:
        if id(layer) not in made:
            if clone_function is not None and not isinstance(layer, InputLayer):
                made[id(layer)] = clone_function(layer)
            elif isinstance(layer, Savable) or layer._holds_model or layer._is_made_by_call:
                made[id(layer)] = layer._cloned(copied)
            else:
                made[id(layer)] = equal(layer)
        return made[id(layer)]

    if clone_function is not None and model._is_made_by_call:
        raise ValueError(f"clone_function must be None for model {model.name!r}, which makes its layers itself.")
    clone = model._cloned(copied)
    if clone_function is None:
        take_assigned(clone, assigned_parts(model))
    return clone
