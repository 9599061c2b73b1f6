"""Layers of several inputs: what they give, the way back, and what they refuse."""

from __future__ import annotations

from functools import reduce

import gradstep as gs
import numpy as np
import pytest
from gradients import difference, numeric_gradient
from gradstep import layers
from keras_runs import keras_says
from threads import same_at_any_number_of_threads

FLOAT = {"dtype": "float64"}


def unit(x, axis=1):
    return x / np.linalg.norm(x, axis=axis, keepdims=True)


MERGES = {
    "Add": (lambda: layers.Add(**FLOAT), lambda a, b, c: a + b + c),
    "Multiply": (lambda: layers.Multiply(**FLOAT), lambda a, b, c: a * b * c),
    "Average": (lambda: layers.Average(**FLOAT), lambda a, b, c: (a + b + c) / 3),
    "Maximum": (lambda: layers.Maximum(**FLOAT), lambda a, b, c: np.maximum(np.maximum(a, b), c)),
    "Minimum": (lambda: layers.Minimum(**FLOAT), lambda a, b, c: np.minimum(np.minimum(a, b), c)),
    "Concatenate": (lambda: layers.Concatenate(**FLOAT), lambda a, b, c: np.concatenate([a, b, c], axis=1)),
    "Subtract": (lambda: layers.Subtract(**FLOAT), lambda a, b: a - b),
    "Dot": (lambda: layers.Dot(1, **FLOAT), lambda a, b: (a * b).sum(axis=1, keepdims=True)),
    "normal Dot": (
        lambda: layers.Dot((1, -1), normalize=True, **FLOAT),
        lambda a, b: (unit(a) * unit(b)).sum(axis=1, keepdims=True),
    ),
}


def given(formula, shape=(5, 4)):
    random = np.random.default_rng(1)
    return [random.normal(size=shape) for _ in range(formula.__code__.co_argcount)]


@pytest.mark.parametrize("name", MERGES)
def test_value_and_way_back(name):
    make, formula = MERGES[name]
    layer, xs = make(), given(formula)
    np.testing.assert_allclose(layer(xs), formula(*xs), rtol=1e-14)
    dy = np.random.default_rng(2).normal(size=layer(xs).shape)
    layer(xs, training=True)
    dxs, dws = layer.backward(dy)
    assert dws == []
    for x, dx in zip(xs, dxs, strict=True):
        assert difference(dx, numeric_gradient(lambda: float((formula(*xs) * dy).sum()), x)) <= 1e-7
    with pytest.raises(RuntimeError, match="must be called with training=True"):
        layer.backward(dy)


@pytest.mark.parametrize("name", ["Add", "Multiply", "Average", "Maximum", "Minimum"])
def test_an_axis_of_1_is_stretched(name):
    make, formula = MERGES[name]
    layer, random = make(), np.random.default_rng(3)
    xs = [random.normal(size=shape) for shape in ((5, 1, 3), (5, 4, 1), (5, 4, 3))]
    assert layer.compute_output_shape([(None, 1, 3), (None, 4, 1), (None, 4, 3)]) == (None, 4, 3)
    dy = random.normal(size=(5, 4, 3))
    np.testing.assert_allclose(layer(xs, training=True), formula(*xs), rtol=1e-14)
    for x, dx in zip(xs, layer.backward(dy)[0], strict=True):
        assert dx.shape == x.shape
        assert difference(dx, numeric_gradient(lambda: float((formula(*xs) * dy).sum()), x)) <= 1e-7


@pytest.mark.parametrize("name", ["Add", "Multiply", "Average", "Maximum", "Minimum"])
def test_axes_in_front_may_be_missing(name):
    make, formula = MERGES[name]
    layer, random = make(), np.random.default_rng(4)
    xs = [random.normal(size=shape) for shape in ((5, 3), (5, 4, 1), (5, 2, 1, 3))]
    dy = random.normal(size=(5, 2, 4, 3))
    aligned = [xs[0][:, None, None], xs[1][:, None], xs[2]]
    np.testing.assert_allclose(layer(xs, training=True), formula(*aligned), rtol=1e-14)
    for x, dx in zip(xs, layer.backward(dy)[0], strict=True):
        assert dx.shape == x.shape
        assert difference(dx, numeric_gradient(lambda: float((formula(*aligned) * dy).sum()), x)) <= 1e-7


# Axes, shapes of rows, and what NumPy makes of them.
DOTS = {
    "matrices": (2, (3, 4), (2, 4), "bid,bjd->bij"),
    "matrices, product": ((2, 1), (3, 4), (4, 2), "bid,bdj->bij"),
    "vector and matrix": ((1, 2), (4,), (3, 4), "bd,bjd->bj"),
    "matrix and vector": ((1, -1), (4, 3), (4,), "bdi,bd->bi"),
    "of more axes": ((-2, 2), (2, 4, 3), (5, 4, 2), "bidk,bjdl->bikjl"),
}


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("case", DOTS)
def test_dot_along_axes(case, normalize):
    axes, *rows, formula = DOTS[case]
    layer, random = layers.Dot(axes, normalize, **FLOAT), np.random.default_rng(5)
    xs = [random.normal(size=(3, *row)) for row in rows]
    each = [axes, axes] if isinstance(axes, int) else axes

    def value():
        return np.einsum(formula, *(unit(x, axis) if normalize else x for x, axis in zip(xs, each, strict=True)))

    assert layer.compute_output_shape([(None, *row) for row in rows]) == (None, *value().shape[1:])
    np.testing.assert_allclose(layer(xs, training=True), value(), rtol=1e-13, atol=1e-14)
    dy = random.normal(size=value().shape)
    for x, dx in zip(xs, layer.backward(dy)[0], strict=True):
        assert difference(dx, numeric_gradient(lambda: float((value() * dy).sum()), x)) <= 1e-7


@pytest.mark.parametrize("normalize", [False, True])
def test_dot_of_large_matrices(normalize, dtype):
    """Of several blocks, on any number of threads."""
    layer, random = layers.Dot(2, normalize, dtype=dtype.name), np.random.default_rng(6)
    a, b = (random.normal(size=(9, rows, 130)).astype(dtype) for rows in (70, 33))
    dy = random.normal(size=(9, 70, 33)).astype(dtype)
    y, *dxs = same_at_any_number_of_threads(lambda: [layer([a, b], training=True), *layer.backward(dy)[0]], (1, 3))
    if not normalize:
        close = {"rtol": 0, "atol": 600 * np.finfo(dtype).eps}  # sums of up to 130 products of numbers up to 4
        np.testing.assert_allclose(y, a @ b.swapaxes(1, 2), **close)
        np.testing.assert_allclose(dxs[0], dy @ b, **close)
        np.testing.assert_allclose(dxs[1], dy.swapaxes(1, 2) @ a, **close)


@pytest.mark.parametrize("seed", range(20))
def test_drawn_inputs(seed, dtype):
    """Any number of inputs, ranks, sizes and axes of 1, to the bit; the same array may come twice."""
    random = np.random.default_rng(seed)
    shape = [int(size) for size in random.integers(1, 6, int(random.integers(1, 5)))]
    xs = []
    for _ in range(int(random.integers(2, 6))):
        row = [1 if random.random() < 0.2 else size for size in shape][int(random.integers(len(shape))) :]
        xs.append(random.integers(-4, 5, (7, *row)).astype(dtype) / 3)
    xs.append(xs[0])
    options = {"dtype": dtype.name}
    ndim = max(x.ndim for x in xs)
    aligned = [x.reshape(len(x), *[1] * (ndim - x.ndim), *x.shape[1:]) for x in xs]
    folds = {"Add": np.add, "Multiply": np.multiply, "Maximum": np.maximum, "Minimum": np.minimum}
    for name, fold in folds.items():
        np.testing.assert_array_equal(getattr(layers, name)(**options)(xs), reduce(fold, aligned))
    mean = reduce(np.add, aligned) / dtype.type(len(xs))
    np.testing.assert_array_equal(layers.Average(**options)(xs), mean)
    apart = layers.Subtract(**options)(xs[:2])
    np.testing.assert_array_equal(apart, np.subtract(*aligned[:2]).reshape(apart.shape))
    along = int(random.integers(1, 1 + len(shape)))
    parts = [random.normal(size=(7, *shape)).astype(dtype) for _ in range(3)]
    parts[1] = parts[1].take([0] * 4, axis=along)
    np.testing.assert_array_equal(layers.Concatenate(along, **options)(parts), np.concatenate(parts, along))


def test_equal_ones_share_the_gradient():
    a = np.array([[1.0, 2.0]])
    layer = layers.Maximum(**FLOAT)
    layer([a, a, a], training=True)
    assert [dx.tolist() for dx in layer.backward(np.ones((1, 2)))[0]] == [[[0.25] * 2], [[0.25] * 2], [[0.5] * 2]]


def test_rows_of_zeros_have_no_direction():
    """Where a row is 0, or so short that only its own length decides, its gradient is finite."""
    layer, xs = layers.Dot(1, normalize=True, **FLOAT), [np.zeros((1, 2)), np.array([[3.0, 4.0]])]
    assert layer(xs, training=True).item() == 0
    dxs, _ = layer.backward(np.ones((1, 1)))
    np.testing.assert_allclose(dxs[0], [[0.6e7, 0.8e7]])
    assert not dxs[1].any()


def test_along_another_axis():
    a, b = np.zeros((2, 3, 4)), np.ones((2, 1, 4))
    layer = layers.Concatenate(axis=1, **FLOAT)
    assert layer([a, b], training=True).shape == (2, 4, 4)
    dxs, _ = layer.backward(np.ones((2, 4, 4)))
    assert [dx.shape for dx in dxs] == [a.shape, b.shape]


X, Y = np.zeros((2, 4)), np.zeros((2, 3))
BAD = {
    "one input": (lambda: layers.Add()([X]), ValueError, "must get at least 2 inputs; got 1"),
    "no list": (lambda: layers.Add()(X), TypeError, "must get a list of inputs; got one array"),
    "no list of tensors": (lambda: layers.Add()(gs.Input((4,))), ValueError, "must get a list of inputs"),
    "shapes": (lambda: layers.Add(name="sum")([X, Y]), ValueError, r"'sum' must have equal shapes.*\(4,\), \(3,\)"),
    "axes": (lambda: layers.Add()([X, np.zeros((2, 4, 3))]), ValueError, "must have equal shapes"),
    "rows": (lambda: layers.Add()([X, X[:1]]), ValueError, r"must have the same number of rows; got \[1, 2\]"),
    "three to subtract": (lambda: layers.Subtract()([X] * 3), ValueError, "must get 2 inputs; got 3"),
    "Dot of shapes": (lambda: layers.Dot(1)([X, Y]), ValueError, r"the same size along axes 1; .*\(4,\) and \(3,\)"),
    "Dot along rows": (lambda: layers.Dot(0), ValueError, "axes must be an axis, or two, and none"),
    "Dot flag": (lambda: layers.Dot(1, normalize="yes"), TypeError, "normalize must be"),
    "along rows": (lambda: layers.Concatenate(0), ValueError, "axis must not be 0"),
    "no axis": (lambda: layers.Concatenate(axis=3)([X, Y]), ValueError, "axis must be one of 2 axes"),
    "other axes": (
        lambda: layers.Concatenate(1)([X[:, None], Y[:, None]]),
        ValueError,
        "equal shapes but along axis 1",
    ),
    "nothing": (lambda: layers.Concatenate()([]), ValueError, "at least 1 inputs; got 0"),
    "no numbers": (lambda: layers.Add()([X, "x"]), TypeError, r"x\[1\] must be an array of real numbers"),
    "dy": (lambda: back(np.zeros((2, 3))), ValueError, r"dy has shape \(2, 3\); the call gave \(2, 4\)"),
}


def back(dy):
    layer = layers.Add()
    layer([X, X], training=True)
    layer.backward(dy)


@pytest.mark.parametrize("case", BAD)
def test_refused(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"])
def test_functions_make_a_layer_and_call_it(name):
    random = np.random.default_rng(0)
    xs = [random.normal(size=(4, 3)) for _ in range(2)]
    made = getattr(gs.layers, name)(**({"axes": -1} if name == "Dot" else {}))
    np.testing.assert_array_equal(getattr(gs.layers, name.lower())(xs), made(xs))
    inputs = [gs.Input((3,)), gs.Input((3,))]
    model = gs.Model(inputs, getattr(gs.layers, name.lower())(inputs, name="merged"))
    np.testing.assert_array_equal(model.predict(xs, verbose=0), made(xs))
    assert model.layers[-1].name == "merged"


@pytest.mark.peers
def test_as_keras_has_them():
    """Outputs and gradients of merges of every shape."""
    random = np.random.default_rng(6)
    cases = {f"Dot of {name}": ["Dot", {"axes": axes}, [a, b]] for name, (axes, a, b, _) in DOTS.items()}
    cases |= {
        f"normal {name}": [kind, {**options, "normalize": True}, rows] for name, (kind, options, rows) in cases.items()
    }
    for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum"):
        cases[f"{kind} of ranks"] = [kind, {}, [(3,), (4, 1), (4, 3)]]
    cases["Subtract"] = ["Subtract", {}, [(4, 3), (1, 3)]]
    cases["Concatenate"] = ["Concatenate", {"axis": 1}, [(4, 3), (1, 3), (2, 3)]]
    data = {name: [random.normal(size=(2, *row)).tolist() for row in rows] for name, (_, _, rows) in cases.items()}
    said = keras_says(
        """
import jax
answer = {}
for name, (kind, options, _) in data["cases"].items():
    layer = getattr(keras.layers, kind)(**options)
    xs = [np.array(x) for x in data["xs"][name]]
    answer[name] = layer(xs), jax.grad(lambda xs: (layer(xs) ** 2).sum())(xs)
""",
        cases=cases,
        xs=data,
    )
    for name, (y, gradients) in said.items():
        kind, options, _ = cases[name]
        layer = getattr(layers, kind)(**options, **FLOAT)
        made = layer([np.array(x) for x in data[name]], training=True)
        np.testing.assert_allclose(made, y, rtol=1e-12, atol=1e-13, err_msg=name)
        for dx, gradient in zip(layer.backward(2 * made)[0], gradients, strict=True):
            np.testing.assert_allclose(dx, gradient, rtol=1e-12, atol=1e-13, err_msg=name)
