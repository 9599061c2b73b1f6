"""Images resized, cut out, and changed at random in training."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.layers import (
    CenterCrop,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Resizing,
)
from threads import same_at_any_number_of_threads

DRAW = np.random.default_rng(0)
IMAGES = DRAW.standard_normal((3, 6, 9, 2))

# Of ranges of one number, so that Keras does the same.
FIXED = {
    "move": lambda layers, **k: layers.RandomTranslation((0.3, 0.3), (-0.2, -0.2), **k),
    "turn": lambda layers, **k: layers.RandomRotation((0.1, 0.1), **k),
    "turn back": lambda layers, **k: layers.RandomRotation((-0.3, -0.3), **k),
    "closer": lambda layers, **k: layers.RandomZoom((-0.4, -0.4), **k),
    "farther": lambda layers, **k: layers.RandomZoom((0.5, 0.5), (0.2, 0.2), **k),
}
SIZES = {
    "smaller": lambda layers, **k: layers.Resizing(4, 5, **k),
    "larger": lambda layers, **k: layers.Resizing(9, 14, **k),
    "nearest": lambda layers, **k: layers.Resizing(8, 5, interpolation="nearest", **k),
    "cropped": lambda layers, **k: layers.Resizing(5, 5, crop_to_aspect_ratio=True, **k),
    "padded": lambda layers, **k: layers.Resizing(5, 5, pad_to_aspect_ratio=True, fill_value=0.5, **k),
    "middle": lambda layers, **k: layers.CenterCrop(3, 4, **k),
    "middle of small": lambda layers, **k: layers.CenterCrop(8, 8, **k),
}


# PyTorch below Keras has an __array__ of an older NumPy.
FROM_KERAS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.peers
@FROM_KERAS
@pytest.mark.parametrize("fill", ["reflect", "constant", "nearest", "wrap"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("name", FIXED)
def test_as_keras(name: str, interpolation: str, fill: str) -> None:
    keras = pytest.importorskip("keras")
    options = {"fill_mode": fill, "interpolation": interpolation, "fill_value": 0.5}
    theirs = FIXED[name](keras.layers, **options)(IMAGES.astype("float32"), training=True)
    ours = FIXED[name](gs.layers, **options)(IMAGES, training=True)
    np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(theirs), atol=2e-5)


@pytest.mark.peers
@FROM_KERAS
@pytest.mark.parametrize("name", SIZES)
def test_sizes_as_keras(name: str) -> None:
    keras = pytest.importorskip("keras")
    theirs = SIZES[name](keras.layers)(IMAGES.astype("float32"))
    np.testing.assert_allclose(SIZES[name](gs.layers)(IMAGES), keras.ops.convert_to_numpy(theirs), atol=2e-6)


@pytest.mark.parametrize("name", [*FIXED, *SIZES])
def test_channels_first_is_the_same(name: str) -> None:
    make = {**FIXED, **SIZES}[name]
    last = make(gs.layers)(IMAGES, training=True)
    first = make(gs.layers, data_format="channels_first")(IMAGES.transpose(0, 3, 1, 2), training=True)
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)


@pytest.mark.parametrize("name", [*FIXED, *SIZES])
def test_backward_is_the_adjoint(name: str) -> None:
    layer = {**FIXED, **SIZES}[name](gs.layers, dtype="float64")
    # Padding is no function of x: compare with what zeros give.
    y = layer(IMAGES, training=True) - layer(0 * IMAGES, training=True)
    dy = DRAW.standard_normal(y.shape)
    layer(IMAGES, training=True)
    dx, _ = layer.backward(dy)
    np.testing.assert_allclose((dx * IMAGES).sum(), (dy * y).sum(), rtol=1e-12)


DRAWN = {
    "flip": lambda **k: RandomFlip(**k),
    "move": lambda **k: RandomTranslation(0.3, 0.3, **k),
    "turn": lambda **k: RandomRotation(0.2, **k),
    "zoom": lambda **k: RandomZoom(0.3, **k),
    "crop": lambda **k: RandomCrop(4, 4, **k),
}


@pytest.mark.parametrize("name", DRAWN)
def test_draws(name: str) -> None:
    """Each image by itself, anew in each call, the same for a seed; in inference nothing is drawn."""
    same = np.repeat(IMAGES[:1], 16, 0)
    layer, again = DRAWN[name](seed=1), DRAWN[name](seed=1)
    first, second = layer(same, training=True), layer(same, training=True)
    assert len({image.tobytes() for image in first}) > 2
    assert (first != second).any()
    np.testing.assert_array_equal(again(same, training=True), first)
    assert (DRAWN[name](seed=2)(same, training=True) != first).any()
    expected = IMAGES.astype("float32") if name != "crop" else Resizing(4, 4, crop_to_aspect_ratio=True)(IMAGES)
    np.testing.assert_array_equal(layer(IMAGES), expected)


def test_flips_are_of_both_kinds() -> None:
    pixels = np.arange(4.0).reshape(1, 2, 2, 1).repeat(200, 0)
    for mode, kinds in (("horizontal", 2), ("vertical", 2), ("horizontal_and_vertical", 4)):
        flipped = RandomFlip(mode, seed=0)(pixels, training=True)
        found, counts = np.unique(flipped.reshape(200, 4), axis=0, return_counts=True)
        assert len(found) == kinds
        assert counts.min() > 0.6 * 200 / kinds


def test_crops_are_parts_of_the_image() -> None:
    image = np.arange(25.0).reshape(1, 5, 5, 1).repeat(300, 0)
    crops = RandomCrop(3, 2, seed=0)(image, training=True)[..., 0]
    corners = {int(crop[0, 0]) for crop in crops}
    assert corners == {5 * row + column for row in range(3) for column in range(4)}
    np.testing.assert_array_equal(crops[0] - crops[0, 0, 0], [[0, 1], [5, 6], [10, 11]])


def test_the_same_bits_at_any_number_of_threads() -> None:
    x = DRAW.integers(0, 255, (33, 8, 8, 1)).astype("uint8")
    y = DRAW.integers(0, 2, (33, 1)).astype("float32")

    def trained() -> list[np.ndarray]:
        layers = [RandomFlip(), RandomRotation(0.1), RandomTranslation(0.1, 0.1), RandomZoom(0.1), RandomCrop(6, 6)]
        layers += [gs.layers.Rescaling(1 / 255), gs.layers.Flatten(), gs.layers.Dense(1, "sigmoid")]
        model = gs.Sequential([gs.Input((8, 8, 1)), *layers], seed=5)
        model.compile("adam", "binary_crossentropy")
        model.fit(x, y, epochs=2, batch_size=7, verbose=0)
        return model.get_weights()

    same_at_any_number_of_threads(trained)


@pytest.mark.parametrize("name", [*DRAWN])
def test_configs(name: str) -> None:
    layer = DRAWN[name](seed=3)
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(layer(IMAGES, training=True), again(IMAGES, training=True))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomFlip("sideways"), "mode must be one of"),
        (lambda: RandomTranslation(1.5, 0), "height_factor must be"),
        (lambda: RandomRotation((0.2, 0.1)), "two that rise"),
        (lambda: RandomZoom(-0.1), "at least 0"),
        (lambda: RandomRotation(0.1, fill_mode="mirror"), "fill_mode must be one of"),
        (lambda: Resizing(2, 2, interpolation="bicubic"), "interpolation must be one of"),
        (lambda: Resizing(2, 2, antialias=True), "antialias must be False"),
        (lambda: Resizing(2, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "only one of"),
        (lambda: CenterCrop(0, 2), "height must be at least 1"),
        (lambda: RandomFlip()(np.ones((2, 3))), "must get inputs of shape"),
    ],
)
def test_what_is_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
