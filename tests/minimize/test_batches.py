"""minimize over batches of data: which rows, which numbers, and how it ends; SVRG and SARAH."""

from __future__ import annotations

import math

import gradstep as gs
import numpy as np
import pytest
from gradstep.minimize.objectives.batches import CHUNK

RNG = np.random.default_rng(0)
X = RNG.normal(size=(203, 4))
Y = X @ [1.0, -2.0, 3.0, 0.5] + RNG.normal(size=203)
BEST = np.linalg.lstsq(X, Y, rcond=None)[0]


def loss(w, x, y):
    r = x @ w - y
    return float(r @ r) / (2 * len(y)), x.T @ r / len(y)


def value(w, x, y):
    return loss(w, x, y)[0]


def gradient(w, x, y):
    return loss(w, x, y)[1]


def orders(seed, rows, epochs):
    """The rows of each epoch, as Philox's key and counter are in `fit`."""
    for epoch in range(epochs):
        bits = np.random.Philox(key=np.array([seed, 0], np.uint64), counter=[0, 0, 0, epoch])
        yield np.random.Generator(bits).permutation(rows)


def batches(seed, epochs, size=32):
    for order in orders(seed, len(X), epochs):
        yield [(X[order[i : i + size]], Y[order[i : i + size]]) for i in range(0, len(X), size)]


# -- the same as loops in NumPy ----


def test_optimizers_step_as_in_a_loop_over_the_batches():
    res = gs.minimize(loss, np.zeros(4), data=(X, Y), method="adam", learning_rate=0.05, epochs=3, seed=5)
    adam, w = gs.optimizers.Adam(0.05), np.zeros(4)
    step, losses = adam.bind(w), [math.nan]
    for epoch in batches(5, 3):
        total = 0.0
        for x, y in epoch:
            f, g = loss(w, x, y)
            total += f * len(x)
            step.step(g)
        losses.append(total / len(X))
    assert (res.x == w).all()
    assert res.history["loss"].tolist()[1:] == losses[1:]
    assert math.isnan(res.history["loss"][0])
    assert res.fun == value(res.x, X, Y) == res.history["fun"][-1]
    assert res.nfev == 4 + 3 * 7  # a pass over all rows at the start and after each epoch
    assert (res.reason, res.nit, len(res.history["fun"])) == ("maxiter", 3, 4)
    assert "epochs = 3 are used up" in res.message


def test_svrg_is_johnson_and_zhangs_loop():
    res = gs.minimize(loss, np.zeros(4), data=(X, Y), method="svrg", learning_rate=0.05, epochs=4, seed=1)
    w = np.zeros(4)
    for epoch in batches(1, 4):
        fixed, mu = w.copy(), gradient(w, X, Y)
        for rows in epoch:
            w = w - 0.05 * (gradient(w, *rows) - gradient(fixed, *rows) + mu)
    np.testing.assert_allclose(res.x, w, rtol=1e-12)
    assert res.nfev == 5 + 4 * 2 * 7


def test_sarah_is_nguyens_loop():
    method = gs.minimizers.SARAH(0.05, inner=2)
    res = gs.minimize(loss, np.zeros(4), data=(X, Y), method=method, epochs=2, seed=1)
    w = np.zeros(4)
    passes = list(batches(1, 4))
    for epoch in (passes[0] + passes[1], passes[2] + passes[3]):
        v = gradient(w, X, Y)
        before, w = w, w - 0.05 * v
        for rows in epoch:
            v = gradient(w, *rows) - gradient(before, *rows) + v
            before, w = w, w - 0.05 * v
    np.testing.assert_allclose(res.x, w, rtol=1e-12)


def test_sarah_plus_ends_an_epoch_early():
    full, plus = (
        gs.minimize(loss, np.zeros(4), data=(X, Y), method=gs.minimizers.SARAH(0.3, gamma=gamma), epochs=1, seed=1)
        for gamma in (0.0, 1 / 8)
    )
    assert plus.nfev < full.nfev
    assert plus.fun < value(np.zeros(4), X, Y)


def test_the_order_is_that_of_fit():
    model = gs.Sequential([gs.Input((4,)), gs.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=2, seed=7, verbose=0)
    res = gs.minimize(
        lambda w, x, y: (2 * value(w, x, y), 2 * gradient(w, x, y)),
        np.zeros(4),
        data=(X, Y),
        method="sgd",
        epochs=2,
        seed=7,
    )
    np.testing.assert_allclose(res.history["loss"][1:], model.history.history["loss"], rtol=1e-5)
    np.testing.assert_allclose(res.x, model.get_weights()[0].ravel(), rtol=1e-4)


# -- convergence ----


@pytest.mark.parametrize("method", ["svrg", "sarah"])
def test_variance_reduction_converges_where_sgd_stalls(method):
    given = {"data": (X, Y), "learning_rate": 0.1, "batch_size": 8, "seed": 0}
    res = gs.minimize(loss, np.zeros(4), method=method, gtol=1e-11, **given)
    assert res.reason == "gtol"
    np.testing.assert_allclose(res.x, BEST, atol=1e-10)
    # Linear: the gradient falls by a factor an epoch, from the first to the last one.
    rates = res.history["gnorm"][5::5] / res.history["gnorm"][:-5:5]
    assert rates.max() < 0.2
    sgd = gs.minimize(loss, np.zeros(4), method="sgd", **given)
    assert not sgd.success
    assert sgd.history["gnorm"].min() > 1e-4
    assert sgd.fun == sgd.history["fun"].min()  # the best epoch, not the last one


@pytest.mark.parametrize("method", ["svrg", "adam"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_structure_and_dtype(method, dtype):
    x, y = X.astype(dtype), Y.astype(dtype)

    def fun(w, x, y):
        assert w["w"].dtype == x.dtype == dtype
        f, g = loss(w["w"][0], x, y - w["b"])
        return f, {"w": g[None], "b": (w["b"] + x @ w["w"][0] - y).mean()}

    start = {"w": np.zeros((1, 4), dtype), "b": dtype(0)}
    res = gs.minimize(fun, start, data=(x, y), method=method, learning_rate=0.05, epochs=20, seed=0)
    assert res.x["w"].dtype == dtype
    assert res.x["w"].shape == (1, 4)
    assert res.fun == fun(res.x, x, y)[0] < fun(start, x, y)[0]
    assert not start["w"].any()


def test_what_fun_does_to_its_rows_changes_nothing():
    def spoiling(w, x, y):
        found = loss(w, x, y)
        w[:], x[:], y[:] = 1, 2, 3
        return found

    x, y = X.copy(), Y.copy()
    for size in (32, "full", len(X), 1000):
        given = {"method": "adam", "epochs": 2, "seed": 0, "batch_size": size}
        res = gs.minimize(spoiling, np.zeros(4), data=(x, y), **given)
        assert (x == X).all()
        assert (y == Y).all()
        assert (res.x == gs.minimize(loss, np.zeros(4), data=(X, Y), **given).x).all()


def test_long_data_are_summed_in_pieces():
    x = RNG.normal(size=(2 * CHUNK + 5, 2))
    y = x @ [1.0, 2.0]
    sizes = []

    def fun(w, x, y):
        sizes.append(len(x))
        return loss(w, x, y)

    res = gs.minimize(fun, np.zeros(2), data=(x, y), epochs=0, method="svrg")
    assert sizes == [CHUNK, CHUNK, 5]
    assert res.fun == pytest.approx(value(np.zeros(2), x, y), rel=1e-13)
    np.testing.assert_allclose(res.jac, gradient(np.zeros(2), x, y), rtol=1e-12)


def test_other_methods_take_all_rows():
    for method in ("l-bfgs", "bfgs", None, "gd"):
        res = gs.minimize(loss, np.zeros(4), data=(X, Y), method=method, batch_size="full" if method == "gd" else None)
        assert res.success, res.message
        np.testing.assert_allclose(res.x, BEST, atol=1e-5)
    both = gs.minimizers.Sequence("adam", "l-bfgs", switch=3)
    res = gs.minimize(loss, np.zeros(4), data=(X, Y), method=both, batch_size=8, seed=0)
    assert res.success
    assert res.nfev > 3 * math.ceil(len(X) / 8)


def test_jac_may_be_beside_and_data_one_array():
    one = gs.minimize(loss, np.zeros(4), data=(X, Y), method="adam", epochs=2, seed=0)
    two = gs.minimize(value, np.zeros(4), jac=gradient, data=(X, Y), method="adam", epochs=2, seed=0)
    assert (one.x == two.x).all()
    res = gs.minimize(
        lambda w, x: (((x - w) ** 2).mean(), 2 * (w - x.mean(0)) / x.shape[1]),
        np.zeros(4),
        data=X,
        method="svrg",
        learning_rate=0.5,
        check_grad=True,
    )
    np.testing.assert_allclose(res.x, X.mean(0), atol=1e-5)


def test_args_follow_the_rows():
    res = gs.minimize(
        lambda w, x, y, l2: (value(w, x, y) + l2 * w @ w, gradient(w, x, y) + 2 * l2 * w),
        np.zeros(4),
        (0.1,),
        data=(X, Y),
        method="svrg",
        learning_rate=0.05,
    )
    A = X.T @ X / len(X) + 0.2 * np.eye(4)
    np.testing.assert_allclose(res.x, np.linalg.solve(A, X.T @ Y / len(X)), atol=1e-5)


# -- how it ends ----


def test_limits_and_callbacks_end_a_run():
    given = {"data": (X, Y), "method": "adam", "learning_rate": 0.05, "seed": 0}
    res = gs.minimize(loss, np.zeros(4), maxfev=20, **given)
    assert (res.reason, res.nfev, res.nit) == ("maxfev", 20, 2)
    assert res.fun == value(res.x, X, Y)
    seen = []
    res = gs.minimize(loss, np.zeros(4), callback=lambda x: seen.append(x) or len(seen) == 2, **given)
    assert (res.reason, res.nit) == ("callback", 2)
    res = gs.minimize(loss, np.zeros(4), target=3.0, **given)
    assert res.reason == "target"
    res = gs.minimize(loss, np.zeros(4), ftol=1e-3, **given)
    assert res.reason == "ftol"
    res = gs.minimize(loss, np.zeros(4), data=(X, Y), method="sgd", learning_rate=0.1, patience=5, seed=0)
    assert res.reason == "stalled"
    assert res.nit < 100


def test_interrupted_and_nan_and_diverged():
    calls = 0

    def interrupted(w, x, y):
        nonlocal calls
        calls += 1
        if calls == 20:
            raise KeyboardInterrupt
        return loss(w, x, y)

    res = gs.minimize(interrupted, np.zeros(4), data=(X, Y), method="adam", seed=0)
    assert (res.reason, res.nit) == ("interrupted", 2)
    assert res.fun == value(res.x, X, Y)

    y = Y.copy()
    y[3] = np.nan
    res = gs.minimize(loss, np.zeros(4), data=(X, y), method="adam")
    assert res.reason == "nan"
    assert "start" in res.message
    with np.errstate(over="ignore", invalid="ignore"):
        res = gs.minimize(loss, np.zeros(4), data=(X, Y), method="sgd", learning_rate=30.0)
    assert res.reason == "diverged"
    assert "learning rate" in res.message
    assert "diverging" in res.diagnosis
    assert (res.x == 0).all()


def test_bounds_are_kept():
    res = gs.minimize(loss, np.zeros(4), data=(X, Y), method="svrg", learning_rate=0.05, bounds=[(0, 1)] * 4)
    assert res.success, res.message
    assert (res.x >= 0).all()
    assert (res.x <= 1).all()
    assert "at bounds" in res.diagnosis


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"data": (X, Y[:-1])}, ValueError, r"data\[1\] must have 203 rows"),
        ({"data": 3}, TypeError, r"data\[0\] must be an array with rows"),
        ({"data": ()}, ValueError, "at least one row"),
        ({"data": X[:0]}, ValueError, "at least one row"),
        ({"data": np.ma.masked_array(X, X > 0)}, TypeError, "mask"),
        ({"data": None}, TypeError, "batch_size is for data="),
        ({"data": None, "batch_size": None, "epochs": 3}, TypeError, "epochs is for data="),
        ({"data": None, "batch_size": None, "method": "svrg"}, ValueError, "needs data="),
        ({"method": gs.minimizers.Sequence("svrg", "bfgs"), "data": None, "batch_size": None}, ValueError, "data="),
        ({"method": gs.multistart(3, local="svrg"), "data": None, "batch_size": None}, ValueError, "needs data="),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"batch_size": "all"}, ValueError, 'whole number or "full"'),
        ({"epochs": -1}, ValueError, "epochs must be at least 0"),
        ({"epochs": 3, "maxiter": 3}, TypeError, "mean the same"),
        ({"method": "bfgs"}, ValueError, "batch_size must be None"),
        ({"method": "lm"}, ValueError, "residuals"),
        ({"method": "gd"}, ValueError, "learning_rate"),
        ({"jac": "2-point"}, TypeError, "jac must be True"),
        ({"hess": np.eye}, TypeError, "hess is not for data="),
        ({"residual": True}, TypeError, "residual is not for data="),
        ({"fun": value}, TypeError, r"pair \(value, gradient\)"),
        ({"fun": lambda w, x, y: (1.0, w[:3])}, ValueError, "gradient that fun gives"),
        ({"method": "svrg", "options": {"inner": 0}}, ValueError, "inner must be at least 1"),
        ({"method": "sarah", "options": {"gamma": 1}}, ValueError, "gamma must be"),
        ({"method": "svrg", "line_search": "armijo"}, TypeError, "line_search"),
    ],
)
def test_bad_arguments(given, error, said):
    with pytest.raises(error, match=said):
        gs.minimize(**{"fun": loss, "x0": np.zeros(4), "data": (X, Y), "method": "adam", "batch_size": 32, **given})
