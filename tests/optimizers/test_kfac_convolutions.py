"""K-FAC of convolutions: factors and steps beside NumPy, bits, and that it trains."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from threads import same_at_any_number_of_threads

RATE, DAMPING = 0.05, 0.03


def model_of(padding="valid", strides=1, pool=False, use_bias=True, dtype="float64"):
    layers = [
        gs.Input((6, 5, 2), dtype=dtype),
        gs.layers.Conv2D(3, (3, 2), strides, padding, activation="tanh", use_bias=use_bias, dtype=dtype),
        *([gs.layers.MaxPooling2D(2, dtype=dtype)] if pool else []),
        gs.layers.Flatten(dtype=dtype),
        gs.layers.Dense(2, dtype=dtype),
    ]
    model = gs.Sequential(layers)
    rng = np.random.default_rng(3)
    model.set_weights([rng.standard_normal(w.shape) / 2 for w in model.get_weights()])
    return model


def data(rows=7, dtype="float64"):
    rng = np.random.default_rng(4)
    return rng.standard_normal((rows, 6, 5, 2)).astype(dtype), rng.standard_normal((rows, 2)).astype(dtype)


def fit(model, x, y, epochs=1, **options):
    return model.fit(x, y, batch_size=len(x), epochs=epochs, shuffle=False, verbose=0, **options)


def patches(x, padding, strides):
    """(samples, places, numbers under a window of 3 x 2)"""
    if padding == "same":  # an odd number of zeros has one more behind
        places = [-(-n // strides) for n in x.shape[1:3]]
        total = [max((p - 1) * strides + k - n, 0) for p, k, n in zip(places, (3, 2), x.shape[1:3], strict=True)]
        x = np.pad(x, [(0, 0), *[(t // 2, t - t // 2) for t in total], (0, 0)])
    found = [
        x[:, i : i + 3, j : j + 2].reshape(len(x), -1)
        for i in range(0, x.shape[1] - 2, strides)
        for j in range(0, x.shape[2] - 1, strides)
    ]
    return np.stack(found, axis=1), (len(range(0, x.shape[1] - 2, strides)), len(range(0, x.shape[2] - 1, strides)))


def backward(model, x, y, padding, strides, pool):
    """Inputs (rows, numbers) of the convolution, and gradients of the loss of a sample by its sums (rows, filters)."""
    kernel, *rest = model.get_weights()
    bias = rest.pop(0) if model.layers[0].use_bias else np.zeros(3)
    under, (high, wide) = patches(x, padding, strides)
    made = np.tanh(under @ kernel.reshape(-1, 3) + bias).reshape(len(x), high, wide, 3)
    if pool:
        cut = made[:, : high // 2 * 2, : wide // 2 * 2]
        blocks = cut.reshape(len(x), high // 2, 2, wide // 2, 2, 3)
        outputs = blocks.max(axis=(2, 4))
    else:
        outputs = made
    flat = outputs.reshape(len(x), -1)
    dz = flat @ rest[0] + rest[1] - y  # of the mean over two numbers of their squares
    dy = (dz @ rest[0].T).reshape(outputs.shape)
    if pool:
        chosen = blocks == outputs[:, :, None, :, None]
        spread = np.zeros_like(made)
        spread[:, : high // 2 * 2, : wide // 2 * 2] = (chosen * dy[:, :, None, :, None]).reshape(cut.shape)
        dy = spread
    rows = under.reshape(-1, under.shape[2])
    if model.layers[0].use_bias:
        rows = np.c_[rows, np.ones(len(rows))]
    return rows, (dy * (1 - made**2)).reshape(-1, 3)


@pytest.mark.parametrize(
    ("padding", "strides", "pool", "use_bias"),
    [("valid", 1, False, True), ("same", 1, True, True), ("same", 2, False, False), ("valid", 2, False, True)],
)
def test_factors_and_steps_equal_numpy(padding, strides, pool, use_bias):
    model = model_of(padding, strides, pool, use_bias)
    optimizer = gs.optimizers.KFAC(
        RATE, 0.0, DAMPING, float("inf"), factor_decay=0.6, factor_period=1, inverse_period=1, fisher="empirical"
    )
    model.compile(optimizer, "mse")
    x, y = data()
    kept = 0.0, 0.0
    for step in range(3):
        before = model.get_weights()
        rows, dz = backward(model, x, y, padding, strides, pool)
        fit(model, x, y)
        keep = min(step / (step + 1), 0.6)
        kept = tuple(
            keep * old + (1 - keep) * new
            for old, new in zip(kept, (rows.T @ rows / len(rows), dz.T @ dz / len(x)), strict=True)
        )
        state = optimizer.state_dict()
        np.testing.assert_allclose(state["0.a"], kept[0], rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(state["0.g"], kept[1], rtol=1e-11, atol=1e-13)
        direction = state["0.a_inverse"] @ (rows.T @ dz / len(x)) @ state["0.g_inverse"]
        moved = before[0].reshape(-1, 3) - RATE * direction[: before[0].size // 3]
        np.testing.assert_allclose(model.get_weights()[0].reshape(-1, 3), moved, rtol=1e-10, atol=1e-12)
        if use_bias:
            np.testing.assert_allclose(model.get_weights()[1], before[1] - RATE * direction[-1], rtol=1e-10, atol=1e-12)
        pi = np.sqrt(np.trace(kept[0]) / len(kept[0]) / (np.trace(kept[1]) / 3))
        inverse = np.linalg.inv(kept[0] + pi * np.sqrt(DAMPING) * np.eye(len(kept[0])))
        np.testing.assert_allclose(state["0.a_inverse"], inverse, rtol=1e-9, atol=1e-10)


def test_the_same_bits_at_any_number_of_threads():
    def trained():
        model = model_of("same", pool=True, dtype="float32")
        model.compile(gs.optimizers.KFAC(seed=9, inverse_period=2), "mse")
        fit(model, *data(100, "float32"), epochs=3)
        return model.get_weights()

    same_at_any_number_of_threads(trained, (1, 2, 7))


def test_it_gets_further_than_adam():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 8, 8, 3)).astype("f4")
    y = np.stack([(x[:, :4] ** 2).mean((1, 2, 3)), x[:, 2:6, 2:6].mean((1, 2, 3))], axis=1)
    lost = []
    for optimizer in (gs.optimizers.KFAC(momentum=0.5, seed=1), gs.optimizers.Adam(0.01)):
        gs.utils.set_random_seed(2)
        model = gs.Sequential(
            [
                gs.Input((8, 8, 3)),
                gs.layers.Conv2D(16, 3, activation="tanh"),
                gs.layers.Conv2D(12, 3, activation="tanh"),
                gs.layers.GlobalAveragePooling2D(),
                gs.layers.Dense(2),
            ]
        )
        model.compile(optimizer, "mse")
        lost.append(fit(model, x, y, epochs=40).history["loss"][-1])
    assert lost[0] < lost[1] / 2  # 0.0003 and 0.003


def test_a_diagonal_leaves_convolutions_to_adam():
    model = model_of()
    model.compile(gs.optimizers.DiagonalNaturalGradient(0.5, adam_lr_ratio=0.01), "mse")
    other = model_of()
    other.compile(gs.optimizers.Adam(0.005), "mse")
    for one in (model, other):
        fit(one, *data())
    np.testing.assert_allclose(model.get_weights()[0], other.get_weights()[0], rtol=1e-12)


def test_a_penalized_convolution_is_refused():
    model = gs.Sequential([gs.Input((5, 1)), gs.layers.Conv1D(2, 3, kernel_regularizer="l2"), gs.layers.Flatten()])
    model.compile(gs.optimizers.KFAC(), "mse")
    with pytest.raises(ValueError, match=r"without regularizers; '.*kernel' has one"):
        fit(model, np.ones((4, 5, 1), "f4"), np.ones((4, 6), "f4"))
