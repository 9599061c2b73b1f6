"""Levenberg-Marquardt and Gauss-Newton in compile: Jacobians of rows, normal equations, what they train."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import probe
import pytest
from gradstep import layers, minimizers
from threads import same_at_any_number_of_threads

RNG = np.random.default_rng(4)
X = RNG.normal(size=(40, 3))
Y = np.sin(X[:, :1] + X[:, 1:2] * X[:, 2:])


def made(optimizer="lm", *hidden, loss="mse", dtype="float64", outputs=1, **kinds):
    gs.utils.set_random_seed(1)
    first = hidden or (layers.Dense(6, "tanh", dtype=dtype, **kinds),)
    model = gs.Sequential([gs.Input((3,)), *first, layers.Dense(outputs, dtype=dtype, **kinds)])
    model.compile(optimizer, loss)
    return model


def flat(arrays):
    return np.concatenate([np.ravel(array) for array in arrays])


def jacobian(model, x):
    """By a backward pass a row and output."""
    rows = []
    for i in range(len(x)):
        y = model(x[i : i + 1], training=True)
        for k in range(y.size):
            model(x[i : i + 1], training=True)
            seed = np.zeros(y.size)
            seed[k] = 1
            rows.append(flat(model.backward(seed.reshape(y.shape))[1]))
    return np.array(rows)


def shapes():
    """Models of other layers, and inputs for them."""
    kind = {"dtype": "float64"}
    yield "dense", [gs.Input((3,)), layers.Dense(5, "tanh", **kind), layers.Dense(2, **kind)], (3,)
    yield "conv", [gs.Input((6, 2)), layers.Conv1D(3, 3, activation="tanh", **kind), layers.Flatten(**kind),
                   layers.Dense(1, **kind)], (6, 2)  # fmt: skip
    yield "recurrent", [gs.Input((4, 2)), layers.GRU(3, **kind), layers.Dense(1, **kind)], (4, 2)
    yield "norm", [gs.Input((3,)), layers.Dense(4, **kind), layers.LayerNormalization(**kind),
                   layers.Dense(1, **kind)], (3,)  # fmt: skip


@pytest.mark.parametrize(("stack", "shape"), [case[1:] for case in shapes()], ids=[case[0] for case in shapes()])
def test_normal_equations_are_those_of_the_rows(stack, shape):
    gs.utils.set_random_seed(0)
    model = gs.Sequential(stack)
    model.compile("lm", "mse")
    x = RNG.normal(size=(17, *shape))
    y = RNG.normal(size=(17, *model.output_shape[1:]))
    weights = RNG.random(17)
    loss = probe.residual_loss(model, x, y, 5, weights)
    point = loss.gather()
    J = jacobian(model, x)
    outputs = y.shape[1]
    scale = 2 * np.repeat(weights, outputs) / (17 * outputs)
    matrix = loss.normal_equations(point)
    np.testing.assert_allclose(matrix, (J * scale[:, None]).T @ J, rtol=1e-9, atol=1e-12)
    residuals = (model.predict(x, verbose=0) - y).ravel()
    np.testing.assert_allclose(loss.gradient(point), (J * scale[:, None]).T @ residuals, rtol=1e-8, atol=1e-12)
    assert loss.value(point) == pytest.approx(0.5 * float(scale @ residuals**2), rel=1e-10)


def test_same_bits_with_threads():
    model = made()
    loss = probe.residual_loss(model, X, Y, 40)
    point = loss.gather()
    same_at_any_number_of_threads(lambda: loss.normal_equations(point), (1, 2, 7))


@pytest.mark.parametrize("case", ["plain", "sum", "weights", "l2", "outputs"])
def test_the_model_is_that_of_the_loss(case):
    """The gradient and half the second derivative along a direction: exact for layers that are linear."""
    gs.utils.set_random_seed(0)
    kind = {"dtype": "float64", "kernel_regularizer": gs.regularizers.L2(0.3) if case == "l2" else None}
    x_in = gs.Input((3,), name="x", dtype="float64")
    heads = [layers.Dense(2, name="a", **kind)(x_in)]
    y = [RNG.normal(size=(40, 2))]
    losses, options = [gs.losses.MeanSquaredError(reduction="sum" if case == "sum" else "sum_over_batch_size")], {}
    if case == "outputs":
        heads.append(layers.Dense(1, name="b", **kind)(x_in))
        y.append(RNG.normal(size=(40, 1)))
        losses.append("mse")
        options = {"loss_weights": [0.5, 3.0]}
    model = gs.Model(x_in, heads if len(heads) > 1 else heads[0])
    model.compile("lm", losses if len(heads) > 1 else losses[0], **options)
    weights = RNG.random(40) if case == "weights" else None
    loss = probe.residual_loss(model, X, y if len(heads) > 1 else y[0], 7, weights)
    point, p = loss.gather(), RNG.normal(size=loss.layout.size)
    f, g, matrix = loss.value(point), loss.gradient(point), loss.normal_equations(point)
    assert loss.value(point + p) == pytest.approx(f + g @ p + 0.5 * p @ matrix @ p, rel=1e-9)


@pytest.mark.parametrize("method", ["lm", "gauss-newton"])
def test_a_linear_model_is_solved_in_a_few_steps(method):
    model = gs.Sequential([gs.Input((3,)), layers.Dense(1, dtype="float64")])
    model.compile(minimizers.LevenbergMarquardt(damping=1e-8) if method == "lm" else method, "mse")
    history = model.fit(X, Y, epochs=8, verbose=0).history
    solution = np.linalg.lstsq(np.c_[X, np.ones(40)], Y, rcond=None)[0]
    np.testing.assert_allclose(flat(model.weights), solution.ravel(), atol=1e-8)
    assert len(history["loss"]) < 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_levenberg_marquardt_trains(dtype):
    model = made("levenberg-marquardt", dtype=dtype)
    history = model.fit(X, Y, epochs=40, verbose=0).history
    assert list(history) == ["loss", "nfev", "gnorm", "damping"]
    assert history["loss"][-1] < 0.05 * history["loss"][0]
    assert np.all(np.diff(history["loss"]) <= 0)
    first = made("adam", dtype=dtype).fit(X, Y, epochs=40, verbose=0).history
    assert history["loss"][-1] < 0.2 * first["loss"][-1]


def test_minimize_has_the_same_steps():
    model = made(minimizers.LevenbergMarquardt(damping=1e-3))
    other = made("sgd")
    history = model.fit(X, Y, epochs=12, verbose=0).history
    begins = np.cumsum([0, *(weight.size for weight in other.weights)])

    def at(w):
        other.set_weights([w[b : b + one.size].reshape(one.shape) for b, one in zip(begins, other.weights)])  # noqa: B905

    def residuals(w):
        at(w)
        return np.sqrt(2 / 40) * (other.predict(X, verbose=0, batch_size="full") - Y).ravel()

    def derivatives(w):
        at(w)
        return np.sqrt(2 / 40) * jacobian(other, X)

    start = flat(other.weights)
    method = minimizers.LevenbergMarquardt(damping=1e-3)
    res = gs.minimize(residuals, start, jac=derivatives, residual=True, method=method, maxiter=12)
    np.testing.assert_allclose(flat(model.weights), res.x, rtol=0, atol=1e-7)
    assert history["loss"][-1] == pytest.approx(res.fun, rel=1e-7)


def test_resumed_runs_have_the_same_bits(tmp_path):
    whole, begun = made(), made()
    losses = whole.fit(X, Y, epochs=9, verbose=0).history
    begun.fit(X, Y, epochs=4, verbose=0)
    begun.save(tmp_path / "model")
    loaded = gs.saving.load_model(tmp_path / "model")
    rest = loaded.fit(X, Y, epochs=9, initial_epoch=4, verbose=0).history
    assert {name: values[4:] for name, values in losses.items()} == rest
    assert flat(loaded.weights).tobytes() == flat(whole.weights).tobytes()


def refused(match, model, y=Y, **options):
    before = model.get_weights()
    with pytest.raises(ValueError, match=match):
        model.fit(X, y, verbose=0, **options)
    assert all(map(np.array_equal, model.get_weights(), before))


def test_what_is_no_sum_of_squares():
    refused("loss must be 'mse' .*got 'mean_absolute_error'", made(loss="mae"))
    refused(
        "penalties must be L2 .*'tied'",
        made("lm", layers.Dense(2, kernel_regularizer="l1", name="tied", dtype="float64")),
    )
    refused("those of layer 'norm' do", made("lm", layers.BatchNormalization(name="norm", dtype="float64")))
    refused("at most 3000 weights; the model has 4001", made("lm", layers.Dense(800, dtype="float64")))
    refused("weights of losses and rows must be at least 0", made(), sample_weight=np.full(40, -1.0))
    with pytest.raises(ValueError, match="damping must be None with geodesic=True"):
        minimizers.LevenbergMarquardt(damping=0.1, geodesic=True)


def test_layers_in_numpy():
    class Squares(layers.Layer):
        def forward(self, x, training=False):
            self.x = x
            return x * x

        def backward(self, dy):
            return 2 * self.x * dy

        def compute_output_shape(self, input_shape):
            return input_shape

    model = made("lm", layers.Dense(4, dtype="float64"), Squares(dtype="float64"))
    losses = model.fit(X, Y, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.slow
def test_a_wave_is_fitted_to_1e_4_in_300_evaluations():
    x = np.linspace(-1, 1, 256)[:, None]
    y = np.sin(6 * x) + 0.3 * np.sin(25 * x)
    reached = 0
    for seed in range(5):
        gs.utils.set_random_seed(seed)
        hidden = [layers.Dense(12, "tanh", dtype="float64") for _ in range(2)]
        model = gs.Sequential([gs.Input((1,)), *hidden, layers.Dense(1, dtype="float64")])
        model.compile("levenberg-marquardt", "mse")
        history = model.fit(x, y, epochs=300, verbose=0).history
        reached += min(loss for loss, n in zip(history["loss"], history["nfev"], strict=True) if n <= 300) <= 1e-4
    assert reached >= 4
