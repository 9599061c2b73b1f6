"""Weights in files: ours, and others' of the safetensors format."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.saving import safetensors


def model(hidden: int = 4, dtype: str = "float32", **names: str) -> gs.Sequential:
    first = gs.layers.Dense(hidden, "tanh", dtype=dtype, name=names.get("first"))
    return gs.Sequential([gs.Input((3,)), first, gs.layers.Dense(2, dtype=dtype, name=names.get("last"))])


def same(one: gs.Sequential, other: gs.Sequential) -> bool:
    return all(map(np.array_equal, one.weights, other.weights))


@pytest.mark.parametrize("write", ["save", "save_weights"])
def test_weights_come_back(tmp_path, write, dtype):
    first, second = model(dtype=str(dtype)), model(dtype=str(dtype))
    assert first.layers[0].name != second.layers[0].name  # both are counted; their order is the same
    getattr(first, write)(tmp_path / "it")
    views = second.weights
    assert not same(first, second)
    second.load_weights(tmp_path / "it")
    assert same(first, second)
    assert all(np.shares_memory(a, b) for a, b in zip(views, second.weights, strict=True))


def test_names_decide(tmp_path):
    square = [gs.layers.Dense(3, name=name) for name in ("a", "b")]
    crossed = [gs.layers.Dense(3, name=name) for name in ("b", "a")]
    first, second = gs.Sequential([gs.Input((3,)), *square]), gs.Sequential([gs.Input((3,)), *crossed])
    first.save_weights(tmp_path / "it")
    second.load_weights(tmp_path / "it")
    assert (square[0].kernel == crossed[1].kernel).all()
    assert (square[1].kernel == crossed[0].kernel).all()


def test_other_weights_are_refused_and_none_changed(tmp_path):
    model(first="a", last="b").save_weights(tmp_path / "it")
    for other in (model(5, first="a", last="b"), gs.Sequential([gs.Input((3,)), gs.layers.Dense(4, name="a")])):
        before = other.get_weights()
        with pytest.raises(ValueError, match="it"):
            other.load_weights(tmp_path / "it")
        assert all(map(np.array_equal, before, other.weights))


def test_skip_mismatch(tmp_path):
    source, target = model(first="a", last="b"), model(first="a", last="c")
    source.save_weights(tmp_path / "it")
    # the names of layers differ, the order is the same: nothing to skip
    target.load_weights(tmp_path / "it", skip_mismatch=True)
    assert same(source, target)
    wider = gs.Sequential([gs.Input((3,)), gs.layers.Dense(4, name="a"), gs.layers.Dense(5, name="b")])
    before = wider.layers[1].get_weights()
    with pytest.warns(UserWarning, match="layer 'b' has weights of shapes"):
        wider.load_weights(tmp_path / "it", skip_mismatch=True)
    assert (wider.layers[0].kernel == source.layers[0].kernel).all()
    assert all(map(np.array_equal, before, wider.layers[1].weights))
    with pytest.raises(TypeError, match="skip_mismatch"):
        wider.load_weights(tmp_path / "it", skip_mismatch="yes")


def test_training_goes_on_with_loaded_weights(tmp_path):
    """An optimizer that knows the weights still does."""
    made = model()
    made.compile("sgd", "mse")
    x, y = np.ones((4, 3)), np.ones((4, 2))
    made.save_weights(tmp_path / "it")
    first = made.fit(x, y, epochs=3, verbose=0, shuffle=False).history
    made.load_weights(tmp_path / "it")
    assert made.fit(x, y, epochs=3, verbose=0, shuffle=False).history == first


# -- the format --------------------------------------------------------------------------------------------------------

ARRAYS = {
    **{code: np.arange(6).astype(dtype).reshape(2, 3) for code, dtype in safetensors.CODES.items()},
    "scalar": np.array(3.5),
    "empty": np.zeros((0, 4), np.float32),
    "strided": np.arange(12.0).reshape(3, 4)[::2, ::-1],
    "other order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big end": np.arange(3, dtype=">f4"),
    "nan": np.array([np.nan, -np.inf, -0.0], np.float32),
    "name \" of 'ü": np.ones(1, np.int8),
}


@pytest.mark.parametrize("checked", [True, False])
def test_arrays_come_back_to_the_bit(checked):
    data = b"".join(map(bytes, safetensors.encode(ARRAYS, checked)))
    found = safetensors.decode(data, "it")
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].shape == array.shape
        assert found[name].dtype == array.dtype.newbyteorder("=")
        assert found[name].tobytes() == array.astype(found[name].dtype).tobytes()
    assert (len(data) - sum(array.nbytes for array in ARRAYS.values())) % 8 == 0


def test_arrays_without_a_name_in_the_format_are_refused():
    for array in (np.ones(1, complex), np.array(["a"]), np.array([None])):
        with pytest.raises(TypeError, match="it has dtype"):
            safetensors.encode({"it": array})


def test_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.array([1.5, -2.0, 3e38], ml_dtypes.bfloat16)
    found = safetensors.decode(b"".join(map(bytes, safetensors.encode({"it": array}))), "it")["it"]
    assert found.dtype == np.float32
    assert (found == array.astype(np.float32)).all()


@pytest.mark.peers
def test_the_package_reads_ours_and_we_its(tmp_path):
    package = pytest.importorskip("safetensors.numpy")
    arrays = {name: array for name, array in ARRAYS.items() if array.dtype.isnative}
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}  # it takes no others
    (tmp_path / "ours").write_bytes(b"".join(map(bytes, safetensors.encode(arrays))))
    package.save_file(arrays, tmp_path / "theirs", metadata={"format": "pt"})
    found = package.load_file(tmp_path / "ours")
    read = safetensors.decode((tmp_path / "theirs").read_bytes(), "it")
    for name, array in arrays.items():
        for other in (found[name], read[name]):
            assert other.dtype == array.dtype
            assert other.shape == array.shape
            assert other.tobytes() == array.tobytes()


@pytest.mark.peers
def test_weights_of_the_package(tmp_path):
    package = pytest.importorskip("safetensors.numpy")
    source, target = model(first="a", last="b"), model(first="a", last="b")
    source.save_weights(tmp_path / "ours")
    package.save_file(package.load_file(tmp_path / "ours"), tmp_path / "theirs")
    target.load_weights(tmp_path / "theirs")
    assert same(source, target)
    with pytest.raises(ValueError, match="has a weight 'a/bias', which the model does not have"):
        model(first="x", last="b").load_weights(tmp_path / "theirs")  # of unknown order


def test_model_checkpoint_writes_files_that_are_read(tmp_path):
    made = model()
    made.compile("adam", "mse")
    x, y = np.ones((4, 3)), np.ones((4, 2))
    keep = [
        gs.callbacks.ModelCheckpoint(tmp_path / "{epoch}.gradstep"),
        gs.callbacks.ModelCheckpoint(tmp_path / "best.weights", "loss", save_best_only=True, save_weights_only=True),
    ]
    made.fit(x, y, epochs=3, verbose=0, callbacks=keep)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "1.gradstep",
        "2.gradstep",
        "3.gradstep",
        "best.weights",
    ]
    last, best = gs.models.load_model(tmp_path / "3.gradstep"), model()
    best.load_weights(tmp_path / "best.weights")
    assert same(last, made)
    assert same(best, made)
    assert gs.models.load_model(tmp_path / "1.gradstep").optimizer.iterations == 1
