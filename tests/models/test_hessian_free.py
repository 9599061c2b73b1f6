"""Training with Gauss-Newton steps by conjugate gradients: compile("newton-cg")."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import probe
import pytest
from gradstep import layers, minimizers
from threads import same_at_any_number_of_threads

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = np.sin(X[:, :1]) + 0.5 * X[:, 1:2] * X[:, 2:]
WEIGHTS = RNG.uniform(0.2, 3, 60)


def made(optimizer="newton-cg", loss="mse", dtype="float64", hidden=8, **kinds):
    gs.utils.set_random_seed(1)
    model = gs.Sequential(
        [gs.Input((3,)), layers.Dense(hidden, "tanh", dtype=dtype, **kinds), layers.Dense(1, dtype=dtype, **kinds)]
    )
    model.compile(optimizer, loss)
    return model


def flat(arrays):
    return np.concatenate([np.ravel(array) for array in arrays])


def split(model, v):
    ends = np.cumsum([weight.size for weight in model.trainable_weights])[:-1]
    each = zip(np.split(v, ends), model.trainable_weights, strict=True)
    return [part.reshape(weight.shape) for part, weight in each]


def whole_loss(model, chunk, y=Y, weights=None):
    return probe.whole_loss(model, X, y, chunk, weights)


@pytest.mark.parametrize("chunk", [7, 60])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_products_over_chunks(chunk, reduction):
    model = made(loss=gs.losses.Huber(reduction=reduction), kernel_regularizer="l2")
    loss = whole_loss(model, chunk, weights=WEIGHTS)
    x = loss.gather()
    curvature = loss.curvature(x, None, 0)
    v = np.random.default_rng(2).normal(size=len(x))
    expected = flat(model.gauss_newton_product(X, Y, split(model, v), sample_weight=WEIGHTS))
    assert np.abs(curvature.product(v) - expected).max() <= 1e-12 * np.abs(expected).max()
    some = loss.curvature(x, 20, 3)
    assert not np.allclose(some.product(v), expected)
    assert np.array_equal(some.product(v), loss.curvature(x, 20, 3).product(v))


@pytest.mark.parametrize(
    "loss", ["mse", "categorical_crossentropy", "cosine_similarity", "categorical_focal_crossentropy"]
)
def test_the_preconditioner_has_the_diagonal_as_its_mean(loss):
    gs.utils.set_random_seed(0)
    last = "softmax" if loss.startswith("categorical") else None
    model = gs.Sequential([gs.Input((3,)), layers.Dense(3, last, dtype="float64", kernel_regularizer="l2")])
    model.compile("newton-cg", loss)
    y = np.eye(3)[np.arange(60) % 3]
    objective = whole_loss(model, 6, y)
    x = objective.gather()
    curvature = objective.curvature(x, None, 0)
    exact = np.array([curvature.product(unit) @ unit for unit in np.eye(len(x))])
    drawn = [curvature.diagonal(len(x), number) for number in range(400)]
    assert np.array_equal(drawn[0], curvature.diagonal(len(x), 0))
    assert not np.array_equal(drawn[0], drawn[1])
    assert np.min(drawn) >= 0
    assert np.abs(np.mean(drawn, axis=0) / exact - 1).max() < 0.2


def test_a_linear_model_is_solved_by_a_step():
    gs.utils.set_random_seed(0)
    model = gs.Sequential([gs.Input((3,)), layers.Dense(1, dtype="float64")])
    model.compile(minimizers.HessianFree(damping=0, cg_tolerance=1e-9), "mse")
    history = model.fit(X, Y, epochs=1, verbose=0).history
    found, *_ = np.linalg.lstsq(np.hstack([X, np.ones((60, 1))]), Y, rcond=None)
    np.testing.assert_allclose(flat(model.weights), found.ravel(), atol=1e-6)
    assert history["cg_iterations"][0] < 20


def test_it_trains_further_than_first_order():
    model, other = made(), made("adam")
    history = model.fit(X, Y, epochs=40, verbose=0).history
    other.fit(X, Y, epochs=3000, batch_size="full", verbose=0)
    assert history["loss"][-1] < 0.1 * other.history.history["loss"][-1]
    assert np.all(np.diff(history["loss"]) < 0)
    assert {"nfev", "gnorm", "alpha", "damping", "cg_iterations"} <= set(history)
    assert history["damping"][-1] != history["damping"][0]
    assert all(1 <= products <= 251 for products in history["cg_iterations"])
    assert history["nfev"][-1] == model.optimizer.nfev >= 40


def test_float32():
    model = made(dtype="float32")
    history = model.fit(X, Y, epochs=30, verbose=0).history
    assert history["loss"][-1] < 0.01 * history["loss"][0]
    assert {weight.dtype for weight in model.weights} == {np.dtype("float32")}


def test_chunks_change_nothing_but_rounding():
    whole, chunked = (made(minimizers.HessianFree(preconditioner=False)) for _ in range(2))
    whole.fit(X, Y, epochs=1, batch_size="full", verbose=0)  # when conjugate gradients end depends on rounding
    chunked.fit(X, Y, epochs=1, batch_size=7, verbose=0)
    np.testing.assert_allclose(flat(chunked.weights), flat(whole.weights), rtol=0, atol=1e-9)


def test_the_same_bits_with_threads():
    def trained():
        model = made(hidden=300)
        model.fit(X, Y, epochs=2, batch_size=25, verbose=0)
        return model.get_weights()

    same_at_any_number_of_threads(trained, (1, 2, 7))


def test_statistics_are_of_the_points_that_are_taken():
    gs.utils.set_random_seed(0)
    norm = layers.BatchNormalization(momentum=0.5, dtype="float64")
    model = gs.Sequential([gs.Input((3,)), norm, layers.Dense(1, dtype="float64")])
    model.compile("hf", "mse")
    model.fit(X, Y, epochs=3, verbose=0)
    np.testing.assert_allclose(norm.moving_mean, X.mean(axis=0) * (1 - 0.5**3), rtol=1e-9)


def test_it_ends_where_there_is_no_lower_loss():
    model = gs.Sequential([gs.Input((3,)), layers.Dense(1, dtype="float64")])
    model.compile("newton-cg", "mse")
    model.fit(X, X @ np.array([[1.0], [2.0], [3.0]]) + Y, epochs=300, verbose=0)
    assert model.optimizer.iterations < 200
    assert "largest gradient component" in model.optimizer.message


def test_what_it_refuses():
    for name, value, what in [
        ("damping", -1, "at least 0"),
        ("cg_iterations", 0, "cg_iterations"),
        ("cg_tolerance", 1.0, "below 1"),
        ("warm_start", 2, "from 0 to 1"),
        ("curvature_rows", 0, "curvature_rows"),
    ]:
        with pytest.raises(ValueError, match=what):
            minimizers.HessianFree(**{name: value})
    with pytest.raises(ValueError, match="trains models"):
        gs.minimize(lambda x: float(x @ x), [1.0, 2.0], method=minimizers.HessianFree())
    before = made(loss="dice")
    weights = before.get_weights()
    with pytest.raises(ValueError, match="no Gauss-Newton product"):
        before.fit(X, Y > 0, epochs=1, verbose=0)
    assert flat(before.get_weights()).tobytes() == flat(weights).tobytes()
    model = made(loss=lambda t, y: ((y - t)[:, 0] ** 2, 2 * (y - t)))
    with pytest.raises(ValueError, match="is in Python"):
        model.fit(X, Y, epochs=1, verbose=0)
