"""Whole models as Keras's ``.keras`` files (extra `hdf5`), which Keras opens and trains on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import archive, json_text
from .hdf5 import h5py_module, write_weights
from .keras_optimizers import described_optimizer, variables_of
from .savable import described_model

if TYPE_CHECKING:
    from .savable import Savable

__all__ = ["ENDING", "keras_members"]

ENDING = ".keras"
VERSION = "3.0.0"  # of the format that this follows


def keras_members(model: Savable, training: bool) -> dict[str, archive.Pieces]:
    """The members of the archive.

    Raises
    ------
    ImportError
        h5py is not installed.
    ValueError
        The optimizer is none of Keras's.
    """
    try:
        h5py_module()
    except ImportError as error:
        why = 'a .keras file needs h5py: pip install "gradstep[hdf5]"; a .gradstep file needs nothing.'
        raise ImportError(why) from error
    training = training and model.optimizer is not None
    config: dict[str, Any] = described_model(model)
    variables = None
    if training:
        compiled = model.get_compile_config()
        variables = variables_of(model)
        config["compile_config"] = {**compiled, "optimizer": described_optimizer(compiled["optimizer"])}
    metadata = {"keras_version": VERSION, "date_saved": "1980-01-01@00:00:00"}  # the same model gives the same bytes
    return {
        "metadata.json": [json_text.dumps(metadata).encode()],
        "config.json": [json_text.dumps(config).encode()],
        "model.weights.h5": [write_weights(model, variables)],
    }
