"""A folder of images as batches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import seeds
from ..checks import check_bool, check_choice, check_float, check_int, describe
from ..console import show
from .arrays import to_categorical
from .py_dataset import PyDataset

__all__ = ["image_dataset_from_directory"]

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
MODES = {"grayscale": ("L", 1), "rgb": ("RGB", 3), "rgba": ("RGBA", 4)}  # Pillow's mode, and channels
# Pillow's filters by Keras's names of interpolations.
FILTERS = {"nearest": 0, "bilinear": 2, "bicubic": 3, "area": 4, "lanczos3": 1}
LABEL_MODES = ("int", "categorical", "binary", None)
SUBSETS = ("training", "validation", "both", None)


class _Form(NamedTuple):
    """How images become arrays."""

    mode: str
    channels: int
    size: tuple[int, int]  # height, width
    filter: int
    fit: str  # "stretch", "crop" or "pad"
    channels_first: bool


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: str | Sequence[int] | None = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    verbose: bool = True,
) -> Any:
    """Create a dataset of the images in a folder, read batch by batch (extra ``images``).

    Parameters
    ----------
    directory : path
        With a folder for each class, or of images alone.
    labels : {"inferred"}, sequence of int, or None; default "inferred"
        The classes of images: by their folders; or one for each file, in the order of the sorted paths; or none.
    label_mode : {"int", "categorical", "binary", None}, default "int"
        Labels as int32 (batch,), one-hot float32 (batch, classes), or 0 and 1 as float32 (batch, 1).
    class_names : list of str, optional
        Names of the folders to take, in the order of their numbers; by default all, sorted.
    color_mode : {"rgb", "rgba", "grayscale"}, default "rgb"
        3, 4 or 1 channels.
    batch_size : int or None, default 32
        None: images one by one.
    image_size : int or (int, int), default (256, 256)
        Height and width that all are resized to.
    shuffle : bool, default True
        Whether images come in random order, another one in each epoch; otherwise as their paths are sorted.
    seed : int, optional
        What the order follows from; by default `utils.set_random_seed`.
    validation_split : float, optional
        Part of the images, above 0 and below 1, that is held out; with `subset`, and a `seed` if they are shuffled.
    subset : {"training", "validation", "both"}, optional
        Which of them to take; "both" gives a list of two datasets.
    interpolation : {"bilinear", "nearest", "bicubic", "area", "lanczos3"}, default "bilinear"
    follow_links : bool, default False
        Whether to look into folders that are links.
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool, default False
        Whether images of other proportions are cropped around the middle, or padded with 0, instead of stretched.
    data_format : {"channels_last", "channels_first"}, optional
        By default the first.
    verbose : bool, default True
        Whether to print how many files there are.

    Returns
    -------
    PyDataset
        Of batches ``(images, labels)``, or of images alone: float32 from 0 to 255, of shape (batch, height, width,
        channels). It has `class_names` and `file_paths`. Images are read when a batch is asked for: set ``workers`` to
        have several threads do so ahead.

    Raises
    ------
    ImportError
        Pillow is not installed: ``pip install "gradstep[images]"``.
    FileNotFoundError, NotADirectoryError
        There is no such folder.
    TypeError, ValueError
        An argument of the wrong type or out of range; no image is found.

    Notes
    -----
    Keras gives the same files, labels and parts in the same order without shuffling; its pixels differ where images are
    resized, for Pillow's filters look at all pixels that an output pixel covers.

    Examples
    --------
    >>> import gradstep as gs
    >>> data = gs.utils.image_dataset_from_directory("photos", image_size=64)  # doctest: +SKIP
    >>> model.fit(data, epochs=10)  # doctest: +SKIP
    """
    _pillow()
    if labels is None or label_mode is None:
        labels = label_mode = None
    for name, value, known in (("label_mode", label_mode, LABEL_MODES), ("subset", subset, SUBSETS)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}; got {value!r}.")
    form = _Form(
        *check_choice("color_mode", color_mode, MODES),
        _size(image_size),
        check_choice("interpolation", interpolation, FILTERS),
        _fit(
            check_bool("crop_to_aspect_ratio", crop_to_aspect_ratio),
            check_bool("pad_to_aspect_ratio", pad_to_aspect_ratio),
        ),
        check_choice("data_format", data_format or "channels_last", {"channels_last": False, "channels_first": True}),
    )
    size = None if batch_size is None else check_int("batch_size", batch_size, 1)
    shuffled, key = check_bool("shuffle", shuffle), seeds.key_of(seed)
    if (validation_split is None) != (subset is None):
        raise ValueError("validation_split and subset must be given together.")
    share = 0.0 if validation_split is None else check_float("validation_split", validation_split)
    if validation_split is not None and not 0 < share < 1:
        raise ValueError(f"validation_split must be above 0 and below 1; got {validation_split!r}.")
    if share and shuffled and key is None:
        raise ValueError("seed must be given where images are shuffled and split, so that the parts do not overlap.")

    paths, numbers, names = _found(os.fspath(directory), labels, class_names, check_bool("follow_links", follow_links))
    if not paths:
        raise ValueError(f"directory must have images, files that end in {', '.join(ENDINGS)}; {directory} has none.")
    if label_mode == "binary" and names is not None and len(names) != 2:
        raise ValueError(f"label_mode 'binary' is for two classes; there are {len(names)}.")
    if check_bool("verbose", verbose):
        show(f"Found {len(paths)} files{'' if names is None else f' of {len(names)} classes'}.")
    targets = None if numbers is None or names is None else _labels(numbers, label_mode, len(names))
    key = seeds.fresh_key() if key is None else key
    order = seeds.generator(key).permutation(len(paths)) if shuffled else np.arange(len(paths))
    held = int(share * len(paths))
    parts = {None: order, "training": order[: len(order) - held], "validation": order[len(order) - held :]}

    def made(part: str | None, again: bool) -> _Images:
        chosen = parts[part]
        if not len(chosen):
            raise ValueError(f"validation_split must leave images on both sides; {share} of {len(paths)} does not.")
        own = None if targets is None else targets[chosen]
        return _Images([paths[i] for i in chosen], own, names, form, size, key if again else None)

    if subset == "both":
        return [made("training", shuffled), made("validation", False)]
    return made(subset, shuffled)


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError('images need Pillow: pip install "gradstep[images]"') from error
    return Image


def _size(given: Any) -> tuple[int, int]:
    pair = given if isinstance(given, (tuple, list)) else (given, given)
    if len(pair) != 2:
        raise ValueError(f"image_size must be a height and a width; got {given!r}.")
    return check_int("image_size[0]", pair[0], 1), check_int("image_size[1]", pair[1], 1)


def _fit(crop: bool, pad: bool) -> str:
    if crop and pad:
        raise ValueError("only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True.")
    return "crop" if crop else "pad" if pad else "stretch"


def _found(
    directory: str, labels: Any, class_names: Any, follow_links: bool
) -> tuple[list[str], np.ndarray | None, list[str] | None]:
    """The paths of the images, their classes, and what those are called."""
    entries = sorted(os.listdir(directory))  # raises where there is none
    if isinstance(labels, str):
        if labels != "inferred":
            raise ValueError(f"labels must be 'inferred', a list of int, or None; got {labels!r}.")
        folders = [name for name in entries if os.path.isdir(os.path.join(directory, name))]
        names = folders if class_names is None else list(class_names)
        if not set(names) <= set(folders):
            raise ValueError(f"class_names must be folders in {directory}, {', '.join(folders)}; got {names}.")
        each = [list(_images_in(os.path.join(directory, name), follow_links)) for name in names]
        numbers = np.repeat(np.arange(len(names)), [len(paths) for paths in each])
        return [path for paths in each for path in paths], numbers, names
    if class_names is not None:
        raise ValueError("class_names are for labels='inferred'.")
    paths = list(_images_in(directory, follow_links))
    if labels is None:
        return paths, None, None
    if not isinstance(labels, (list, tuple, np.ndarray)):
        raise TypeError(f"labels must be 'inferred', a list of int, or None; got {describe(labels)}.")
    if len(labels) != len(paths):
        raise ValueError(f"labels must have one for each of {len(paths)} files; got {len(labels)}.")
    known = sorted({check_int(f"labels[{i}]", label, 0) for i, label in enumerate(labels)})
    return paths, np.array([int(label) for label in labels]), [str(label) for label in known]


def _images_in(folder: str, follow_links: bool) -> Iterator[str]:
    """The paths of images in a folder and in those in it, sorted."""
    for root, _, files in sorted(os.walk(folder, followlinks=follow_links)):
        yield from (os.path.join(root, name) for name in sorted(files) if name.lower().endswith(ENDINGS))


def _labels(numbers: np.ndarray, label_mode: str | None, classes: int) -> np.ndarray:
    if label_mode == "categorical":
        return to_categorical(numbers, max(classes, int(numbers.max()) + 1)).astype("float32")
    return numbers.astype("float32")[:, None] if label_mode == "binary" else numbers.astype("int32")


class _Images(PyDataset):
    """Images in files, with labels or without."""

    def __init__(
        self,
        paths: list[str],
        labels: np.ndarray | None,
        names: list[str] | None,
        form: _Form,
        size: int | None,
        key: tuple[int, int] | None,
    ) -> None:
        super().__init__()
        self.file_paths, self.class_names = paths, names
        self._labels, self._form, self._size, self._key, self._epoch = labels, form, size, key, 0
        self._order = np.arange(len(paths))

    def on_epoch_end(self) -> None:
        """Take the images in another order, if they are shuffled."""
        self._epoch += 1
        if self._key is not None:
            self._order = seeds.generator(self._key, self._epoch).permutation(len(self.file_paths))

    def __len__(self) -> int:
        """How many batches there are."""
        return -(-len(self._order) // (self._size or 1))

    def __getitem__(self, index: int) -> Any:
        """Batch `index`, from 0."""
        if not 0 <= index < len(self):
            raise IndexError(f"index must be below {len(self)}, the number of batches; got {index}.")
        if self._size is None:
            which = self._order[index]
            images = _read(self.file_paths[which], self._form)
            return images if self._labels is None else (images, self._labels[which])
        chosen = self._order[index * self._size : (index + 1) * self._size]
        images = np.stack([_read(self.file_paths[i], self._form) for i in chosen])
        return images if self._labels is None else (images, self._labels[chosen])


def _read(path: str, form: _Form) -> np.ndarray:
    """An image as float32 from 0 to 255."""
    height, width = form.size
    with _pillow().open(path) as file:
        image = file.convert(form.mode)
    if form.fit == "crop":
        wide, high = image.size
        keep = min(wide, high * width // height or 1), min(high, wide * height // width or 1)
        left, top = (wide - keep[0]) // 2, (high - keep[1]) // 2
        image = image.crop((left, top, left + keep[0], top + keep[1]))
    if form.fit == "pad":
        from PIL import ImageOps

        image = ImageOps.pad(image, (width, height), form.filter)
    elif image.size != (width, height):
        image = image.resize((width, height), form.filter)
    array = np.asarray(image, "float32").reshape(height, width, form.channels)
    return np.ascontiguousarray(array.transpose(2, 0, 1)) if form.channels_first else array
