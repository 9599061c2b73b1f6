"""Keras's files (extra `hdf5`): weights written and read, models read. h5py is imported by the functions only.

Nothing but numbers is read of them: no link out of the file, no external or virtual data set.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..hints import warn
from ..layers.preprocessing.normalization import Normalization
from . import archive, json_text
from .datasets import check_dataset, mark, numbers_of, write_dataset
from .file_formats import parsed
from .keras_optimizers import read_state
from .keras_places import described_places, places
from .made_by_call import follows_from_call

if TYPE_CHECKING:
    from ..layers.base.layer import Layer
    from .savable import Savable

__all__ = ["read_model", "read_weights", "write_weights"]


def h5py_module() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ImportError('files of HDF5 need h5py: pip install "gradstep[hdf5]"') from error
    return h5py


def _parts(groups: Sequence[str], values: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """The groups in which the weights of a layer are, and which are in each."""
    each = len(values) // len(groups)
    yield from ((group, values[i * each : (i + 1) * each]) for i, group in enumerate(groups))


def _kept(layer: Layer) -> list[Any]:
    """The arrays that Keras stores of a layer: weights; of Normalization a count too, and scalars for axis=None."""
    if not isinstance(layer, Normalization) or not layer.weights:
        return list(layer.weights)
    return [*(weight[0] if layer.axis is None else weight for weight in layer.weights), np.int32(0)]


def write_weights(model: Savable, variables: Sequence[np.ndarray] | None = None) -> bytes:
    """The bytes of a ``.weights.h5`` file, as Keras lays it out; variables: the optimizer's, if they go in too."""
    h5py = h5py_module()
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        mark(file)
        file.create_group("vars").attrs["name"] = model.name
        for groups, layer in places(model).values():
            for part, weights in _parts(groups, _kept(layer)):
                members = file.create_group(f"{part}/vars")
                members.attrs["name"] = layer.name
                for i, weight in enumerate(weights):
                    write_dataset(members, str(i), weight)
        if variables is not None:
            members = file.create_group("optimizer/vars")
            members.attrs["name"] = model.optimizer.name
            for i, variable in enumerate(variables):
                write_dataset(members, str(i), variable)
    return buffer.getvalue()


def read_weights(model: Savable, data: bytes, path: str) -> dict[int, list[np.ndarray]]:
    """The weights of each layer, by its number, from the bytes of a ``.weights.h5`` file.

    Of a layer whose weights have other shapes than the model's, only the shapes are right.
    """
    with _opened(data, path) as file:
        known = places(model)
        return {
            number: _numbers(file, known[id(layer)][0], [weight.shape for weight in layer.weights], path)
            for number, layer in enumerate(model._leaves.values())
            if layer.weights
        }


def read_model(data: bytes, path: str, compiled: bool) -> Savable:
    """The model of a ``.keras`` file."""
    from .loading import model_of
    from .weights import assign_layers

    members = archive.members(data, path)
    described, stored = (archive.member(members, name, path) for name in ("config.json", "model.weights.h5"))
    entry = json_text.loads(bytes(described), f"config.json of {path}")
    if not isinstance(entry, dict):
        raise ValueError(f"{path}: config.json must say what the model is.")
    if follows_from_call(entry):
        with parsed(path):
            model = model_of(entry)
            assign_layers(model, read_weights(model, bytes(stored), path), path)
        with _opened(bytes(stored), path) as file:
            return _trained_as(model, entry, _variables(file, path) if compiled else None, path)
    with _opened(bytes(stored), path) as file:
        groups = described_places(entry.get("config"))

        def weights(number: int, name: str, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
            arrays = _numbers(file, groups[number], shapes, path)
            if [array.shape for array in arrays] != list(shapes):
                raise ValueError(
                    f"{path}: layer {name!r} has weights of shapes {list(shapes)}; "
                    f"the file's have {[array.shape for array in arrays]}."
                )
            return arrays

        model = model_of(entry, None, weights)
        variables = _variables(file, path) if compiled else None
    return _trained_as(model, entry, variables, path)


def _trained_as(model: Savable, entry: Mapping[str, Any], variables: list[np.ndarray] | None, path: str) -> Savable:
    """The model with what it was trained by, as the file says; variables: the optimizer's; None: without all that."""
    settings = entry.get("compile_config")
    if variables is not None and isinstance(settings, Mapping) and settings.get("optimizer") is not None:
        try:
            with parsed(path):
                model.compile_from_config(settings)
                lost = read_state(model, variables)
        except ValueError as error:
            raise ValueError(f"{error} compile=False reads the model alone.") from error
        if lost is not None:
            warn(f"{path}: the state of the optimizer is not read, and training begins it anew: {lost}.")
    return model


def _variables(file: Any, path: str) -> list[np.ndarray]:
    """The variables of the optimizer, in order."""
    members = _member(file, "optimizer/vars", path)
    if not isinstance(members, (h5py_module().Group, type(None))):
        raise ValueError(f"{path}: optimizer/vars must be a group.")
    found = [_member(members, str(i), path) for i in range(0 if members is None else len(members))]
    for dataset in found:
        check_dataset(dataset, f"{path}: optimizer")
    return [numbers_of(dataset, f"{path}: optimizer") for dataset in found]


@contextmanager
def _opened(data: bytes, path: str) -> Iterator[Any]:
    """A file of HDF5, in a ``with`` statement in which what its library finds wrong is the file's."""
    h5py = h5py_module()
    with parsed(path, OSError, RuntimeError):
        try:
            file = h5py.File(io.BytesIO(data), "r")
        except OSError as error:
            raise ValueError(f"{path} must be a file of HDF5: {error}") from None
        with file:
            yield file


def _numbers(file: Any, groups: Sequence[str], shapes: Sequence[tuple[int, ...]], path: str) -> list[np.ndarray]:
    """The data sets of a layer's groups, read if they have these shapes; else stand-ins of their own shapes."""
    return [array for part, some in _parts(groups, shapes) for array in _numbers_in(file, part, some, path)]


def _numbers_in(file: Any, group: str, shapes: Sequence[tuple[int, ...]], path: str) -> list[np.ndarray]:
    """The arrays of one group."""
    members = _member(file, f"{group}/vars", path)
    if not isinstance(members, (h5py_module().Group, type(None))):
        raise ValueError(f"{path}: {group}/vars must be a group.")
    count, where = 0 if members is None else len(members), f"{path}: {group}"
    if count > len(shapes) + 1:
        raise ValueError(f"{where} holds {count} arrays; the layer has {len(shapes)} weights.")
    found = [_member(members, str(i), path) for i in range(count)]
    for dataset in found:
        check_dataset(dataset, where)
    if len(found) == len(shapes) + 1 == 3 and found[2].shape == () and found[2].dtype.kind in "iu":  # see _kept
        del found[2]
        if shapes[0] and {dataset.shape for dataset in found} == {()}:
            scalars = [numbers_of(dataset, where) for dataset in found]
            return [np.full(shape, scalar) for shape, scalar in zip(shapes, scalars, strict=True)]
    if [dataset.shape for dataset in found] != list(shapes):
        return [np.broadcast_to(np.float32(0), dataset.shape) for dataset in found]
    return [numbers_of(dataset, where) for dataset in found]


def _member(parent: Any, name: str, path: str) -> Any:
    """The member of a group at a path; None if there is none."""
    h5py = h5py_module()
    for part in name.split("/"):
        if not isinstance(parent, h5py.Group):
            raise ValueError(f"{path}: a group must be where {parent.name} is.")
        link = parent.get(part, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{path}: {part!r} in {parent.name} must be in the file itself; it is a link.")
        parent = parent[part]
    return parent
