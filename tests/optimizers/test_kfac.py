"""K-FAC in a model: its factors and steps beside a NumPy oracle, resuming, and what it refuses."""

from __future__ import annotations

import copy
import pickle

import gradstep as gs
import numpy as np
import pytest
from reference.kfac import KFAC

SETTINGS = {
    "learning_rate": 0.05,
    "momentum": 0.9,
    "damping": 0.03,
    "kl_clip": 0.002,
    "factor_decay": 0.6,
    "factor_period": 1,
    "inverse_period": 3,
    "fisher": "true",
}
LOSSES = {
    "mse": "mse",
    "binary_crossentropy": gs.losses.BinaryCrossentropy(from_logits=True),
    "categorical_crossentropy": gs.losses.CategoricalCrossentropy(from_logits=True),
}


def network(units=(5, 4, 3), use_bias=True, dtype="float64", activation="tanh", inputs=6):
    rng = np.random.default_rng(3)
    names = [activation] * (len(units) - 1) + [None]
    layers = [gs.layers.Dense(n, name, use_bias=use_bias, dtype=dtype) for n, name in zip(units, names, strict=True)]
    model = gs.Sequential([gs.Input((inputs,), dtype=dtype), *layers])
    model.set_weights([rng.standard_normal(w.shape) / np.sqrt(len(w)) for w in model.get_weights()])
    return model


def data(loss="mse", rows=40, inputs=6, outputs=3, dtype="float64"):
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((rows, inputs)), rng.standard_normal((rows, outputs))
    if loss == "binary_crossentropy":
        y = (y > 0).astype("f8")
    elif loss == "categorical_crossentropy":
        y = np.eye(outputs)[rng.integers(0, outputs, rows)]
    return x.astype(dtype), y.astype(dtype)


def oracle_of(model, loss, seed, **settings):
    weights = [w.copy() for w in model.get_weights()]
    layers = []
    for layer in model.layers:
        kernel = weights.pop(0)
        name = getattr(layer.activation, "name", None) or getattr(layer.activation, "__name__", "linear")
        layers.append((kernel, weights.pop(0) if layer.use_bias else None, name))
    return KFAC(layers, loss, seed, **settings)


def fit(model, x, y, epochs=1, batch_size=None, **options):
    return model.fit(x, y, batch_size=batch_size or len(x), epochs=epochs, shuffle=False, verbose=0, **options)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("fisher", ["true", "empirical"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_factors_and_steps_equal_an_oracle(loss, fisher, use_bias):
    settings = SETTINGS | {"fisher": fisher}
    model = network(use_bias=use_bias)
    optimizer = gs.optimizers.KFAC(**settings, seed=2**40 + 7)
    model.compile(optimizer, LOSSES[loss])
    x, y = data(loss)
    oracle = oracle_of(model, loss, 2**40 + 7, **settings)
    for step in range(5):
        fit(model, x, y)
        oracle.step(x, y)
        state = optimizer.state_dict()
        for i, (factors, inverses) in enumerate(zip(oracle.factors, oracle.inverses, strict=True)):
            number = i * (2 if use_bias else 1)
            for name, value in zip(("a", "g"), factors, strict=True):
                np.testing.assert_allclose(state[f"{number}.{name}"], value, rtol=1e-12, atol=1e-14)
            for name, value in zip(("a_inverse", "g_inverse"), inverses, strict=True):
                np.testing.assert_allclose(state[f"{number}.{name}"], value, rtol=1e-10, atol=1e-11)
        for ours, (w, b, _) in zip(model.layers, oracle.layers, strict=True):
            for one, other in zip(ours.get_weights(), (w, b), strict=False):
                np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12, err_msg=f"step {step}")


@pytest.mark.parametrize(("rows", "units"), [(4, (9, 8, 3)), (300, (5, 4, 3)), (150, (200, 110, 3))])
def test_both_ways_to_find_a_direction(rows, units):
    """Few rows go through rows, few outputs through the gradient; and products of more than one tile."""
    settings = SETTINGS | {"factor_period": 2}
    model = network(units)
    model.compile(gs.optimizers.KFAC(**settings, seed=5), "mse")
    x, y = data(rows=rows)
    oracle = oracle_of(model, "mse", 5, **settings)
    for _ in range(3):
        fit(model, x, y)
        oracle.step(x, y)
    for ours, (w, b, _) in zip(model.layers, oracle.layers, strict=True):
        np.testing.assert_allclose(ours.get_weights()[0], w, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(ours.get_weights()[1], b, rtol=1e-9, atol=1e-11)


def test_sample_weights_scale_the_curvature():
    model = network()
    model.compile(gs.optimizers.KFAC(**SETTINGS, seed=5), "mse")
    x, y = data()
    weights = np.random.default_rng(0).uniform(0, 2, len(x))
    oracle = oracle_of(model, "mse", 5, **SETTINGS)
    for _ in range(3):
        fit(model, x, y, sample_weight=weights)
        oracle.step(x, y, weights)
    np.testing.assert_allclose(model.layers[0].get_weights()[0], oracle.layers[0][0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_a_softmax_that_the_loss_absorbs_is_drawn_from(loss):
    x, y = data("categorical_crossentropy")
    found = []
    for activation, given in ((None, gs.losses.get(loss)), ("softmax", gs.losses.get(loss))):
        if activation is None:
            given = type(given)(from_logits=True)
        model = network()
        if activation:
            model = gs.Sequential([*model.layers, gs.layers.Activation(activation, dtype="float64")])
        model.compile(gs.optimizers.KFAC(**SETTINGS, seed=5), given)
        fit(model, x, y.argmax(1) if loss.startswith("sparse") else y, epochs=3)
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


def test_the_true_fisher_is_the_gauss_newton_matrix_in_the_mean():
    """Of a softmax: diag(p) - p p', here at one point, so that nothing else is averaged."""
    model = gs.Sequential([gs.Input((2,), dtype="float64"), gs.layers.Dense(3, dtype="float64")])
    model.compile(
        gs.optimizers.KFAC(learning_rate=0.0, factor_decay=0.999999, seed=1), LOSSES["categorical_crossentropy"]
    )
    model.set_weights([np.array([[1.0, -1, 0], [0.5, 0, 2]]), np.array([0.1, 0.2, -0.3])])
    x = np.tile([[0.3, -0.2]], (2000, 1))
    fit(model, x, np.eye(3)[np.zeros(2000, int)], epochs=20)
    z = (x[:1] @ model.get_weights()[0] + model.get_weights()[1])[0]
    p = np.exp(z) / np.exp(z).sum()
    np.testing.assert_allclose(model.optimizer.state_dict()["0.g"], np.diag(p) - np.outer(p, p), atol=0.01)


def compiled(**options):
    model = network(dtype="float32")
    model.compile(gs.optimizers.KFAC(seed=9, inverse_period=4, **options), "mse")
    return model


def bits(model):
    state = model.optimizer.state_dict()
    return b"".join(w.tobytes() for w in model.get_weights()) + b"".join(state[key].tobytes() for key in sorted(state))


def test_training_goes_on_bit_for_bit(tmp_path):
    x, y = data(dtype="float32")
    whole, half = compiled(), compiled()
    fit(whole, x, y, epochs=5, batch_size=16)
    fit(half, x, y, epochs=2, batch_size=16)
    half.save(tmp_path / "model.gs")
    copies = [gs.models.load_model(tmp_path / "model.gs"), copy.deepcopy(half), pickle.loads(pickle.dumps(half)), half]
    for model in copies:
        assert type(model.optimizer) is gs.optimizers.KFAC
        fit(model, x, y, epochs=3, batch_size=16)
        assert bits(model) == bits(whole)


def test_its_config_makes_an_equal_one():
    optimizer = gs.optimizers.KFAC(0.02, damping=0.2, kl_clip=float("inf"), fisher="empirical", weight_decay=0.01)
    again = gs.optimizers.KFAC.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    assert again.fisher == "empirical"
    assert type(gs.optimizers.get("kfac")) is gs.optimizers.KFAC


def test_other_weights_are_moved_by_adam():
    """A convolution in groups, a normalization, an embedding: as Adam with the rate times adam_lr_ratio would."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 7, (32, 10)), rng.standard_normal((32, 2)).astype("f4")

    def model():
        gs.utils.set_random_seed(1)
        made = gs.Sequential(
            [
                gs.Input((10,)),
                gs.layers.Embedding(7, 4),
                gs.layers.Conv1D(4, 3, groups=2),
                gs.layers.BatchNormalization(),
                gs.layers.LSTM(4),
                gs.layers.Dropout(0.3),
                gs.layers.Dense(2),
            ]
        )
        made.build()
        return made

    found = []
    for optimizer in (
        gs.optimizers.KFAC(0.5, seed=3),
        gs.optimizers.KFAC(0.5, fisher="empirical"),
        gs.optimizers.Adam(0.005),
    ):
        one = model()
        one.compile(optimizer, "mse")
        fit(one, x, y)
        found.append(one.get_weights())
    for true, empirical, adam in list(zip(*found, strict=True))[:-2]:
        assert true.tobytes() == empirical.tobytes()  # the pass back is not spoiled by the one before it
        np.testing.assert_allclose(true, adam, rtol=1e-5, atol=1e-7)
    assert not np.array_equal(found[0][-2], found[2][-2])


@pytest.mark.parametrize("chosen", ["skip", "raise"])
def test_a_step_that_is_not_made_leaves_the_factors(chosen):
    model = compiled(on_nonfinite=chosen)
    x, y = data(dtype="float32")
    fit(model, x, y)
    before, bad = bits(model), x.copy()
    bad[3, 2] = np.nan
    if chosen == "raise":
        with pytest.raises(FloatingPointError, match="gradient"):
            fit(model, bad, y)
    else:
        fit(model, bad, y)
        assert model.optimizer.skipped_steps == 1
    assert bits(model) == before


def test_a_step_is_bounded():
    """Without momentum: the step over the factors is kl_clip, or less."""
    settings = SETTINGS | {"momentum": 0.0, "kl_clip": 1e-4, "learning_rate": 10.0, "fisher": "empirical"}
    model = network()
    model.compile(gs.optimizers.KFAC(**settings), "mse")
    x, y = data()
    before = [w.copy() for w in model.get_weights()]
    fit(model, x, y)
    state, size = model.optimizer.state_dict(), 0.0
    for i in range(3):
        step = np.vstack(
            [
                now - old
                for now, old in zip(
                    *(all_of[2 * i : 2 * i + 2] for all_of in (model.get_weights(), before)), strict=True
                )
            ]
        )
        inverse = np.linalg.inv
        size += (step * (inverse(state[f"{2 * i}.a_inverse"]) @ step @ inverse(state[f"{2 * i}.g_inverse"]))).sum()
    np.testing.assert_allclose(size, 1e-4, rtol=1e-8)


def test_a_layer_along_more_axes_counts_its_positions():
    model = gs.Sequential([gs.Input((7, 6), dtype="float64"), gs.layers.Dense(2, dtype="float64")])
    model.compile(gs.optimizers.KFAC(fisher="empirical"), "mse")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 7, 6)), rng.standard_normal((5, 7, 2))
    w = model.get_weights()
    fit(model, x, y)
    rows = np.concatenate([x, np.ones((5, 7, 1))], axis=2).reshape(35, 7)
    dz = ((x @ w[0] + w[1] - y) * 2 / 2 / 7).reshape(35, 2)  # of the loss of a sample
    state = model.optimizer.state_dict()
    np.testing.assert_allclose(state["0.a"], rows.T @ rows / 35, rtol=1e-12)
    np.testing.assert_allclose(state["0.g"], dz.T @ dz / 5, rtol=1e-12)


def test_damping_is_raised_until_there_is_an_inverse():
    model = network(dtype="float32")
    model.compile(gs.optimizers.KFAC(damping=1e-30), "mse")
    x, y = data(dtype="float32")
    x[:] = x[:1]  # of rank 1
    fit(model, x, y, epochs=2)
    assert all(np.isfinite(w).all() for w in model.get_weights())


def shared():
    dense = gs.layers.Dense(4)
    inputs = gs.Input((4,))
    return gs.Model(inputs, gs.layers.Dense(3)(dense(dense(inputs))))


REFUSED = {
    "accumulation": (
        lambda: network((3,), inputs=4),
        {"gradient_accumulation_steps": 2},
        "mse",
        ValueError,
        "must be None",
    ),
    "a layer that is called twice": (shared, {}, "mse", ValueError, r"dense.*is called 2 times"),
    "a regularizer": (
        lambda: gs.Sequential([gs.Input((4,)), gs.layers.Dense(3, kernel_regularizer="l2")]),
        {},
        "mse",
        ValueError,
        "without regularizers; '.*kernel' has one",
    ),
    "a loss without a distribution": (
        lambda: network((3,), inputs=4),
        {},
        "mae",
        ValueError,
        "got mean_absolute_error",
    ),
    "a loss in Python": (
        lambda: network((3,), inputs=4),
        {},
        lambda t, y: ((t - y) ** 2).mean(1),
        ValueError,
        "a loss written in Python",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_refuses_of_models(name):
    make, options, loss, error, says = REFUSED[name]
    model = make()
    model.compile(gs.optimizers.KFAC(**options), loss)
    before = [w.copy() for w in model.get_weights()]
    dtype = model.get_weights()[0].dtype
    with pytest.raises(error, match=says):
        fit(model, np.ones((8, 4), dtype), np.ones((8, 3), dtype))
    for w, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, old)


@pytest.mark.parametrize(
    "options",
    [
        {"damping": 0.0},
        {"kl_clip": -1.0},
        {"factor_decay": 1.0},
        {"inverse_period": 0},
        {"fisher": "exact"},
        {"state_dtype": "int8"},
        {"momentum": 1.5},
    ],
)
def test_bad_arguments(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        gs.optimizers.KFAC(**options)


@pytest.mark.parametrize("wrap", [gs.optimizers.SAM, gs.optimizers.Lookahead])
def test_it_cannot_be_wrapped(wrap):
    model = network(dtype="float32")
    model.compile(wrap(gs.optimizers.KFAC()), "mse")
    with pytest.raises(ValueError, match="KFAC finds its directions"):
        fit(model, *data(dtype="float32"))


def test_a_frozen_layer_stays_and_train_on_batch_steps():
    model = network(dtype="float32")
    model.layers[1].trainable = False
    model.compile(gs.optimizers.KFAC(seed=1), "mse")
    x, y = data(dtype="float32")
    before = [w.copy() for w in model.get_weights()]
    first = model.train_on_batch(x, y)
    for _ in range(20):
        last = model.train_on_batch(x, y)
    assert last < first
    same = [np.array_equal(now, old) for now, old in zip(model.get_weights(), before, strict=True)]
    assert same == [False, False, True, True, False, False]


def test_a_function_has_no_layers():
    with pytest.raises(ValueError, match="KFAC trains the layers of models; a function has none"):
        gs.minimize(lambda x: ((x**2).sum(), 2 * x), np.ones(3), jac=True, method="kfac")


def test_arrays_of_its_model_are_stepped_by_fit_alone():
    model = compiled()
    x, y = data(dtype="float32")
    fit(model, x, y)
    with pytest.raises(ValueError, match="in fit and train_on_batch alone"):
        model.optimizer.step(model.weights, [w * 0 for w in model.weights])
