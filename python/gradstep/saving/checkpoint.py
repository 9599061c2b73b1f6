"""A training run that goes on in another process: the state of a model that is made anew by the program."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import describe
from ..described import serialize
from . import archive
from .atomic import check_target, path_of
from .file_formats import contents, open_regular, parsed
from .model_file import load_callbacks, members_of, opened, write_model
from .savable import Savable
from .training_state import check_counters, check_optimizer, counters, load_optimizer, move_model, restore_counters
from .weights import named_weights

if TYPE_CHECKING:
    from ..callbacks.base import Callback

__all__ = ["Checkpoint"]


class Checkpoint:
    """Save and restore the training of an existing model: weights, optimizer, counters, seeds and callbacks.

    Parameters
    ----------
    model : Sequential
        Compiled, and made in the same way in the process that restores.
    callbacks : list of Callback, optional
        Those whose state is part of the run.

    Raises
    ------
    TypeError
        `model` is no model.

    Notes
    -----
    A file is one of `Sequential.save`, written in the same way. After `restore` training goes on as it would have, bit
    for bit, whatever seeds this process began with.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np, gradstep as gs
    >>> def made():
    ...     model = gs.Sequential([gs.Input((2,)), gs.layers.Dropout(0.5), gs.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     return model
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> first, second = made(), made()
    >>> _ = first.fit(x, y, epochs=2, verbose=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     gs.saving.Checkpoint(first).save(os.path.join(folder, "run"), epoch=2)
    ...     gs.saving.Checkpoint(second).restore(os.path.join(folder, "run"))
    {'epoch': 2}
    >>> histories = [m.fit(x, y, verbose=0, initial_epoch=2, epochs=4).history for m in (first, second)]
    >>> histories[0] == histories[1]
    True
    """

    def __init__(self, model: Savable, callbacks: Sequence[Callback] | None = None) -> None:
        if not isinstance(model, Savable):
            raise TypeError(f"model must be a Sequential; got {describe(model)}.")
        self.model = model
        self.callbacks = callbacks

    def save(self, filepath: str | os.PathLike[str], **notes: Any) -> None:
        """Save the model, its training and the state of the callbacks.

        Parameters
        ----------
        filepath : str or path
            A file of that name is replaced.
        **notes
            What `restore` is to give back: numbers, strings, lists and dicts.

        Raises
        ------
        TypeError, ValueError, OSError
            As `Sequential.save` does.
        """
        with self.model._guard:
            write_model(self.model, path_of(filepath), True, self.callbacks, serialize(notes, "notes"))

    def check(self, filepath: str | os.PathLike[str]) -> None:
        """Raise the errors that `save` would raise; nothing is written.

        Raises
        ------
        TypeError, ValueError, OSError
            As `save` does; a folder that is not there is none of these.
        """
        check_target(path_of(filepath))
        self.model._must_be_built()
        members_of(self.model, True, self.callbacks, {})

    def restore(self, filepath: str | os.PathLike[str]) -> dict[str, Any]:
        """Restore the training from a file: weights, optimizer, counters, seeds and the state of the callbacks.

        Where layers draw from other seeds than those of the file did, the model gets a new block of memory for its
        weights, as from `Sequential.add`.

        Returns
        -------
        dict
            The notes it was saved with.

        Raises
        ------
        ValueError
            The file is damaged, or its model, optimizer or callbacks are others than these. The model is then as it
            was.
        OSError
            There is no such file, or it may not be read.
        """
        path, model = path_of(filepath), self.model
        config, weights, state = opened(contents(path), path)
        model._must_be_built()
        with model._guard:  # beside training in another thread: between two steps
            self._take(config, weights, state, path)
        notes: dict[str, Any] = config["notes"]
        return notes

    def _take(
        self, config: dict[str, Any], weights: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray], path: str
    ) -> None:
        model, training, record = self.model, config["training"], config["optimizer"]
        with parsed(path):
            self._check_layers(weights, training["layer_keys"], path)
            if (record is None) != (model.optimizer is None):
                raise ValueError(f"{path} must hold an optimizer if the model is compiled, and none if it is not.")
            check_counters(training)
            check_optimizer(model, record, state)
            if self.callbacks is not None:
                load_callbacks(config["callbacks"], self.callbacks, path)
        move_model(model, training["layer_keys"], record, state)
        for weight, value in zip(model.weights, weights.values(), strict=True):
            weight[...] = value
        if record is not None:
            load_optimizer(model, record, state)
        restore_counters(model, training)

    @staticmethod
    def is_whole(filepath: str | os.PathLike[str]) -> bool:
        """Whether a file exists and is undamaged, by its checksum.

        Parameters
        ----------
        filepath : str or path
            Of `save`, or `Sequential.save`.

        Raises
        ------
        OSError
            The file may not be read.

        Examples
        --------
        >>> import gradstep as gs
        >>> gs.saving.Checkpoint.is_whole("no such file")
        False
        """
        try:
            with open_regular(path_of(filepath)) as file:
                return archive.is_whole(file)
        except FileNotFoundError:
            return False

    def _check_layers(self, weights: Mapping[str, np.ndarray], keys: Sequence[int | None], path: str) -> None:
        """The names of layers may differ: they count on from model to model."""
        sides = [
            [(name.rpartition("/")[2], array.shape) for name, array in each.items()]
            for each in (named_weights(self.model), weights)
        ]
        if sides[0] != sides[1]:
            raise ValueError(f"{path}: the model has weights {sides[0]}; the file's are {sides[1]}.")
        if [key is None for key in keys] != [key is None for key in counters(self.model)["layer_keys"]]:
            raise ValueError(f"{path}: the layers that draw must be those of the model.")
