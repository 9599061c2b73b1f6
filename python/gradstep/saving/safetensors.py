"""The safetensors format: 8 bytes, the length of a JSON header, the header, and the numbers; little-endian.

Written and read here, since all of it fits on a page. A file of ours has the SHA-256 of its bytes in the header's
``__metadata__``, where other readers pass over it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .json_text import dumps, loads

__all__ = ["decode", "encode", "metadata_of"]

# https://github.com/huggingface/safetensors: names of dtypes. BF16 has none in NumPy: its 16 bits are kept in uint16.
CODES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
NAMES = {np.dtype(code).newbyteorder("="): name for name, code in CODES.items()}
BF16 = "bfloat16"  # as ml_dtypes calls it
ALIGNMENT = 8  # bytes, of the first number
LONGEST_HEADER = 100_000_000  # bytes; the format's own bound
OURS, DIGEST = "gradstep", "sha256"
NO_DIGEST = "0" * 64


def encode(tensors: Mapping[str, np.ndarray], checked: bool = True) -> list[bytes | memoryview]:
    """A file of arrays by name, in this order, as pieces to be written one after the other.

    With `checked`, its SHA-256 is in it.

    Raises
    ------
    TypeError
        An array of a dtype that the format does not have.
    """
    header: dict[str, Any] = {"__metadata__": {"format": OURS, DIGEST: NO_DIGEST}} if checked else {}
    pieces: list[bytes | memoryview] = []
    end = 0
    for name, array in tensors.items():
        code, values = _stored(array, name)
        begin, end = end, end + values.nbytes
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [begin, end]}
        if values.nbytes:
            pieces.append(values.reshape(-1).view(np.uint8).data)
    text = dumps(header).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    front = len(text).to_bytes(8, "little") + text
    if checked:
        front = front.replace(NO_DIGEST.encode(), _sha256([front, *pieces]).encode(), 1)
    return [front, *pieces]


def _stored(array: np.ndarray, name: str) -> tuple[str, np.ndarray]:
    if array.dtype.name == BF16:
        return "BF16", np.ascontiguousarray(array).view(np.uint16).astype("<u2", copy=False)
    code = NAMES.get(array.dtype.newbyteorder("="))
    if code is None:
        raise TypeError(f"{name} has dtype {array.dtype}, which the safetensors format does not have.")
    return code, np.ascontiguousarray(array, CODES[code])


def decode(data: bytes | memoryview, name: str) -> dict[str, np.ndarray]:
    """The arrays of a file, as views of its bytes; those of BF16 as float32, exactly.

    In the order of their bytes. Nothing is allocated before every number of the header was compared with the file.

    Raises
    ------
    ValueError
        The bytes are no such file, or one of ours that was changed since.
    """
    data = memoryview(data)
    header, start = _header(data, name)
    _check_digest(header.pop("__metadata__", {}), data, start, name)
    entries = sorted((_entry(key, entry, name) for key, entry in header.items()), key=lambda found: found[1:3])
    end, arrays = 0, {}
    for key, begin, stop, *_ in entries:
        if begin != end:
            raise ValueError(f"{name}: tensor {key!r} begins at byte {begin}; the one before it ends at {end}.")
        end = stop
    if end != len(data) - start:
        raise ValueError(f"{name}: the tensors have {end} bytes; the file has {len(data) - start} for them.")
    for key, begin, stop, code, shape in entries:
        values = np.frombuffer(data[start + begin : start + stop], CODES.get(code, "<u2")).reshape(shape)
        if code == "BOOL" and values.size and values.view(np.uint8).max() > 1:
            raise ValueError(f"{name}: tensor {key!r} of BOOL has a byte that is neither 0 nor 1.")
        arrays[key] = (values.astype("<u4") << 16).view("<f4") if code == "BF16" else values
    return arrays


def metadata_of(data: bytes | memoryview, name: str) -> dict[str, str]:
    """The texts of ``__metadata__``."""
    found: dict[str, str] = _header(memoryview(data), name)[0].get("__metadata__", {})
    return found


def _header(data: memoryview, name: str) -> tuple[dict[str, Any], int]:
    """The header, and where the numbers begin."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, LONGEST_HEADER):
        raise ValueError(f"{name} must be a safetensors file: its header would end after the file's {len(data)} bytes.")
    if bytes(data[8:9]) != b"{":
        raise ValueError(f"{name} must be a safetensors file: its header does not begin with '{{'.")
    header = loads(bytes(data[8 : 8 + length]), f"the header of {name}")
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError(f"{name}: the header must be an object, and its __metadata__ one of strings.")
    return header, 8 + length


def _entry(key: str, entry: Any, name: str) -> tuple[str, int, int, str, list[int]]:
    """Name, first byte, end, dtype and shape of a tensor, checked against each other."""
    where = f"{name}: tensor {key!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{where} must have dtype, shape and data_offsets, and nothing else.")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in (*CODES, "BF16"):
        raise ValueError(f"{where} has dtype {code!r}; it must be one of {', '.join((*CODES, 'BF16'))}.")
    if not _sizes(shape) or len(shape) > 32:
        raise ValueError(f"{where} must have a shape of at most 32 sizes.")
    if not _sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{where} must have two data_offsets.")
    size = np.dtype(CODES.get(code, "<u2")).itemsize * math.prod(shape)
    if offsets[1] - offsets[0] != size:
        raise ValueError(f"{where} of shape {shape} has {size} bytes; its data_offsets are {offsets}.")
    return key, offsets[0], offsets[1], code, shape


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and 0 <= size < 2**63 for size in value)


def _check_digest(metadata: Mapping[str, str], data: memoryview, start: int, name: str) -> None:
    # Two marks: if a changed bit takes one of them away, the other still says that there must be a digest.
    if metadata.get("format") != OURS and DIGEST not in metadata:
        return
    digest = metadata.get(DIGEST, "")
    front = bytes(data[:start]).replace(digest.encode(), NO_DIGEST.encode(), 1) if digest else b""
    if metadata.get("format") != OURS or _sha256([front, data[start:]]) != digest:
        raise ValueError(f"{name} is damaged: its bytes are not those of its checksum.")


def _sha256(pieces: Iterable[bytes | memoryview]) -> str:
    import hashlib

    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
