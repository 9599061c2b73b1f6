"""Whole models in one file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _core
from ..checks import check_bool, describe
from . import archive, json_text, safetensors
from .atomic import check_target, path_of, replacing, wanted
from .endings import check_whole
from .keras_file import ENDING, keras_members
from .savable import described_model
from .training_state import counters, describe_optimizer
from .weights import named_weights

if TYPE_CHECKING:
    from ..callbacks.base import Callback
    from .savable import Savable

__all__ = ["Contents", "check_saving", "load_callbacks", "members_of", "opened", "save_model", "write_model"]

VERSION = 1
MEMBERS = ("config.json", "weights.safetensors", "optimizer.safetensors")
KEYS = {"format", "version", "gradstep", "model", "compile", "optimizer", "training", "callbacks", "notes"}


class Contents(NamedTuple):
    """Contents of a file."""

    config: dict[str, Any]
    weights: dict[str, np.ndarray]
    optimizer: dict[str, np.ndarray]


def save_model(
    model: Savable,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    include_optimizer: bool = True,
    callbacks: Sequence[Callback] | None = None,
) -> None:
    """Save a whole model to a file; ``model.save(filepath)`` calls this.

    Parameters
    ----------
    model : Sequential
        Built.
    filepath, overwrite, include_optimizer, callbacks
        As in `Sequential.save`.

    Raises
    ------
    TypeError, ValueError, OSError
        As `Sequential.save` does.

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
    path = _model_path(filepath)
    check_bool("include_optimizer", include_optimizer)
    if path.endswith(ENDING) and callbacks is not None:
        raise ValueError(f"callbacks must be None for Keras's format, which has no place for them; got {path!r}.")
    if not wanted(path, overwrite):
        return
    if path.endswith(ENDING):
        model._must_be_built()
        members = keras_members(model, include_optimizer)
        with replacing(path) as file:
            archive.write(file, members, is_ours=False)
    else:
        write_model(model, path, include_optimizer, callbacks, {})


def _model_path(filepath: Any) -> str:
    """Where a whole model can be written, as far as the name says it."""
    path = path_of(filepath)
    check_whole(path)
    return path


def check_saving(model: Savable, filepath: Any, is_final: bool) -> None:
    """Refuse what `save_model` would refuse; nothing is written. is_final: it will be this file, and not one like it.

    Raises
    ------
    TypeError, ValueError, OSError
        As `Sequential.save` does.
    """
    path = _model_path(filepath)
    if is_final:
        check_target(path)
    model._must_be_built()
    if path.endswith(ENDING):
        keras_members(model, True)
    else:
        members_of(model, True, None, {})


def write_model(
    model: Savable, path: str, training: bool, callbacks: Sequence[Callback] | None, notes: Mapping[str, Any]
) -> None:
    """Write a file of a model; everything is serialized before the first byte is written."""
    model._must_be_built()
    members = members_of(model, training, callbacks, notes)
    with replacing(path) as file:
        archive.write(file, members)


def members_of(
    model: Savable, training: bool, callbacks: Sequence[Callback] | None, notes: Mapping[str, Any]
) -> dict[str, archive.Pieces]:
    """The members of the archive of a model; of one that is not built, without weights."""
    training = training and model.optimizer is not None
    optimizer, state = describe_optimizer(model) if training else (None, {})
    compiled = model.get_compile_config() if training else None
    config = {
        "format": "gradstep",
        "version": VERSION,
        "gradstep": _core.__version__,
        "model": described_model(model),
        "compile": compiled,
        "optimizer": optimizer,
        "training": counters(model),
        "callbacks": [
            {"class_name": type(callback).__name__, "state": _state_of(callback)} for callback in _as_list(callbacks)
        ],
        "notes": dict(notes),
    }
    return {
        "config.json": [json_text.dumps(config).encode()],
        "weights.safetensors": safetensors.encode(named_weights(model), checked=False),
        "optimizer.safetensors": safetensors.encode(state, checked=False),
    }


def opened(data: bytes, path: str) -> Contents:
    """Read a file and check it as far as possible without a model.

    Raises
    ------
    ValueError
        It is no such file, is damaged, or is of a later version.
    """
    members = archive.read(data, path)
    config_json, weights, optimizer = (archive.member(members, name, path) for name in MEMBERS)
    config = json_text.loads(bytes(config_json), f"config.json of {path}")
    if not isinstance(config, dict) or config.get("format") != "gradstep":
        raise ValueError(f"{path}: config.json must say what the model is.")
    if config.get("version") != VERSION:
        raise ValueError(
            f"{path} has version {config.get('version')!r} of the format; this gradstep reads version {VERSION}."
        )
    if set(config) != KEYS:
        raise ValueError(f"{path}: config.json must have the keys {', '.join(sorted(KEYS))}.")
    return Contents(
        config,
        safetensors.decode(weights, f"weights.safetensors of {path}"),
        safetensors.decode(optimizer, f"optimizer.safetensors of {path}"),
    )


def _as_list(callbacks: Any) -> list[Any]:
    given = [] if callbacks is None else callbacks
    if not isinstance(given, (list, tuple)):
        raise TypeError(f"callbacks must be a list of Callback objects; got {describe(given)}.")
    return list(given)


def _state_of(callback: Any) -> dict[str, Any]:
    """The state of a callback; those that keep none have no `state_dict`."""
    state: dict[str, Any] = callback.state_dict() if hasattr(callback, "state_dict") else {}
    return state


def load_callbacks(saved: Sequence[Mapping[str, Any]], callbacks: Any, path: str) -> None:
    """Give callbacks the state that those of the same places had.

    Raises
    ------
    ValueError
        They are others than those whose state is in the file.
    """
    members = _as_list(callbacks)
    was, now = [entry["class_name"] for entry in saved], [type(member).__name__ for member in members]
    if was != now:
        raise ValueError(
            f"callbacks must be those that {path} was saved with, [{', '.join(was)}]; got [{', '.join(now)}]."
        )
    for entry, member in zip(saved, members, strict=True):
        if entry["state"]:
            member.load_state_dict(entry["state"])
