"""Weights alone, in files of the safetensors format; and those of Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_bool, describe
from ..hints import warn
from ..layers.base.weights import assign
from . import archive, safetensors
from .atomic import check_target, path_of, replacing, wanted
from .endings import HDF5, check_loaded, check_weights
from .file_formats import contents, parsed

if TYPE_CHECKING:
    from .savable import Savable

__all__ = ["KeyMap", "assign_named", "by_order", "load_weights", "named_weights", "save_weights"]

# For each name in a file that of a weight, with a function of the array; or None.
KeyMap = Mapping[str, "str | tuple[str, Callable[[Any], Any]] | None"]


def named_weights(model: Savable) -> dict[str, np.ndarray]:
    """The weights of a model by their names, ``dense/kernel``, in order."""
    return dict(zip(model.weight_names, model.weights, strict=True))


def save_weights(model: Savable, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Save the weights of a model; ``model.save_weights(filepath)`` calls this.

    Parameters
    ----------
    model : Sequential
        Built.
    filepath, overwrite
        As in `Sequential.save_weights`.

    Raises
    ------
    TypeError, ValueError, OSError
        As `Sequential.save_weights` does.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "m.safetensors")
    ...     gs.saving.save_weights(model, path)
    ...     gs.saving.load_weights(model, path)
    """
    path = path_of(filepath)
    check_weights(path)
    model._must_be_built()
    if not wanted(path, overwrite):
        return
    if path.endswith(HDF5):
        from .hdf5 import write_weights

        pieces: Any = [write_weights(model)]
    else:
        pieces = safetensors.encode(named_weights(model))
    with replacing(path) as file:
        for piece in pieces:
            file.write(piece)


def check_saving(model: Savable, filepath: Any, is_final: bool) -> None:
    """Refuse what `save_weights` would refuse; nothing is written. is_final: it will be this file, and not one like it.

    Raises
    ------
    ImportError, TypeError, ValueError, OSError
        As `Sequential.save_weights` does.
    """
    path = path_of(filepath)
    check_weights(path)
    if is_final:
        check_target(path)
    model._must_be_built()
    if path.endswith(HDF5):
        from .hdf5 import h5py_module

        h5py_module()


def load_weights(
    model: Savable, filepath: str | os.PathLike[str], skip_mismatch: bool = False, key_map: KeyMap | None = None
) -> None:
    """Load the weights of a model; ``model.load_weights(filepath)`` calls this.

    Parameters
    ----------
    model : Sequential
        Built.
    filepath, skip_mismatch, key_map
        As in `Sequential.load_weights`.

    Raises
    ------
    TypeError, ValueError, OSError
        As `Sequential.load_weights` does.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "m.safetensors")
    ...     gs.saving.save_weights(model, path)
    ...     gs.saving.load_weights(model, path)
    """
    path = path_of(filepath)
    check_bool("skip_mismatch", skip_mismatch)
    model._must_be_built()
    data = contents(path)
    kind = archive.kind_of(data)
    if key_map is not None and kind != "safetensors":
        raise ValueError(f"key_map is for files of safetensors that others wrote; {path} is none.")
    if kind == "hdf5" or kind == "keras":
        from .hdf5 import read_weights

        if kind == "keras":
            data = bytes(archive.member(archive.members(data, path), "model.weights.h5", path))
        assign_layers(model, read_weights(model, data, path), path, skip_mismatch)
        return
    ours = kind == "gradstep"
    if ours:
        tensors = safetensors.decode(archive.member(archive.read(data, path), "weights.safetensors", path), path)
    else:
        check_loaded(path)
        tensors = safetensors.decode(data, path)
        ours = safetensors.metadata_of(data, path).get("format") == safetensors.OURS
    if key_map is not None:
        tensors = _renamed(tensors, key_map, path)
    elif ours and set(tensors) != set(named_weights(model)):
        tensors = by_order(model, tensors)
    with parsed(path):
        assign_named(model, tensors, path, skip_mismatch)


def _renamed(tensors: Mapping[str, np.ndarray], key_map: Any, path: str) -> dict[str, np.ndarray]:
    """The arrays of a file under the names that they are to have."""
    if not isinstance(key_map, Mapping):
        raise TypeError(f"key_map must be a dict from names in the file to names of weights; got {describe(key_map)}.")
    unknown = [name for name in key_map if name not in tensors]
    if unknown:
        raise ValueError(f"{path} has no array {unknown[0]!r}, which is in key_map; it has {', '.join(tensors)}.")
    found: dict[str, np.ndarray] = {}
    for name, array in tensors.items():
        if name not in key_map:
            raise ValueError(
                f"key_map must have every array of {path}, with None for those to leave out; {name!r} is not."
            )
        to = key_map[name]
        if to is None:
            continue
        target, change = to if isinstance(to, tuple) and len(to) == 2 else (to, None)
        if not isinstance(target, str) or not (change is None or callable(change)):
            raise TypeError(f"key_map[{name!r}] must be a name, None, or a name and a function; got {describe(to)}.")
        if target in found:
            raise ValueError(f"key_map must have different names; {target!r} is there twice.")
        found[target] = array if change is None else np.asarray(change(array))
    return found


def by_order(model: Savable, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights under the model's names, if only the numbers in layers' names differ."""
    names = list(named_weights(model))
    last = [[name.rpartition("/")[2] for name in each] for each in (names, tensors)]
    return dict(zip(names, tensors.values(), strict=True)) if last[0] == last[1] else tensors


def assign_named(model: Savable, tensors: Mapping[str, Any], path: str, skip_mismatch: bool = False) -> None:
    """Give the weights the values of these names, all or none."""
    weights = named_weights(model)
    extra = [name for name in tensors if name not in weights]
    if extra and not skip_mismatch:
        raise ValueError(
            f"{path} has a weight {extra[0]!r}, which the model does not have; it has {', '.join(weights)}."
        )
    by_layer: dict[int, list[Any]] = {}
    for number, (place, layer) in enumerate(model._leaves.items()):
        names = [f"{place}/{name}" for name in layer.weight_names]
        missing = [name for name in names if name not in tensors]
        if missing and not skip_mismatch:
            raise ValueError(f"{path} has no weight {missing[0]!r}; it has {', '.join(tensors) or 'none'}.")
        if names and not missing:
            by_layer[number] = [tensors[name] for name in names]
    assign_layers(model, by_layer, path, skip_mismatch)


def assign_layers(model: Savable, values: Mapping[int, list[Any]], path: str, skip_mismatch: bool = False) -> None:
    """Give layers, by their number among all, new weights, all or none; with `skip_mismatch` those that fit."""
    targets: list[np.ndarray] = []
    chosen: list[Any] = []
    for number, layer in enumerate(model._leaves.values()):
        shapes, found = [w.shape for w in layer.weights], [np.shape(w) for w in values.get(number, [])]
        if found != shapes:
            message = f"{path}: layer {layer.name!r} has weights of shapes {shapes}; the file's have {found}."
            if not skip_mismatch:
                raise ValueError(message)
            warn(f"{message} They are left as they are.")
            continue
        targets += layer.weights
        chosen += values.get(number, [])
    assign(targets, chosen)
