"""Data sets of HDF5 files: written with checksums; read only if their numbers are all there, and the file's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["check_dataset", "mark", "numbers_of", "write_dataset"]

# Filters by their numbers in HDF5, and how many times smaller they can make what they store.
DEFLATE, SHUFFLE, FLETCHER32, LZF = 1, 2, 3, 32000
SHRINKS = {DEFLATE: 1032, SHUFFLE: 1, FLETCHER32: 1, LZF: 100}
DIGEST = "gradstep_sha256"
CHUNK = 2**26  # bytes, at most
BYTES = 8  # of the largest number that is read


def mark(file: Any) -> None:
    """Say of a file that each of its data sets has a SHA-256, so that one that has lost it is seen."""
    file.attrs[DIGEST] = np.bytes_("of every data set")


def write_dataset(group: Any, name: str, array: Any) -> None:
    """Write an array with its SHA-256; all but scalars and empty ones also with the checksums of HDF5 itself.

    Those every reader looks at, but they are of the numbers alone, and not of what the file says of their type.
    """
    values = np.asarray(array)
    checked = {"chunks": _chunks(values), "fletcher32": True} if values.ndim and values.size else {}
    dataset = group.create_dataset(name, data=values, **checked)
    dataset.attrs[DIGEST] = np.bytes_(_digest_of(dataset.name, values))  # of fixed length, beside the data set


def _chunks(values: np.ndarray) -> tuple[int, ...]:
    """Some rows, or a part of one: a chunk must be smaller than 4 GiB."""
    row, *rest = (values[:1].nbytes, *values.shape[1:])
    if row <= CHUNK:
        return (min(len(values), CHUNK // row), *rest)
    return (1, *_chunks(values[0]))


def _digest_of(name: str, values: np.ndarray) -> str:
    import hashlib

    digest = hashlib.sha256(f"{name} {values.dtype.str} {values.shape} ".encode())
    digest.update(np.ascontiguousarray(values).view(np.uint8).data if values.size else b"")
    return digest.hexdigest()


def check_dataset(dataset: Any, where: str) -> None:
    """Raise unless a dataset holds numbers, all of them in the file; nothing is read yet.

    Raises
    ------
    ValueError
        It holds something else, refers to another file, declares more than is stored, or needs a filter that is not
        read.
    """
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise ValueError(f"{where} must hold arrays of numbers, 0, 1, and so on.")
    if dataset.dtype.kind not in "fiu" or dataset.dtype.itemsize > BYTES:
        raise ValueError(f"{where} must hold arrays of numbers; one has dtype {dataset.dtype}.")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{where} must hold its numbers itself, not in another file.")
    plan = dataset.id.get_create_plist()
    filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
    unknown = [number for number in filters if number not in SHRINKS]
    if unknown:
        raise ValueError(f"{where} is stored with filter {unknown[0]} of HDF5; deflate, lzf and fletcher32 are read.")
    size, stored = math.prod(dataset.shape) * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if size > stored * math.prod(SHRINKS[number] for number in filters):
        raise ValueError(f"{where} declares {size} bytes of numbers, and stores {stored}.")
    if dataset.chunks is not None:
        chunks = zip(dataset.shape, dataset.chunks, strict=True)
        if any(chunk > max(length, 1) for length, chunk in chunks):
            raise ValueError(f"{where} has shape {dataset.shape}, and chunks of shape {dataset.chunks}.")
        needed = math.prod(-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True))
        if dataset.id.get_num_chunks() != needed:
            raise ValueError(f"{where} stores {dataset.id.get_num_chunks()} of its {needed} chunks.")


def numbers_of(dataset: Any, where: str) -> np.ndarray:
    """The numbers of a data set that was checked.

    Raises
    ------
    ValueError
        They are not those of their checksum; or have none, and are not finite: the file is damaged, or of a model that
        is past help.
    """
    array = np.asarray(dataset[()])
    if DIGEST in dataset.attrs or DIGEST in dataset.file.attrs:
        if DIGEST not in dataset.attrs:
            raise ValueError(f"{where} is damaged: it has lost its checksum.")
        kept = dataset.attrs.get_id(DIGEST)
        if kept.dtype != np.dtype("S64") or kept.shape != ():  # others lie elsewhere in the file
            raise ValueError(f"{where} is damaged: its checksum is not as save_weights() writes it.")
        digest = dataset.attrs[DIGEST]
        if digest != np.bytes_(_digest_of(dataset.name, array)):
            raise ValueError(f"{where} is damaged: its numbers are not those of their checksum.")
    elif not dataset.fletcher32 and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{where} holds numbers that are not finite, and no checksum says that they were written.")
    return array
