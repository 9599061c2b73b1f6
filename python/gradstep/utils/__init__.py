"""Helpers around training: seeds, targets, and data as sequences, windows, batches and folders of images."""

from typing import TYPE_CHECKING

from ..described import custom_object_scope, get_custom_objects, register_keras_serializable
from ..hints import missing
from ..preprocessing.sequence import pad_sequences
from .arrays import normalize, split, to_categorical
from .chunks import Rebatched, rebatch
from .image_folder import image_dataset_from_directory
from .plot_model import plot_model
from .py_dataset import PyDataset, Sequence
from .session import clear_session, set_random_seed
from .time_series import timeseries_dataset_from_array

__all__ = [
    "PyDataset",
    "Rebatched",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "get_custom_objects",
    "image_dataset_from_directory",
    "normalize",
    "pad_sequences",
    "plot_model",
    "rebatch",
    "register_keras_serializable",
    "set_random_seed",
    "split",
    "timeseries_dataset_from_array",
    "to_categorical",
]


if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = missing(__name__, __all__, "helper", {"CustomObjectScope": custom_object_scope})
