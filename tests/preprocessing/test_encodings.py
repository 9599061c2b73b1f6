"""`CategoryEncoding`, `Discretization`, `Hashing`, `HashedCrossing`: formulas, models, files, Keras's numbers."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from gradstep.preprocessing.fingerprints import fingerprint, siphash
from keras_runs import keras_says

MODES = ("one_hot", "multi_hot", "count")
IDS = np.array([[0, 3, 3], [2, 1, 0], [1, 1, 1]])


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 3), (2, 2, 3)])
@pytest.mark.parametrize("mode", MODES)
def test_rows_of_categories(mode, shape):
    x = np.random.default_rng(0).integers(0, 4, shape)
    layer = layers.CategoryEncoding(4, mode)
    each = np.eye(4)[x]
    if mode == "one_hot":
        expected = each[..., 0, :] if shape == (3, 1) else each
    else:
        expected = each.sum(axis=-2)
        expected = np.minimum(expected, 1) if mode == "multi_hot" else expected
    made = layer(x)
    assert np.array_equal(made, expected)
    assert made.dtype == np.float32
    assert layer.compute_output_shape(shape) == expected.shape


def test_weights_of_counts():
    layer = layers.CategoryEncoding(4, "count")
    weights = np.array([[0.5, 1.0, 2.0], [1.0, 1.0, 1.0], [0.25, 0.0, 0.5]])
    made = layer(IDS, count_weights=weights)
    np.testing.assert_allclose(made, [[0.5, 0, 0, 3], [1, 1, 1, 0], [0, 0.75, 0, 0]])
    with pytest.raises(ValueError, match="count_weights must be for output_mode='count'"):
        layers.CategoryEncoding(4)(IDS, count_weights=weights)
    with pytest.raises(ValueError, match="have the shape of x"):
        layer(IDS, count_weights=weights[:2])


def test_in_a_model(tmp_path):
    ids, numbers = gs.Input((3,), dtype="int32", name="ids"), gs.Input((2,), name="numbers")
    kinds = layers.CategoryEncoding(4, "count")(ids)
    bins = layers.Flatten()(layers.Discretization([0.0, 1.0], output_mode="one_hot")(numbers))
    learned = layers.Discretization(num_bins=2)
    learned.adapt(np.arange(10.0))
    both = layers.Concatenate()([kinds, bins, learned(numbers)])
    model = gs.Model([ids, numbers], layers.Dense(1)(both))
    x = [IDS, np.array([[-1.0, 9.0], [0.0, 0.5], [1.0, 2.0]])]
    model.compile("adam", "mse")
    model.fit(x, np.ones(3), epochs=2, verbose=0)
    one_hot = layers.Discretization([0.0, 1.0], output_mode="one_hot")(x[1]).reshape(3, -1)
    rows = np.hstack([layers.CategoryEncoding(4, "count")(IDS), one_hot, [[0, 1], [0, 0], [0, 0]]])
    dense = model.layers[-1]
    np.testing.assert_allclose(model.predict(x, verbose=0), rows @ dense.kernel + dense.bias, atol=1e-6)
    model.save(tmp_path / "model.gradstep")
    again = gs.models.load_model(tmp_path / "model.gradstep")
    assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_boundaries():
    layer = layers.Discretization([0.0, 1.0])
    assert layer(np.array([-np.inf, -0.5, 0.0, 0.5, 1.0, np.inf])).tolist() == [0, 0, 1, 1, 2, 2]
    assert layers.Discretization([0.0], output_mode="multi_hot")([[1.0, 2.0]]).tolist() == [[0.0, 1.0]]
    learned, data = layers.Discretization(num_bins=4), np.random.default_rng(0).normal(size=4000)
    learned.adapt(data)
    counts = np.bincount(learned(data))
    assert len(counts) == 4
    assert counts.min() > 900
    again = layers.Discretization.from_config(learned.get_config())
    assert again.bin_boundaries == learned.bin_boundaries
    batches = layers.Discretization(num_bins=4)
    batches.adapt((np.random.default_rng(i).normal(size=500) for i in range(9)), steps=3)
    assert len(batches.bin_boundaries) == 3


def test_bins_of_a_hash():
    layer = layers.Hashing(50)
    words = [["one", "a word of more than sixteen letters", "three" * 9], ["four", "x" * 200, ""]]
    made = layer(words)
    assert made.shape == (2, 3)
    assert np.array_equal(made, layers.Hashing(50)(np.array(words)))
    assert np.array_equal(layers.Hashing(50)([7, -12, 2**62]), layers.Hashing(50)(["7", "-12", str(2**62)]))
    masked = layers.Hashing(4, mask_value="")(["", "a", "b", "c", "d", "e"])
    assert masked[0] == 0
    assert masked[1:].min() >= 1
    assert layers.Hashing(3, output_mode="count")([["a", "a", "b"]]).sum() == 3
    assert layers.Hashing.from_config(layers.Hashing(9, salt=3).get_config())("a") == layers.Hashing(9, salt=[3, 3])(
        "a"
    )


def test_published_bins():
    """Those of Keras's documentation, and the vector of SipHash's paper."""
    letters = [["A"], ["B"], ["C"], ["D"], ["E"]]
    assert layers.Hashing(3)(letters).ravel().tolist() == [1, 0, 1, 1, 2]
    assert layers.Hashing(3, mask_value="")([["A"], ["B"], [""], ["C"], ["D"]]).ravel().tolist() == [1, 1, 0, 2, 2]
    assert layers.Hashing(3, salt=[133, 137])(letters).ravel().tolist() == [1, 2, 1, 0, 2]
    assert layers.Hashing(3, salt=133)(letters).ravel().tolist() == [0, 0, 2, 1, 0]
    pairs = (["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102])
    assert layers.HashedCrossing(5)(pairs).tolist() == [1, 4, 1, 1, 3]
    assert layers.HashedCrossing(5, "one_hot")(pairs).argmax(axis=1).tolist() == [1, 4, 1, 1, 3]
    key = int.from_bytes(bytes(range(8)), "little"), int.from_bytes(bytes(range(8, 16)), "little")
    assert siphash(bytes(range(15)), key) == 0xA129CA6149BE45E5


# Of FarmHash's own library, for the first n letters of a text.
TEXT = ("the quick brown fox jumps over the lazy dog " * 4).encode()
FINGERPRINTS = {
    0: 0x9AE16A3B2F90404F,
    2: 0x5C9F3A4EED516DE8,
    3: 0x6132D02E3F9FAF6A,
    4: 0xDE4D3FDDEBDB0BD,
    7: 0x58994D61436EC088,
    8: 0xF1D0E3CA7AE0B8FE,
    16: 0x53FDFE1A208A5526,
    17: 0x9D20E2DBE4AB1185,
    32: 0xFA66EE2D801258CF,
    33: 0xD4C34435E5C9E3CD,
    64: 0x6BCD077F0CBF1590,
    65: 0xB8C53E8AFA04D46B,
    127: 0xAF8DC477F7B16A3F,
    128: 0x77DE96A27CA0F7C5,
    170: 0x72C512B04BB9D8F2,
}


@pytest.mark.parametrize("length", FINGERPRINTS)
def test_fingerprints_of_any_length(length):
    assert fingerprint(TEXT[:length]) == FINGERPRINTS[length]


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"x must be whole numbers from 0 to 3, by num_tokens; got 4"):
        layers.CategoryEncoding(4)([1, 4])
    with pytest.raises(ValueError, match=r"got 0\.5"):
        layers.CategoryEncoding(4)([0.5])
    with pytest.raises(ValueError, match="output_mode must be"):
        layers.CategoryEncoding(4, "int")
    with pytest.raises(ValueError, match="takes bin_boundaries or num_bins, one of them"):
        layers.Discretization()
    with pytest.raises(ValueError, match="in rising order"):
        layers.Discretization([1.0, 0.0])
    with pytest.raises(ValueError, match="has no boundaries: call adapt"):
        layers.Discretization(num_bins=3)([1.0])
    with pytest.raises(ValueError, match="make it with num_bins to adapt it"):
        layers.Discretization([1.0]).adapt(np.ones(3))
    with pytest.raises(ValueError, match="epsilon"):
        layers.Discretization([1.0], epsilon=0.0)
    with pytest.raises(TypeError, match="x must be strings or integers; got"):
        layers.Hashing(3)([1.5])
    with pytest.raises(TypeError, match="salt must be an int, a pair"):
        layers.Hashing(3, salt="s")
    with pytest.raises(TypeError, match="mask_value must be"):
        layers.Hashing(3, mask_value=0.5)
    with pytest.raises(ValueError, match="must have one shape"):
        layers.HashedCrossing(3)((["a"], ["b", "c"]))
    with pytest.raises(TypeError, match="x must be two arrays"):
        layers.HashedCrossing(3)(["a"])


@pytest.mark.peers
def test_keras_says_the_same(tmp_path):
    layer = layers.Discretization(num_bins=5, output_mode="one_hot")
    batches = [np.random.default_rng(i).normal(size=300).astype("float32") for i in range(3)]
    layer.adapt(iter(batches))
    model = gs.Sequential([gs.Input((3,)), layer, layers.Flatten(), layers.CategoryEncoding(2, "count")])
    model.save(tmp_path / "ours.keras")
    x = np.random.default_rng(9).normal(size=(4, 3))
    theirs = keras_says(
        """
L, batches = keras.layers, [np.array(batch, "float32") for batch in data["batches"]]
bins = L.Discretization(num_bins=5)
for batch in batches:
    bins.update_state(batch)
bins.finalize_state()
ids = np.array(data["ids"])
read = keras.models.load_model(f"{data['folder']}/ours.keras")
last = L.Discretization([1.0], output_mode="one_hot")
model = keras.Sequential([keras.Input((3,)), L.Discretization([0.0, 0.5]), last, L.Flatten()])
model.save(f"{data['folder']}/theirs.keras")
answer = {
    "boundaries": bins.bin_boundaries,
    "rows": [L.CategoryEncoding(4, output_mode=mode)(ids) for mode in ("one_hot", "multi_hot", "count")],
    "ours": read.predict(np.array(data["x"]), verbose=0),
    "theirs": model.predict(np.array(data["x"]), verbose=0),
}
""",
        backend="torch",
        batches=[batch.tolist() for batch in batches],
        ids=IDS.tolist(),
        x=x.tolist(),
        folder=str(tmp_path),
    )
    np.testing.assert_allclose(layer.bin_boundaries, theirs["boundaries"], rtol=1e-6)
    for mode, rows in zip(MODES, theirs["rows"], strict=True):
        assert np.array_equal(layers.CategoryEncoding(4, mode)(IDS), rows)
    np.testing.assert_allclose(model.predict(x, verbose=0), theirs["ours"])
    read = gs.models.load_model(tmp_path / "theirs.keras")
    np.testing.assert_allclose(read.predict(x, verbose=0), theirs["theirs"])
