"""The archive of a model: a stored zip file that ends in the SHA-256 of all bytes before it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from .file_formats import parsed

__all__ = ["Pieces", "is_whole", "kind_of", "member", "members", "read", "write"]

Pieces = Sequence["bytes | memoryview"]

# The archive's comment: readers of zip files show it, and what follows it is the digest.
MARK = b"gradstep model, sha256 "
HEX = 64
CHUNK = 2**20
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file knows: the same model gives the same bytes
LOCAL_HEADER = 30  # bytes, before the name


def write(file: BinaryIO, contents: Mapping[str, Pieces], is_ours: bool = True) -> None:
    """Write an archive of members, each given in pieces, into a new file that can be read too.

    is_ours: whether it ends in our mark and checksum; a plain zip archive otherwise.
    """
    import zipfile

    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, pieces in contents.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.external_attr = 0o644 << 16
            info.file_size = sum(len(piece) for piece in pieces)  # says whether 64-bit sizes are needed
            with archive.open(info, "w") as member:
                for piece in pieces:
                    member.write(piece)
        archive.comment = MARK + b"0" * HEX if is_ours else b""
    if not is_ours:
        return
    file.seek(0)
    digest = _digest_of(file)
    file.seek(-HEX, 2)
    file.write(digest)


def _digest_of(file: BinaryIO) -> bytes:
    """Of all but the last bytes of a file."""
    import hashlib

    digest, left = hashlib.sha256(), file.seek(0, 2) - HEX
    file.seek(0)
    while left:
        piece = file.read(min(CHUNK, left))
        digest.update(piece)
        left -= len(piece)
    return digest.hexdigest().encode()


def is_whole(file: BinaryIO) -> bool:
    """Whether an archive of ours is as it was written, by its checksum; in little memory."""
    if file.seek(0, 2) < len(MARK) + HEX:
        return False
    file.seek(-len(MARK) - HEX, 2)
    end = file.read()
    return end.startswith(MARK) and _digest_of(file) == end[len(MARK) :]


def read(data: bytes, name: str) -> dict[str, memoryview]:
    """The members of an archive of ours, as views of its bytes.

    Raises
    ------
    ValueError
        It is no such archive, or was changed since it was written.
    """
    import hashlib

    if data[-HEX - len(MARK) : -HEX] != MARK:
        raise ValueError(f"{name} must be a file that model.save() wrote, whole; it does not end as one.")
    if hashlib.sha256(memoryview(data)[:-HEX]).hexdigest().encode() != data[-HEX:]:
        raise ValueError(f"{name} is damaged: its bytes are not those of its checksum.")
    return members(data, name)


def members(data: bytes, name: str) -> dict[str, memoryview]:
    """The members of any stored zip file, as views of its bytes.

    Raises
    ------
    ValueError
        It is no zip file, or a member is compressed, encrypted, there twice, not within the file, or not as its
        checksum says.
    """
    import io
    import struct
    import zipfile

    with parsed(name, zipfile.BadZipFile, NotImplementedError, OSError, struct.error):
        try:
            archive = zipfile.ZipFile(io.BytesIO(data))
        except zipfile.BadZipFile as error:
            raise ValueError(f"{name} is damaged, or was not written to its end: {error}.") from error
        with archive:
            entries = archive.infolist()
    found: dict[str, memoryview] = {}
    last = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        where = f"{name}: member {entry.filename!r}"
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 or entry.compress_size != entry.file_size:
            raise ValueError(f"{where} must be stored, neither compressed nor encrypted.")
        if entry.filename in found:
            raise ValueError(f"{where} is there twice.")
        header = data[entry.header_offset : entry.header_offset + LOCAL_HEADER]
        if entry.header_offset < last or len(header) < LOCAL_HEADER or header[:4] != b"PK\3\4":
            raise ValueError(f"{where} has no header where the directory says.")
        begin = entry.header_offset + LOCAL_HEADER + sum(struct.unpack("<HH", header[26:30]))
        last = begin + entry.file_size
        if last > len(data):
            raise ValueError(f"{where} ends after the file's {len(data)} bytes.")
        found[entry.filename] = memoryview(data)[begin:last]
        if zlib.crc32(found[entry.filename]) != entry.CRC:
            raise ValueError(f"{where} is damaged: its bytes are not those of its checksum.")
    return found


def member(found: Mapping[str, memoryview], key: str, name: str) -> memoryview:
    """One of `members`, or a ValueError that says that it is not there."""
    if key not in found:
        raise ValueError(f"{name} must be a file of a model; it has no member {key!r}.")
    return found[key]


def kind_of(data: bytes) -> str:
    """What wrote a file: "gradstep" a whole model, "keras" one, "hdf5" weights, or else, it seems, "safetensors"."""
    if _is_ours(data):
        return "gradstep"
    if data[:4] == b"PK\3\4":
        return "keras"
    return "hdf5" if data[:8] == b"\x89HDF\r\n\x1a\n" else "safetensors"


def _is_ours(data: bytes) -> bool:
    """Whether a file ends as an archive of ours does, or as one did before it was damaged."""
    end = data[-HEX - len(MARK) - 2 :]
    return MARK in end or (data[:2] == b"PK" and b"config.json" in data[:64] and b"weights.safetensors" in data)
