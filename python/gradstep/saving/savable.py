"""Files, configs and clones of models."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import losses, metrics
from ..checks import describe
from ..described import MODELS, known_objects, registered_name, revive, serialize
from ..minimize.methods import registry as methods
from ..references import reference_to, references_are_written
from .assigned import assigned_parts
from .sharing import Reading, Writing

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Guard
    from ..callbacks.base import Callback
    from ..layers.base.layer import Layer
    from ..trainers.executor import Executor
    from ..trainers.trainer import Trainer
    from .checkpoint import Checkpoint
    from .weights import KeyMap

__all__ = ["MODELS", "Savable", "Source", "described_model", "package_class"]

# What Keras's compile configs say of its own way to run.
UNUSED = ("run_eagerly", "jit_compile", "auto_scale_loss")
# Weights of a layer from its number, name and their shapes.
Source = Callable[[int, str, Sequence[tuple[int, ...]]], "list[np.ndarray]"]


class Savable:
    """Mixin of models for files, configs and clones. A subclass adds ``get_config`` and ``from_config``."""

    name: str
    _compiled: dict[str, Any]
    _trains: list[bool]

    if TYPE_CHECKING:
        _executor: Executor
        _trainer: Trainer

        @property
        def optimizer(self) -> Any: ...
        @property
        def _guard(self) -> Guard: ...
        @property
        def layers(self) -> list[Layer]: ...
        @property
        def weights(self) -> list[np.ndarray]: ...
        @property
        def weight_names(self) -> list[str]: ...
        @property
        def _leaves(self) -> dict[str, Layer]: ...
        @property
        def built(self) -> bool: ...
        @property
        def _is_made_by_call(self) -> bool: ...
        def _adopt(self) -> None: ...
        def _must_be_built(self) -> None: ...
        def compile(self, *args: Any, **kwargs: Any) -> None: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.partition(".")[0] == __name__.partition(".")[0] and "_made" in vars(cls):
            MODELS[cls.__name__] = cls

    # -- configs -----------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Config of the model, for `from_config`: numbers, strings, lists and dicts."""
        return self._config(Writing())

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Savable:
        """Create a model from its config."""
        raise NotImplementedError(f"{cls.__name__} must define from_config(config) to be read.")

    def to_json(self) -> str:
        """Layers and settings as a JSON string, for `models.model_from_json`; without weights and training.

        Raises
        ------
        TypeError
            A setting cannot be written, such as a lambda.

        Examples
        --------
        >>> import gradstep as gs
        >>> model = gs.Sequential([gs.Input((4,)), gs.layers.Dense(2, "relu", name="hidden")])
        >>> gs.models.model_from_json(model.to_json()).layers
        [<Dense hidden (None, 4) -> (None, 2)>]
        """
        from .json_text import dumps

        return dumps(described_model(self))

    def get_compile_config(self) -> dict[str, Any]:
        """Settings of `compile`: optimizer, loss and metrics, as `compile_from_config` takes them.

        Raises
        ------
        ValueError
            The model was not compiled.
        """
        if self.optimizer is None:
            raise ValueError(f"model {self.name!r} must be compiled to have a compile config.")
        given = {name: serialize(value, name) for name, value in self._compiled.items()}
        return {"optimizer": methods.serialize(self.optimizer), **given}

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compile with the settings that `get_compile_config` returns; the optimizer has no state.

        Raises
        ------
        TypeError, ValueError
            As `compile` does; nothing is changed then.
        """
        if not isinstance(config, Mapping):
            raise TypeError(f"config must be a dict, as get_compile_config() gives; got {describe(config)}.")
        arguments = {name: value for name, value in config.items() if value is not None and name not in UNUSED}
        if isinstance(arguments.get("optimizer"), Mapping):
            arguments["optimizer"] = methods.deserialize(arguments["optimizer"], known_objects())
        made: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "loss": losses.deserialize,
            "metrics": lambda config: revive(config, metrics.registry.table(), "metrics"),
            "weighted_metrics": lambda config: revive(config, metrics.registry.table(), "weighted_metrics"),
        }
        for name, revived in made.items():
            if name in arguments:
                arguments[name] = _objects(arguments[name], revived)
        self.compile(**arguments)

    # -- made by the functions of this package -------------------------------------------------------------------------

    def _entry(self) -> dict[str, Any]:
        """Class and config, where it is an argument of another object."""
        return described_model(self)

    def _config(self, writing: Writing) -> dict[str, Any]:
        """The model's part of a config in which layers may be shared."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config() to be written.")

    @classmethod
    def _made(cls, config: Mapping[str, Any], reading: Reading, keys: Sequence[int | None] | None = None) -> Self:
        """Create a model from its part of a config, with random keys for its layers."""
        raise NotImplementedError(f"{cls.__name__} must define from_config(config) to be read.")

    @classmethod
    def _smallest(cls) -> Savable:
        """A model of this class that draws no weights and counts no names."""
        raise NotImplementedError(f"{cls.__name__} must define its smallest model.")

    def _cloned(self, copied: Callable[[Layer], Layer]) -> Savable:
        """An equal model of copied layers."""
        raise NotImplementedError(f"{type(self).__name__} must define how it is cloned.")

    def _rekey(self, keys: Sequence[int | None]) -> None:
        """Let layers draw from other keys: a new network, with the same weights in new memory."""
        raise NotImplementedError(f"{type(self).__name__} must define how it is given other keys.")

    def _checkpoint(self, callbacks: Sequence[Callback]) -> Checkpoint:
        """For callbacks, which stand below files."""
        from .checkpoint import Checkpoint

        return Checkpoint(self, callbacks)

    def _check_saving(self, filepath: str, weights_only: bool, is_final: bool) -> None:
        """For callbacks: refuse what `save` or `save_weights` would refuse; nothing is written."""
        from . import model_file, weights

        (weights if weights_only else model_file).check_saving(self, filepath, is_final)

    # -- copies ------------------------------------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        from .pickling import reduced

        return reduced(self)

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        from .pickling import restore

        restore(self, state)

    def __copy__(self) -> Self:
        """As `copy.deepcopy`: two models never share weights, an optimizer or what computes them."""
        return deepcopy(self)

    # -- files -------------------------------------------------------------------------------------------------------

    def save(
        self,
        filepath: str | os.PathLike[str],
        overwrite: bool = True,
        include_optimizer: bool = True,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        """Save the whole model to a file: layers, weights, optimizer with state, loss and metrics.

        Parameters
        ----------
        filepath : str or path
            A name ending in ``.keras`` is written as Keras does, and read by it (extra ``hdf5``); any other, such as
            ``.gradstep``, in this package's format. Endings of other formats, such as ``.onnx``, are refused.
        overwrite : bool, default True
            Whether a file of that name is replaced. If not, a terminal is asked; without one it is an error.
        include_optimizer : bool, default True
            Whether training can go on from the file: if not, it holds layers and weights, and the loaded model is to be
            compiled.
        callbacks : list of Callback, optional
            Those of the training, whose state is then in the file too: ``load_model(callbacks=)`` takes it up.

        Raises
        ------
        TypeError
            Something cannot be written, such as a lambda.
        ValueError
            The model is not built; the optimizer also steps arrays that are not the model's; the ending is that of
            another format; or the optimizer is none that a ``.keras`` file can hold.
        ImportError
            A ``.keras`` file needs h5py, which is not installed.
        FileExistsError
            With ``overwrite=False``.
        OSError
            The folder does not exist, may not be written to, or the disk is full. An old file is then as it was.

        Notes
        -----
        The file takes the place of an old one in an instant, when all of it is on the disk: whatever happens meanwhile,
        one of the two is there. A pipe or a device, such as ``/dev/stdout``, gets the bytes.

        In this package's format training goes on from the file bit for bit. A ``.keras`` file has the weights, what
        `compile` was given and the state of the optimizer, any that Keras has, for Keras to go on with; shuffles and
        `Dropout` begin anew. Custom classes in it are Keras's to find. Keras has `include_optimizer` for ``.h5`` files
        alone.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np, gradstep as gs
        >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> x, y = np.eye(2), np.ones((2, 1))
        >>> _ = model.fit(x, y, epochs=3, verbose=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(os.path.join(folder, "model.gradstep"))
        ...     again = gs.models.load_model(os.path.join(folder, "model.gradstep"))
        >>> again.fit(x, y, verbose=0, epochs=5, initial_epoch=3).history == (
        ...     model.fit(x, y, verbose=0, epochs=5, initial_epoch=3).history)
        True
        """
        from .model_file import save_model

        with self._guard:  # beside training in another thread: a whole step
            save_model(self, filepath, overwrite, include_optimizer, callbacks)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Save the weights to a file.

        Parameters
        ----------
        filepath : str or path
            A name ending in ``.h5``, as Keras's ``.weights.h5``, is written as Keras does, and read by it (extra
            ``hdf5``); any other in the safetensors format.
        overwrite : bool, default True
            As in `save`.

        Raises
        ------
        ValueError
            The model is not built.
        ImportError
            h5py is needed and not installed: ``pip install "gradstep[hdf5]"``.
        OSError
            As in `save`.
        """
        from .weights import save_weights

        with self._guard:
            save_weights(self, filepath, overwrite)

    def load_weights(
        self, filepath: str | os.PathLike[str], skip_mismatch: bool = False, key_map: KeyMap | None = None
    ) -> None:
        """Load the weights from a file.

        Parameters
        ----------
        filepath : str or path
            Of `save_weights` or `save`, or another safetensors file with the names of this model's weights,
            ``dense/kernel``; or Keras's ``.weights.h5`` or ``.keras`` (extra ``hdf5``).
        skip_mismatch : bool, default False
            Whether layers whose weights are not in the file, or have other shapes there, are left as they are, with a
            warning.
        key_map : dict, optional
            For a safetensors file of another library: for the name of each of its arrays that of a weight here, or
            the name and a function that the array is given to, or None to leave it out:
            ``{"fc.weight": ("dense/kernel", np.transpose), "fc.bias": "dense/bias"}``.

        Raises
        ------
        ValueError
            The model is not built; the file is damaged, or its weights are others than the model's. None is changed
            then.
        ImportError
            h5py is needed and not installed.
        OSError
            There is no such file.

        Notes
        -----
        Names decide. Only where the file is ours, and has other names of layers but the same weights in the same order,
        order does: layers without a name of their own are counted from model to model.
        """
        from .weights import load_weights

        with self._guard:
            load_weights(self, filepath, skip_mismatch, key_map)


def _objects(value: Any, revived: Callable[[Mapping[str, Any]], Any]) -> Any:
    """Losses or metrics of a config: objects in the place of what stands for them, in lists and dicts too."""
    if isinstance(value, list):
        return [_objects(member, revived) for member in value]
    if isinstance(value, Mapping):
        if "class_name" in value:
            return revived(value)
        return {key: _objects(member, revived) for key, member in value.items()}
    return known_objects().get(value, value) if isinstance(value, str) else value


def package_class(model: Savable) -> type[Savable]:
    """The class of this package that the class of a model is, or is derived from."""
    return next(cls for cls in type(model).__mro__ if cls in MODELS.values())


def described_model(model: Savable, writing: Writing | None = None) -> dict[str, Any]:
    """The class and config of a model, under which Keras finds its own class."""
    assigned = assigned_parts(model) if writing is None else None
    more = {} if assigned is None else {"assigned": assigned}
    if model._is_made_by_call:
        return _described_by_call(model, writing is not None) | more
    # A pickle remembers the class itself, and makes the model as the class of this package does.
    cls = package_class(model) if references_are_written() else type(model)
    name = cls.__name__
    inside = name == "Functional"  # which Keras has under no other name
    return {
        "module": "keras.src.models.functional" if inside else "keras",
        "class_name": name,
        "config": model._config(writing) if writing is not None else cls.get_config(model),
        "registered_name": name if inside else None,
    } | more


def _described_by_call(model: Any, is_inner: bool) -> dict[str, Any]:
    """The same of a subclass with a method `call`, with what that was run for; is_inner: whether another holds it."""
    cls, inside = type(model), references_are_written()
    name = reference_to(model) if inside and is_inner else None
    return {
        "module": cls.__module__,
        "class_name": cls.__name__,
        "config": {} if inside else serialize(model.get_config(), f"the config of {model!r}"),
        "registered_name": name or registered_name(cls),
        "build_config": model._build_config(),
    }
