"""Files that are damaged, cut, or made to do harm: an error, and nothing is changed."""

from __future__ import annotations

import hashlib
import json
import struct

import gradstep as gs
import numpy as np
import pytest
from gradstep.saving import archive, safetensors


def small() -> gs.Sequential:
    made = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, name="d")], name="m")
    made.compile("sgd", "mse")
    return made


@pytest.fixture
def files(tmp_path):
    made, paths = small(), (tmp_path / "model", tmp_path / "weights")
    made.save(paths[0])
    made.save_weights(paths[1])
    return made, paths


def refused(read, data) -> bool:
    """Whether a file of these bytes is an error that names it."""
    try:
        read(data)
    except ValueError as error:
        return "it" in str(error)
    return False


@pytest.fixture
def readers(monkeypatch):
    """`load_weights` of a model, and `load_model`, from bytes in the place of a file."""
    made = small()

    def from_bytes(function):
        def read(data):
            for module in ("loading", "weights"):
                monkeypatch.setattr(f"gradstep.saving.{module}.contents", lambda path: bytes(data))
            return function("it")

        return read

    return made, from_bytes(made.load_weights), from_bytes(gs.models.load_model)


def test_every_changed_bit_is_refused(files, readers):
    made, load_weights, load_model = readers
    before = made.get_weights()
    for path, read in zip(files[1], (load_model, load_weights), strict=True):
        data = bytearray(path.read_bytes())
        read(data)
        made.set_weights(before)
        for bit in range(8 * len(data)):
            data[bit // 8] ^= 1 << bit % 8
            assert refused(read, data), bit
            assert refused(load_weights, data), bit
            data[bit // 8] ^= 1 << bit % 8
    assert all(map(np.array_equal, before, made.get_weights()))


def test_every_cut_is_refused(files, readers):
    for path, read in zip(files[1], readers[:0:-1], strict=True):
        data = path.read_bytes()
        assert all(refused(read, data[:length]) for length in range(len(data)))
        assert refused(read, data + b"\0")
        assert refused(read, data + data)


# -- safetensors -------------------------------------------------------------------------------------------------------


def packed(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(dtype="F32", shape=(1,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


GOOD = entry()
HOSTILE = {
    "empty": b"",
    "short": b"\0" * 7,
    "huge header": struct.pack("<Q", 2**63) + b"{}",
    "header beyond the file": struct.pack("<Q", 100) + b"{}",
    "no object": packed([]),
    "begins with a space": packed(b' {"d": 1}'),
    "no JSON": packed(b"{:}"),
    "no UTF-8": packed(b'{"\xff": 1}'),
    "deep": packed(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "long int": packed(b'{"a": ' + b"9" * 5000 + b"}"),
    "twice": packed(b'{"d": %s, "d": %s}' % ((json.dumps(GOOD).encode(),) * 2), bytes(4)),
    "no dict": packed({"d": 3}, bytes(4)),
    "missing": packed({"d": {"dtype": "F32", "shape": [1]}}, bytes(4)),
    "more": packed({"d": {**GOOD, "strides": [1]}}, bytes(4)),
    "dtype": packed({"d": entry("F3")}, bytes(4)),
    "dtype of another type": packed({"d": entry(["F32"])}, bytes(4)),
    "negative size": packed({"d": entry(shape=(-1, -1))}, bytes(4)),
    "no whole size": packed({"d": entry(shape=(1.0,))}, bytes(4)),
    "size is a bool": packed({"d": entry(shape=(True,))}, bytes(4)),
    "huge size": packed({"d": entry(shape=(2**40, 2**40))}, bytes(4)),
    "product that wraps around": packed({"d": entry(shape=(2**62, 4, 2**62), offsets=(0, 0))}),
    "too many sizes": packed({"d": entry(shape=(1,) * 33)}, bytes(4)),
    "offsets": packed({"d": entry(offsets=(0, 3))}, bytes(4)),
    "three offsets": packed({"d": entry(offsets=(0, 4, 4))}, bytes(4)),
    "backward": packed({"d": entry(shape=(0,), offsets=(4, 0))}, bytes(4)),
    "beyond the file": packed({"d": entry(shape=(1000,), offsets=(0, 4000))}, bytes(4)),
    "overlap": packed({"d": entry(offsets=(0, 4)), "e": entry(offsets=(2, 6))}, bytes(6)),
    "the same twice": packed({"d": entry(), "e": entry()}, bytes(4)),
    "a gap": packed({"d": entry(offsets=(4, 8))}, bytes(8)),
    "more bytes": packed({"d": entry()}, bytes(5)),
    "no bool": packed({"d": entry("BOOL", offsets=(0, 1))}, b"\2"),
    "metadata": packed({"__metadata__": {"a": 3}, "d": GOOD}, bytes(4)),
    "metadata is a list": packed({"__metadata__": [], "d": GOOD}, bytes(4)),
    "without digest": packed({"__metadata__": {"format": "gradstep"}, "d": GOOD}, bytes(4)),
    "other digest": packed({"__metadata__": {"format": "pt", "sha256": "0" * 64}, "d": GOOD}, bytes(4)),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_tensors(data, tmp_path):
    with pytest.raises(ValueError, match="it"):
        safetensors.decode(data, "it")
    (tmp_path / "it").write_bytes(data)
    made = small()
    before = made.get_weights()
    with pytest.raises(ValueError):
        made.load_weights(tmp_path / "it")
    assert all(map(np.array_equal, before, made.get_weights()))


# -- whole models ------------------------------------------------------------------------------------------------------


def remade(path, change) -> None:
    """Write a file anew, with a right checksum, after a change of its members."""
    members = {name: bytes(piece) for name, piece in archive.read(path.read_bytes(), "it").items()}
    change(members)
    with path.open("w+b") as file:
        archive.write(file, {name: [piece] for name, piece in members.items()})


def in_config(change):
    def on(members):
        config = json.loads(members["config.json"])
        change(config)
        members["config.json"] = json.dumps(config).encode()

    return on


def on_layer(**settings):
    return in_config(lambda config: config["model"]["config"]["layers"][1]["config"].update(settings))


def named(name):
    return in_config(lambda config: config["model"]["config"]["layers"][1].update(class_name=name))


CHANGES = {
    "no weights": lambda members: members.pop("weights.safetensors"),
    "no config": lambda members: members.pop("config.json"),
    "config is no JSON": lambda members: members.update({"config.json": b"{"}),
    "config is a list": lambda members: members.update({"config.json": b"[]"}),
    "deep config": lambda members: members.update({"config.json": b"[" * 100_000}),
    "later version": in_config(lambda config: config.update(version=2)),
    "no training": in_config(lambda config: config.pop("training")),
    "training is null": in_config(lambda config: config.update(training=None)),
    "model is null": in_config(lambda config: config.update(model=None)),
    "other model": in_config(lambda config: config["model"].update(class_name="Trainer")),
    "layers are null": in_config(lambda config: config["model"]["config"].update(layers=None)),
    "no layers": in_config(lambda config: config["model"]["config"].update(layers=[])),
    "unknown layer": named("Hashing"),
    "a name of Python": named("os.system"),
    "a base class": named("Layer"),
    "class is a list": named(["Dense"]),
    "unknown setting": on_layer(harm=1),
    "more units": on_layer(units=2),
    "units without end": on_layer(units=2**40),
    "units of no integer": on_layer(units=10**30),
    "no units": on_layer(units=None),
    "other name": on_layer(name="e"),
    "an initializer that is none": on_layer(kernel_initializer={"class_name": "system", "config": {}}),
    "a function": on_layer(kernel_initializer={"class_name": "function", "config": "system"}),
    "input without end": in_config(
        lambda config: config["model"]["config"]["layers"][0]["config"].update(batch_shape=[None, 2**62])
    ),
    "no keys": in_config(lambda config: config["training"].update(layer_keys=[])),
    "a key too many": in_config(lambda config: config["training"].update(layer_keys=[3])),
    "shuffle key": in_config(lambda config: config["training"].update(shuffle_key=[1])),
    "half a pass": in_config(lambda config: config["training"].update(passes=0.5)),
    "endless passes": in_config(lambda config: config["training"].update(passes=2**64)),
    "endless key": in_config(lambda config: config["training"].update(shuffle_key=[2**64, 0])),
    "key of a layer": in_config(lambda config: config["training"].update(layer_keys=[2**64])),
    "passes": in_config(lambda config: config["training"].update(passes=None)),
    "optimizer": in_config(lambda config: config["optimizer"]["optimizer"].update(class_name="Sorcerer")),
    "optimizer's rate": in_config(lambda config: config["optimizer"]["optimizer"]["config"].update(learning_rate=-1)),
    "optimizer is empty": in_config(lambda config: config.update(optimizer={})),
    "loss": in_config(lambda config: config["compile"].update(loss={"class_name": "Sorrow", "config": {}})),
    "metrics": in_config(lambda config: config["compile"].update(metrics=["luck"])),
    "other weights": lambda members: members.update(
        {"weights.safetensors": packed({"d/kernel": entry(shape=(1, 1))}, bytes(4))}
    ),
    "other state": lambda members: members.update({"optimizer.safetensors": packed({"9.m": entry()}, bytes(4))}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_hostile_models(change, tmp_path):
    path = tmp_path / "model"
    made = small()
    made.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0)
    made.save(path)
    gs.models.load_model(path)
    remade(path, change)
    with pytest.raises((ValueError, TypeError)):
        gs.models.load_model(path)


def zipped(file, compression) -> None:
    import zipfile

    with zipfile.ZipFile(file, "w", compression) as target:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            target.writestr(name, b"{}" * 1000)


def test_compressed_archives_are_refused(tmp_path):
    path = tmp_path / "model.keras"
    zipped(path, 8)
    with pytest.raises(ValueError, match="stored"):
        gs.models.load_model(path)


def test_archive_whose_directory_points_elsewhere(tmp_path):
    path = tmp_path / "model"
    small().save(path)
    data = bytearray(path.read_bytes())
    first = data.index(b"PK\1\2")
    for offset in (0, 7, 2**31, len(data)):
        data[first + 42 : first + 46] = struct.pack("<I", offset)
        body = bytes(data[:-64])
        path.write_bytes(body + hashlib.sha256(body).hexdigest().encode())
        if offset:
            with pytest.raises(ValueError):
                gs.models.load_model(path)
        else:
            gs.models.load_model(path)


def test_other_files_are_refused(tmp_path):
    for data in (b"", b"PK\3\4", b"hello", b"\x80\x04K\x01.", b"\x93NUMPY", bytes(1000)):
        (tmp_path / "it").write_bytes(data)
        with pytest.raises(ValueError, match="it"):
            gs.models.load_model(tmp_path / "it")
        with pytest.raises(ValueError, match="it"):
            small().load_weights(tmp_path / "it")


@pytest.mark.parametrize("name", ["m.gradstep", "m.keras", "m.weights.h5", "m.safetensors"])
def test_files_without_a_byte_say_so(name, tmp_path):
    (tmp_path / name).touch()
    model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    for read in (gs.models.load_model, model.load_weights):
        with pytest.raises(ValueError, match=f"{name} is empty: nothing was written to it"):
            read(tmp_path / name)


def test_a_zip_file_that_is_cut_short():
    with pytest.raises(
        ValueError, match=r"^m.keras is damaged, or was not written to its end: File is not a zip file\.$"
    ):
        archive.members(b"PK\3\4" + bytes(100), "m.keras")
