"""Layers that move numbers equal NumPy's functions, to the bit; gradients go the same way back."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from keras_runs import built, keras_says
from rearranged_cases import CASES, FIRST, REARRANGED


def made(case, **options):
    name, arguments, shape, formula = CASES[case]
    return getattr(layers, name)(**arguments, **options), shape, formula


def test_every_class_is_here():
    assert {case[0] for case in CASES.values()} == REARRANGED


@pytest.mark.parametrize("case", CASES)
def test_value(case, dtype):
    layer, shape, formula = made(case, dtype=dtype.name)
    x = np.random.default_rng(0).normal(size=(5, *shape)).astype(dtype)
    assert layer.compute_output_shape((None, *shape)) == (None, *formula(x).shape[1:])
    np.testing.assert_array_equal(layer(x), formula(x))
    assert layer(x[:0]).shape == formula(x[:0]).shape


@pytest.mark.parametrize("case", CASES)
def test_gradient(case):
    """EagerExecutor, and in a model, where it is between two others."""
    layer, shape, formula = made(case, dtype="float64")
    random = np.random.default_rng(1)
    x = random.normal(size=(3, *shape))
    dy = random.normal(size=formula(x).shape)
    layer(x, training=True)
    dx, dws = layer.backward(dy)
    assert dws == []
    assert difference(dx, numeric_gradient(lambda: float((formula(x) * dy).sum()), x)) <= 1e-7

    layer, _, _ = made(case, dtype="float64")
    gs.utils.set_random_seed(1)
    options = {"dtype": "float64"}
    model = gs.Sequential(
        [
            gs.Input(shape),
            layers.Dense(shape[-1], "tanh", **options),
            layer,
            layers.Flatten(**options),
            layers.Dense(2, **options),
        ]
    )
    model.compile("sgd", "mse")
    y = random.normal(size=(3, 2))
    _, gradients = model.value_and_grad(x, y)
    for weight, gradient in zip(model.weights, gradients, strict=True):
        assert difference(gradient, numeric_gradient(lambda: model.test_on_batch(x, y), weight)) <= 1e-7


@pytest.mark.parametrize("case", CASES)
def test_configs_and_files(case, tmp_path):
    layer, shape, formula = made(case)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    x = np.random.default_rng(2).normal(size=(4, *shape)).astype(np.float32)
    model = gs.Sequential([gs.Input(shape), layer, layers.Flatten(), layers.Dense(2)])
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    np.testing.assert_array_equal(loaded.layers[0](x), formula(x))


@pytest.mark.parametrize("seed", range(20))
def test_drawn_arguments(seed):
    """Any amounts, sizes and permutations, over data as it comes: uint8, float64, not in C order."""
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 4))
    first = bool(random.integers(2))
    shape = tuple(int(size) for size in random.integers(3, 7, n + 1))
    ends = [tuple(int(end) for end in random.integers(0, 2, 2)) for _ in range(n)]
    factors = [int(factor) for factor in random.integers(1, 4, n)]
    axes = range(2, 2 + n) if first else range(1, 1 + n)
    x = random.integers(0, 255, (4, *shape)).astype(np.uint8)
    kept, all_ends, repeated = [slice(None)] * x.ndim, [(0, 0)] * x.ndim, x
    for axis, (before, after), factor in zip(axes, ends, factors, strict=True):
        kept[axis], all_ends[axis] = slice(before, x.shape[axis] - after), (before, after)
        repeated = repeated.repeat(factor, axis)
    x = np.asfortranarray(x) if seed % 2 else x
    order = [int(axis) for axis in random.permutation(n + 1) + 1]
    formats = {"data_format": FIRST} if first else {}
    amounts = ends if n > 1 else ends[0]
    cases = [
        (layers.Permute(order), x.transpose(0, *order)),
        (getattr(layers, f"ZeroPadding{n}D")(amounts, **formats), np.pad(x, all_ends)),
    ]
    if n > 1 or not first:  # Keras's have no data_format for one axis
        cases += [
            (getattr(layers, f"Cropping{n}D")(amounts, **formats), x[tuple(kept)]),
            (getattr(layers, f"UpSampling{n}D")(factors if n > 1 else factors[0], **formats), repeated),
        ]
    for layer, expected in cases:
        np.testing.assert_array_equal(layer(x), expected.astype(np.float32))
        model = gs.Sequential([gs.Input(shape), layer])
        np.testing.assert_array_equal(model.predict(x, verbose=0, batch_size=3), expected.astype(np.float32))


def between(n, factor):
    """What each of n * factor places takes of n, whose middles they lie between."""
    at = np.clip((np.arange(n * factor) + 0.5) / factor - 0.5, 0, n - 1)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(n)), 0)


@pytest.mark.parametrize("data_format", ["channels_last", FIRST])
@pytest.mark.parametrize("size", [(2, 2), (3, 1), (1, 4)])
def test_bilinear(size, data_format, tmp_path):
    """A product by what each row, and each column, is between; its gradient is that of the transposed ones."""
    layer = layers.UpSampling2D(size, data_format, "bilinear", dtype="float64")
    rows, columns = between(3, size[0]), between(5, size[1])
    random, first = np.random.default_rng(0), data_format == FIRST
    x = random.normal(size=(2, 4, 3, 5) if first else (2, 3, 5, 4))
    y = layer(x, training=True)
    way = "bchw,ih,jw->bcij" if first else "bhwc,ih,jw->bijc"
    np.testing.assert_allclose(y, np.einsum(way, x, rows, columns), rtol=0, atol=1e-12)
    dy = random.normal(size=y.shape)
    dx, _ = layer.backward(dy)
    back = "bcij,ih,jw->bchw" if first else "bijc,ih,jw->bhwc"
    np.testing.assert_allclose(dx, np.einsum(back, dy, rows, columns), rtol=0, atol=1e-12)
    model = gs.Sequential([gs.Input(x.shape[1:]), layer])
    model.save(tmp_path / "model.gradstep")
    loaded = gs.models.load_model(tmp_path / "model.gradstep")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def called(name, shape, **arguments):
    return lambda: getattr(layers, name)(**arguments, name="it")(np.zeros(shape))


BAD = {
    "no permutation": (called("Permute", (2, 3, 4), dims=(1, 3)), ValueError, "each of the numbers from 1 on once"),
    "no axes": (called("Permute", (2, 3), dims=()), ValueError, "each of the numbers"),
    "dims": (called("Permute", (2, 3), dims=1), TypeError, "dims must be a sequence of int; got 1"),
    "axes to permute": (
        called("Permute", (2, 3), dims=(2, 1)),
        ValueError,
        r"'it' must get inputs of 3 axes.*\(None, 3\)",
    ),
    "no repeats": (called("RepeatVector", (2, 3), n=0), ValueError, "n must be at least 1; got 0"),
    "half a repeat": (called("RepeatVector", (2, 3), n=1.5), TypeError, "n must be a whole number"),
    "rows to repeat": (called("RepeatVector", (2, 3, 4), n=2), ValueError, r"\(rows, features\); got \(None, 3, 4\)"),
    "no steps": (called("Cropping1D", (2, 3)), ValueError, r"\(rows, steps, channels\); got \(None, 3\)"),
    "nothing left": (called("Cropping1D", (2, 3, 1), cropping=(1, 2)), ValueError, r"takes \(1, 2\) of axis 1"),
    "less than none": (called("Cropping1D", (2, 3, 1), cropping=-1), ValueError, "cropping must be at least 0; got -1"),
    "three ends": (called("Cropping1D", (2, 3, 1), cropping=(1, 1, 1)), ValueError, "for before and after"),
    "no picture": (
        called("ZeroPadding2D", (2, 3, 4), data_format=FIRST),
        ValueError,
        r"\(rows, channels, height, width\); got \(None, 3, 4\)",
    ),
    "axes to pad": (called("ZeroPadding2D", (2, 3, 4, 1), padding=(1, 1, 1)), ValueError, "have 2 members"),
    "ends to pad": (
        called("ZeroPadding3D", (2, 3, 3, 3, 1), padding=(1, (1, 2, 3), 1)),
        ValueError,
        r"padding\[1\] must be an int or two",
    ),
    "format": (called("UpSampling3D", (2, 3, 3, 3, 1), data_format="last"), ValueError, "data_format must be one of"),
    "factors": (called("UpSampling2D", (2, 3, 3, 1), size=(2, 2, 2)), ValueError, "size must be an int or 2"),
    "factor": (called("UpSampling2D", (2, 3, 3, 1), size=(2, 0)), ValueError, r"size\[1\] must be at least 1; got 0"),
    "steps by two": (called("UpSampling1D", (2, 3, 1), size=(2,)), TypeError, "size must be a whole number"),
    "between": (
        called("UpSampling2D", (2, 3, 3, 1), interpolation="bicubic"),
        ValueError,
        "interpolation must be .*'bicubic'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refused(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.peers
def test_as_keras_has_them():
    """Outputs and configs, of ours in Keras's classes and the other way round."""
    rows = {name: [CASES[name][0], CASES[name][1]] for name in CASES}
    data = {name: np.random.default_rng(3).normal(size=(2, *case[2])).tolist() for name, case in CASES.items()}
    said = keras_says(
        """
from keras_runs import built
answer = {}
for name, row in data["rows"].items():
    layer, = built(keras, [row])
    config = {key: value for key, value in layer.get_config().items() if key not in ("dtype", "name", "trainable")}
    again = type(layer).from_config(data["configs"][name])
    x = np.array(data["x"][name])
    assert np.array_equal(layer(x), again(x))
    answer[name] = layer(x), config
""",
        "jax",
        rows=rows,
        x=data,
        configs={name: built(gs, [row])[0].get_config() for name, row in rows.items()},
    )
    for name, (y, config) in said.items():
        (layer,) = built(gs, [rows[name]])
        np.testing.assert_array_equal(layer(np.array(data[name])), np.array(y))
        kept = layer.get_config()
        assert {key: value for key, value in config.items() if kept[key] != value} == {}
        again = type(layer).from_config(config)
        assert again.get_config() | {"name": ""} == layer.get_config() | {"name": "", "dtype": again.dtype}
