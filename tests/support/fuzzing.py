"""Damaged files of every format: how they are made, and what becomes of the process that reads them.

    python tests/support/fuzzing.py 20000        # damaged files of each format; a line each of what came of them

Each is drawn from its number, so that one that does harm can be made again: ``damaged(format, number)``.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import gradstep as gs
import numpy as np
from gradstep.saving import archive, safetensors

__all__ = ["FORMATS", "damaged", "report"]

LIMIT = 256 * 2**20  # bytes of address space beyond what the process has before
SECONDS = 60  # after which a file is held to hang; machines are busy

# What takes the place of a value in JSON.
STRANGE: list[Any] = [
    *(0, 1, -1, 3, 0.5, 2**31, 2**62, 2**63, 2**64 - 1, 2**64, 10**24, -(2**63), 1e308, 1e-308),
    *(float("nan"), float("inf"), True, False, None, "", "relu", "Dense", "a" * 1000, "../../x", "\0", "\ud800"),
    *([], {}, [None], [[[[[[]]]]]], {"class_name": "Dense", "config": {}}, {"class_name": "function", "config": "f"}),
    *([2**40, 2**40], [-1], [0], [1.5], ["a", "b"], {"a": {"b": {}}}),
]


# -- good files --------------------------------------------------------------------------------------------------------


@cache
def model() -> Any:
    """Of every kind of layer's state some, compiled and trained."""
    gs.utils.set_random_seed(1)
    layers = gs.layers
    x = gs.Input((4,), name="x")
    h = layers.Dense(5, "relu", kernel_regularizer="l2", name="dense")(x)
    h = layers.BatchNormalization(name="norm")(layers.Dropout(0.2, name="drop")(h))
    inner = gs.Sequential([gs.Input((5,)), layers.Dense(3, name="inner"), layers.PReLU(name="prelu")], name="part")
    both = layers.Concatenate(name="both")([inner(h), x])
    made = gs.Model(x, layers.Dense(2, name="out")(both), name="fuzzed")
    rate = gs.optimizers.schedules.CosineDecay(0.05, 12)
    made.compile(gs.optimizers.AdamW(rate, use_ema=True, clipnorm=1.0), gs.losses.Huber(0.5), metrics=["mae"])
    made.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    return made


def written(write: Callable[[str], Any], name: str) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write(str(path))
        return path.read_bytes()


@cache
def whole() -> dict[str, bytes]:
    """The members of a file of `save`."""
    data = written(lambda path: model().save(path, callbacks=[model().history]), "model")
    return {name: bytes(piece) for name, piece in archive.read(data, "it").items()}


def packed(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    archive.write(file, {name: [piece] for name, piece in members.items()})
    return file.getvalue()


def hdf5(**options: Any) -> bytes:
    """As Keras writes it, or others may: without checksums."""
    import h5py

    ours = io.BytesIO(written(model().save_weights, "a.weights.h5"))
    file = io.BytesIO()
    with h5py.File(ours) as source, h5py.File(file, "w") as target:

        def copied(name: str, thing: Any) -> None:
            if isinstance(thing, h5py.Dataset):
                target.create_dataset(name, data=thing[()], **(options if thing.shape else {}))

        source.visititems(copied)
    return file.getvalue()


def keras() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("metadata.json", "{}")
        words = json.loads(model().to_json()) | {"compile_config": model().get_compile_config()}
        target.writestr("config.json", json.dumps(words))
        target.writestr("model.weights.h5", hdf5())
    return file.getvalue()


def tensors(checked: bool) -> bytes:
    names = {name: np.asarray(weight) for name, weight in zip(model().weight_names, model().weights, strict=True)}
    return b"".join(safetensors.encode(names, checked))


def load(data: bytes, path: str) -> Any:
    Path(path).write_bytes(data)
    return gs.models.load_model(path)


def load_weights(data: bytes, path: str) -> Any:
    Path(path).write_bytes(data)
    model().load_weights(path)
    return model()


def restore(data: bytes, path: str) -> Any:
    Path(path).write_bytes(data)
    gs.saving.Checkpoint(model(), [model().history]).restore(path)
    return model()


def from_json(data: bytes, path: str) -> Any:
    return gs.models.model_from_json(data.decode("utf-8", "surrogateescape"))


# -- damage ------------------------------------------------------------------------------------------------------------


def bits(data: bytes, draw: random.Random) -> bytes:
    """Bits changed, bytes put in, taken out, moved or written over, ends cut: one to three of these."""
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 3))):
        place, length = draw.randrange(len(found) + 1), draw.choice((1, 2, 4, 8, 64, 1000))
        match draw.randrange(6):
            case 0 | 1:
                for _ in range(draw.choice((1, 1, 2, 8))):
                    found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
            case 2:
                found[place : place + length] = draw.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * length
            case 3:
                found[place:place] = draw.randbytes(length)
            case 4:
                other = draw.randrange(len(found))
                found[place : place + length] = found[other : other + length]
            case 5:
                del found[place : None if draw.random() < 0.3 else place + length]
        found = found or bytearray(b"\0")
    return bytes(found)


def json_edited(data: bytes, draw: random.Random) -> bytes:
    """A text of JSON in which values are others, missing, doubled or swapped."""
    words = json.loads(data)
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        places: list[tuple[Any, Any]] = []

        def collect(node: Any, places: list[tuple[Any, Any]] = places) -> None:
            for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
                places.append((node, key))
                collect(node[key])

        collect(words)
        if not places:
            break
        (node, key), (other, place) = draw.choice(places), draw.choice(places)
        match draw.randrange(8):
            case 0 if isinstance(node, dict):
                del node[key]
            case 1:
                node[key] = json.loads(json.dumps(other[place]))
            case 2 if isinstance(node, list):
                node.insert(key, json.loads(json.dumps(other[place])))
            case 3 if isinstance(node[key], (int, float)):
                node[key] *= draw.choice((-1, 2, 0, 1000, 2**20))
            case 4 if isinstance(node[key], list):
                node[key] = node[key] * draw.choice((0, 2, 50))
            case 5 if isinstance(node, dict):
                node[draw.choice(("lr", "dtype", "name", "units", "config", ""))] = node.pop(key)
            case _:
                node[key] = draw.choice(STRANGE)
    text = json.dumps(words)
    if draw.random() < 0.05:
        text = text.replace("{", draw.choice(('{"a": 1, "a": 2, ', "[" * 5000, "{" * 200)), 1)
    return text.encode("utf-8", "surrogatepass")


def members_edited(data: bytes, draw: random.Random) -> bytes:
    """A file whose checksum is right, of members that were damaged, swapped or taken out."""
    members = dict(whole())
    name = draw.choice(list(members))
    match draw.randrange(8):
        case 0:
            del members[name]
        case 1:
            other = draw.choice(list(members))
            members[name], members[other] = members[other], members[name]
        case 2:
            members[name] = bits(members[name], draw)
        case 3:
            members["more"] = draw.randbytes(100)
        case 4:
            name = draw.choice(("weights.safetensors", "optimizer.safetensors"))
            length = int.from_bytes(members[name][:8], "little")
            header = json_edited(members[name][8 : 8 + length], draw)
            members[name] = len(header).to_bytes(8, "little") + header + members[name][8 + length :]
        case _:
            members["config.json"] = json_edited(members["config.json"], draw)
    return packed(members)


def keras_edited(data: bytes, draw: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    if draw.random() < 0.5:
        members["config.json"] = json_edited(members["config.json"], draw)
    else:
        members["model.weights.h5"] = bits(members["model.weights.h5"], draw)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", draw.choice((0, 0, 0, 8))) as target:
        for name, piece in members.items():
            target.writestr(name, piece)
    return file.getvalue()


# Formats with a checksum: what is loaded must be what was written.
CHECKED = ("gradstep", "safetensors", "hdf5", "keras")

Makes, Damages, Reads = Callable[[], bytes], Callable[[bytes, random.Random], bytes], Callable[[bytes, str], Any]
FORMATS: dict[str, tuple[Makes, Damages, Reads]] = {
    "gradstep": (lambda: packed(whole()), bits, load),
    "gradstep, signed anew": (lambda: b"", members_edited, load),
    "checkpoint, signed anew": (lambda: b"", members_edited, restore),
    "safetensors": (lambda: tensors(True), bits, load_weights),
    "safetensors of others": (lambda: tensors(False), bits, load_weights),
}
WITH_HDF5: dict[str, tuple[Makes, Damages, Reads]] = {
    "hdf5": (lambda: written(model().save_weights, "a.weights.h5"), bits, load_weights),
    "hdf5 of others": (hdf5, bits, load_weights),
    "hdf5, compressed": (lambda: hdf5(compression="gzip", shuffle=True, chunks=True), bits, load_weights),
    "keras": (keras, bits, load),
    "keras, packed anew": (keras, keras_edited, load),
}
try:
    import h5py  # noqa: F401

    FORMATS |= WITH_HDF5
except ImportError:
    pass
# The models that these describe are made, however large: what the process has afterwards says nothing of the others.
FORMATS |= {
    "JSON": (lambda: model().to_json().encode(), json_edited, from_json),
    "JSON, bits": (lambda: model().to_json().encode(), bits, from_json),
}


@cache
def good(name: str) -> bytes:
    return FORMATS[name][0]()


def damaged(name: str, number: int) -> bytes:
    """Damaged file of a number."""
    return FORMATS[name][1](good(name), random.Random(f"{name} {number}"))


# -- reading -----------------------------------------------------------------------------------------------------------


def memory() -> tuple[int, int]:
    """Of this process now: bytes of address space, and the most that was ever resident."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def report(name: str, first: int, count: int, folder: str) -> dict[str, Any]:
    """What came of reading damaged files in this process, whose memory is limited meanwhile.

    wrong: an error of another kind, or one that does not name the file; a file that took too long. peak: bytes beyond
    those before. slowest: seconds a megabyte, of files counted as at least a tenth of one.
    """
    import faulthandler
    import warnings

    warnings.simplefilter("ignore")
    path = str(Path(folder, "it"))
    load_model, values = FORMATS[name][2], [weight.copy() for weight in model().weights]
    if name not in ("gradstep, signed anew", "checkpoint, signed anew"):
        load_model(good(name), path)
    (space, before), (soft, hard) = memory(), resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (space + LIMIT, hard))
    came, wrong, slowest = Counter[str](), list[str](), 0.0
    progress = Path(folder, "number")
    for number in range(first, first + count):
        data = damaged(name, number)
        progress.write_text(str(number))  # of the file that a crash is of
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        begun = time.process_time()
        try:
            loaded = load_model(data, path)
            came["loaded"] += 1
            if name in CHECKED and not all(map(np.array_equal, loaded.weights, values)):
                wrong.append(f"{number}: other numbers")
        except (ValueError, OSError) as error:
            came[type(error).__name__] += 1
            named = path if FORMATS[name][2] is not from_json else "json_string"
            if named not in str(error):
                wrong.append(f"{number}: {error!r}")
        except Exception as error:
            wrong.append(f"{number}: {error!r}")
        slowest = max(slowest, (time.process_time() - begun) / max(len(data) / 2**20, 0.1))
        faulthandler.cancel_dump_traceback_later()
        for weight, value in zip(model().weights, values, strict=True):
            weight[...] = value
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    return {"came": dict(came), "wrong": wrong, "peak": memory()[1] - before, "slowest": slowest}


def main(count: int, names: list[str]) -> None:
    """Read damaged files of each format, in processes of their own, of which each reads some hundreds."""
    import tempfile

    from children import said

    for name in names or FORMATS:
        came, wrong, peak, slowest = Counter[str](), [], 0, 0.0
        for first in range(0, count, 500):
            with tempfile.TemporaryDirectory() as folder:
                number = min(500, count - first)
                program = f"import json, fuzzing; print(json.dumps(fuzzing.report{name, first, number, folder}))"
                try:
                    found = json.loads(said(program).splitlines()[-1])
                except AssertionError as error:
                    wrong.append(f"{Path(folder, 'number').read_text()}: {str(error)[-2000:]}")
                    continue
            came.update(found["came"])
            wrong += found["wrong"]
            peak, slowest = max(peak, found["peak"]), max(slowest, found["slowest"])
        print(f"{name}: {dict(came)}, peak +{peak / 2**20:.0f} MiB, slowest {slowest:.2f} s a MB, wrong {len(wrong)}")
        for line in wrong[:5]:
            print("   ", line)
        sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", "")
    main(int(sys.argv[1]), sys.argv[2:])
