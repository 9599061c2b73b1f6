"""Gauss-Newton products of models: J^T H J v, the same bits on any number of threads, and clear refusals."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from loss_cases import CASES as LOSSES
from probe import draw_as_in_call
from threads import same_at_any_number_of_threads

L = gs.layers
CONVEX = {
    *("mean_squared_error", "huber", "log_cosh", "poisson", "kl_divergence", "binary_crossentropy", "squared_hinge"),
    *("categorical_crossentropy", "sparse_categorical_crossentropy"),
}
NONE = {"dice", "tversky", "circle"}  # there is no product


def network(outputs, last=None, behind=(), dtype="float64"):
    gs.utils.set_random_seed(3)
    dense = {"dtype": dtype}
    return gs.Sequential(
        [
            gs.Input((4,)),
            L.Dense(5, "tanh", **dense),
            L.BatchNormalization(**dense),
            L.Dropout(0.2, **dense),
            L.Dense(outputs, last, **dense),
            *behind,
        ]
    )


def columns(model, x, directions):
    """J v, a column for each v."""
    return np.stack([model.jvp(x, v, training=True)[1].ravel() for v in directions], axis=1)


def units(weights):
    for i, weight in enumerate(weights):
        for k in range(weight.size):
            v = [np.zeros_like(one) for one in weights]
            v[i].flat[k] = 1
            yield v


def flat(arrays):
    return np.concatenate([array.ravel() for array in arrays])


def focal_part(case, t, y):
    """diag(t f''(p)) between the Jacobians of p, of f = -alpha (1 - p)^gamma log(p)."""
    alpha, gamma = (case.settings.get(name, value) for name, value in (("alpha", 0.25), ("gamma", 2.0)))
    s = case.settings.get("label_smoothing", 0)
    t = t * (1 - s) + s / len(t)
    p = np.exp(y - y.max()) / np.exp(y - y.max()).sum() if case.from_logits else y / y.sum()
    q = p + 1e-30j
    second = (alpha * (gamma * (1 - q) ** (gamma - 1) * np.log(q) - (1 - q) ** gamma / q)).imag / 1e-30
    J = np.diag(p) - np.outer(p, p) if case.from_logits else np.eye(len(p)) / y.sum()
    return J.T @ np.diag(t * np.maximum(second, 0)) @ J


@pytest.mark.parametrize("case", LOSSES, ids=str)
def test_products_are_those_of_the_jacobian_and_the_hessian_of_the_loss(case):
    random = np.random.default_rng(5)
    rows, n = 6, 3
    last, behind = None, []
    if not case.from_logits and "categorical_" in case.kind and case.kind != "categorical_hinge":
        behind = [L.Softmax(dtype="float64"), L.Rescaling(2.0, dtype="float64")]  # so that it is no part of the loss
    elif not case.from_logits and np.all(case.predictions(rows, n, random) > 0):
        last, behind = "sigmoid", [L.Rescaling(0.9, 0.05, dtype="float64")]
    model = network(n, last, behind)
    model.compile("sgd", case.make())
    x, t = random.normal(size=(rows, 4)), case.targets(rows, n, random)
    weight = random.uniform(0.5, 2, rows)
    v = [random.normal(size=one.shape) for one in model.trainable_weights]
    if case.kind in NONE:
        with pytest.raises(ValueError, match="no Gauss-Newton product"):
            model.gauss_newton_product(x, t, v)
        return
    draw_as_in_call(model, 7)
    y = model(x, training=True)
    product = model.gauss_newton_product(x, t, v, sample_weight=weight)
    J = columns(model, x, units(model.trainable_weights))
    loss, step = case.make(), 1e-5

    def slope(y):
        return loss.value_and_grad(t, y, sample_weight=weight)[1].ravel()

    H = np.zeros((y.size, y.size))
    for k in range(y.size):
        moved = np.zeros(y.size)
        moved[k] = step
        H[:, k] = (slope(y + moved.reshape(y.shape)) - slope(y - moved.reshape(y.shape))) / (2 * step)
    for i in range(rows if case.kind not in CONVEX else 0):
        part = slice(i * n, (i + 1) * n)
        if case.kind == "categorical_focal_crossentropy":
            H[part, part] = weight[i] / rows * focal_part(case, t[i], y[i])
        else:
            values, vectors = np.linalg.eigh((H[part, part] + H[part, part].T) / 2)
            H[part, part] = vectors @ np.diag(np.maximum(values, 0)) @ vectors.T
    expected = J.T @ (H @ (J @ flat(v)))
    assert np.abs(flat(product) - expected).max() <= 1e-7 * max(1e-3, np.abs(expected).max())


@pytest.mark.parametrize("penalized", ["kernel_regularizer", "activity_regularizer"])
def test_of_a_linear_model_it_is_the_second_derivative(penalized):
    dense = L.Dense(2, dtype="float64", **{penalized: gs.regularizers.L2(0.3)})
    model = gs.Sequential([gs.Input((3,)), dense])
    model.compile("sgd", "mse")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(7, 3)), random.normal(size=(7, 2))
    v = [random.normal(size=one.shape) for one in model.trainable_weights]
    _, before = model.value_and_grad(x, y)
    product = model.gauss_newton_product(x, y, v)
    for weight, one in zip(model.trainable_weights, v, strict=True):
        weight += one
    _, after = model.value_and_grad(x, y)
    assert np.abs(flat(after) - flat(before) - flat(product)).max() <= 1e-13


def test_softmax_as_a_layer_is_part_of_the_loss():
    random = np.random.default_rng(2)
    x, t = random.normal(size=(6, 4)), np.eye(3)[random.integers(0, 3, 6)]
    found = []
    for last, logits in (("softmax", False), (None, True)):
        model = network(3, last)
        model.compile("sgd", gs.losses.CategoricalCrossentropy(from_logits=logits))
        random = np.random.default_rng(4)
        v = [random.normal(size=one.shape) for one in model.trainable_weights]
        draw_as_in_call(model, 7)
        found.append(flat(model.gauss_newton_product(x, t, v)))
    assert np.array_equal(*found)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_on_any_number_of_threads(dtype):
    gs.utils.set_random_seed(1)
    before = gs.config.floatx()
    gs.config.set_floatx(dtype)
    try:
        inputs = gs.Input((8, 8, 3))
        h = L.Conv2D(8, 3, activation="gelu")(inputs)
        h = L.MaxPooling2D(2)(L.BatchNormalization()(h))
        h = L.Dropout(0.3)(L.LSTM(16)(L.Reshape((9, 8))(h)))
        model = gs.Model(inputs, L.Dense(4, "softmax")(h))
    finally:
        gs.config.set_floatx(before)
    model.compile("sgd", "sparse_categorical_crossentropy")
    random = np.random.default_rng(0)
    x, t = random.normal(size=(70, 8, 8, 3)).astype(dtype), random.integers(0, 4, 70)
    v = [random.normal(size=one.shape).astype(dtype) for one in model.trainable_weights]

    def products():
        draw_as_in_call(model, 7)
        y, dy = model.jvp(x, v, training=True)
        return [y, dy, *model.gauss_newton_product(x, t, v)]

    found = same_at_any_number_of_threads(products, (1, 2, 7))
    assert all(one.dtype == dtype for one in found)


def test_several_outputs_and_shared_layers():
    random = np.random.default_rng(3)
    before = gs.config.floatx()
    gs.config.set_floatx("float64")
    try:
        inputs = gs.Input((4,))
        shared = L.Dense(4, "tanh")
        h = shared(shared(inputs))
        model = gs.Model(inputs, [L.Dense(2, name="a")(h), L.Dense(3, "sigmoid", name="b")(L.Add()([h, inputs]))])
    finally:
        gs.config.set_floatx(before)
    model.compile("sgd", ["mse", "binary_crossentropy"], loss_weights=[0.3, 2.0])
    x = random.normal(size=(5, 4))
    y = [random.normal(size=(5, 2)), random.integers(0, 2, (5, 3)).astype(float)]
    v = [random.normal(size=one.shape) for one in model.trainable_weights]
    w = [random.normal(size=one.shape) for one in model.trainable_weights]
    (_, b), (da, db) = model.jvp(x, v)
    _, (wa, wb) = model.jvp(x, w)
    inner = 0.3 * 2 / 10 * np.sum(da * wa)
    # By the logits, whose sigmoid the loss contains.
    slope = b * (1 - b)
    inner += 2.0 / 15 * np.sum(db / slope * wb / slope * slope)
    assert abs(flat(model.gauss_newton_product(x, y, v)) @ flat(w) - inner) <= 1e-12


def test_what_it_refuses():
    model = network(2)
    model.compile("sgd", "mse")
    x, y = np.zeros((3, 4)), np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"directions must have one for each of 6 trainable weights"):
        model.gauss_newton_product(x, y, [])
    with pytest.raises(ValueError, match=r"directions\[0\] has shape \(2,\); its weight has shape \(4, 5\)"):
        model.jvp(x, [np.zeros(2), *[None] * 5])
    with pytest.raises(TypeError, match=r"directions must be a list"):
        model.jvp(x, 3)
    with pytest.raises(ValueError, match=r"dx must have the shape of x, \(3, 4\); it has \(4, 3\)"):
        model.jvp(x, dx=np.zeros((4, 3)))
    model.compile("sgd", lambda t, y: ((t - y) ** 2, 2 * (y - t)))
    with pytest.raises(ValueError, match="is in Python"):
        model.gauss_newton_product(x, y, [None] * 6)

    class Square(L.Layer):
        def forward(self, x, training=False):
            return x**2

        def backward(self, dy):
            return dy

    with pytest.raises(NotImplementedError, match=r"layer 'sq' must define jvp\(dx, dws\)"):
        gs.Sequential([gs.Input((4,)), Square(name="sq")]).jvp(x, dx=x)
    with pytest.raises(NotImplementedError, match="has a gradient="):
        gs.Sequential([gs.Input((4,)), L.Lambda(np.tanh, gradient=lambda x, dy: dy)]).jvp(x, dx=x)


def test_steps_that_do_not_count():
    gs.utils.set_random_seed(0)
    recurrent = L.LSTM(4, return_sequences=True, dtype="float64", trainable=False)
    masking, dense = L.Masking(dtype="float64"), L.Dense(2, dtype="float64")
    model = gs.Sequential([gs.Input((5, 3)), masking, recurrent, dense])
    model.compile("sgd", "mse")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(6, 5, 3)), random.normal(size=(6, 5, 2))
    x[0, 2:] = x[3, 0] = 0
    # The loss is a square of the last weights: its gradient is linear in them.
    v = [random.normal(size=one.shape) for one in model.trainable_weights]
    _, before = model.value_and_grad(x, y)
    product = model.gauss_newton_product(x, y, v)
    for weight, one in zip(model.trainable_weights, v, strict=True):
        weight += one
    _, after = model.value_and_grad(x, y)
    assert np.abs(flat(after) - flat(before) - flat(product)).max() <= 1e-13
