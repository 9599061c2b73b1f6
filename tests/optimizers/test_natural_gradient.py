"""Natural gradient with the diagonal of the Fisher information: beside NumPy, sample by sample; bits; resuming."""

from __future__ import annotations

import copy

import gradstep as gs
import numpy as np
import pytest
from reference.kfac import backward, forward, gradient, sampled
from threads import same_at_any_number_of_threads

SETTINGS = {
    "learning_rate": 0.02,
    "momentum": 0.8,
    "damping": 0.05,
    "kl_clip": 0.001,
    "fisher_decay": 0.6,
    "fisher_period": 2,
}


def network(dtype="float64", units=(5, 3)):
    rng = np.random.default_rng(3)
    layers = [gs.layers.Dense(n, name, dtype=dtype) for n, name in zip(units, ("tanh", None), strict=True)]
    model = gs.Sequential([gs.Input((6,), dtype=dtype), *layers])
    model.set_weights([rng.standard_normal(w.shape) / np.sqrt(len(w)) for w in model.get_weights()])
    return model


def data(dtype="float64", rows=30):
    rng = np.random.default_rng(4)
    return rng.standard_normal((rows, 6)).astype(dtype), rng.standard_normal((rows, 3)).astype(dtype)


def fit(model, x, y, epochs=1):
    return model.fit(x, y, batch_size=len(x), epochs=epochs, shuffle=False, verbose=0)


@pytest.mark.parametrize("fisher", ["true", "empirical"])
def test_steps_equal_numpy_sample_by_sample(fisher):
    s, seed = SETTINGS, 11
    model = network()
    model.compile(gs.optimizers.DiagonalNaturalGradient(**s, fisher=fisher, seed=seed), "mse")
    weights = [w.copy() for w in model.get_weights()]
    x, y = data()
    rows = len(x)
    velocity = [np.zeros_like(w) for w in weights]
    diagonal = [np.zeros_like(w) for w in weights]
    for t in range(4):
        layers = [(weights[0], weights[1], "tanh"), (weights[2], weights[3], "linear")]
        inputs, z = forward(layers, x)
        real = gradient("mse", z, y)
        each = [
            [a.T @ d for a, d in zip(sample, dz, strict=True)]
            for sample, dz in (
                ([a[i : i + 1] for a in inputs], backward(layers, [a[i : i + 1] for a in inputs], drawn[i : i + 1]))
                for drawn in [real if fisher == "empirical" else sampled("mse", z, seed, t)]
                for i in range(rows)
            )
        ]
        if t % s["fisher_period"] == 0:
            taken = t // s["fisher_period"]
            keep = min(taken / (taken + 1), s["fisher_decay"])
            means = [np.mean([one[k] ** 2 for one in each], axis=0) for k in range(2)]
            fresh = [part for mean in means for part in (mean[:-1], mean[-1])]
            diagonal = [keep * old + (1 - keep) * new for old, new in zip(diagonal, fresh, strict=True)]
        whole = [a.T @ d / rows for a, d in zip(inputs, backward(layers, inputs, real), strict=True)]
        grads = [part for one in whole for part in (one[:-1], one[-1])]
        directions = [g / (v + s["damping"]) for g, v in zip(grads, diagonal, strict=True)]
        size = s["learning_rate"] ** 2 * sum((d * g).sum() for d, g in zip(directions, grads, strict=True))
        shrunk = min(1.0, np.sqrt(s["kl_clip"] / size))
        velocity = [
            s["momentum"] * m - s["learning_rate"] * shrunk * d for m, d in zip(velocity, directions, strict=True)
        ]
        for w, m in zip(weights, velocity, strict=True):
            w += m
        fit(model, x, y)
        state = model.optimizer.state_dict()
        for k, (ours, theirs) in enumerate(zip(model.get_weights(), weights, strict=True)):
            np.testing.assert_allclose(state[f"{k}.v"], diagonal[k], rtol=1e-12, atol=1e-15)
            np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)


def test_the_same_bits_at_any_number_of_threads():
    def trained():
        model = network("float32", (300, 3))
        model.compile(gs.optimizers.DiagonalNaturalGradient(seed=5), "mse")
        fit(model, *data("float32", 200), epochs=3)
        return model.get_weights()

    same_at_any_number_of_threads(trained, (1, 2, 7))


def test_training_goes_on_bit_for_bit(tmp_path):
    x, y = data("float32")
    ends = []
    for epochs in (4, 2):
        model = network("float32")
        model.compile("natural", "mse")
        model.optimizer = gs.optimizers.DiagonalNaturalGradient(seed=5)
        fit(model, x, y, epochs)
        ends.append(model)
    ends[1].save(tmp_path / "model.gs")
    for model in (gs.models.load_model(tmp_path / "model.gs"), copy.deepcopy(ends[1])):
        assert type(model.optimizer) is gs.optimizers.DiagonalNaturalGradient
        fit(model, x, y, 2)
        for one, other in zip(model.get_weights(), ends[0].get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("chosen", ["skip", "raise"])
def test_a_step_that_is_not_made_leaves_the_diagonal(chosen):
    model = network("float32")
    model.compile(gs.optimizers.DiagonalNaturalGradient(on_nonfinite=chosen), "mse")
    x, y = data("float32")
    fit(model, x, y)
    before = {key: value.tobytes() for key, value in model.optimizer.state_dict().items()}
    x[0, 0] = np.inf
    if chosen == "raise":
        with pytest.raises(FloatingPointError):
            fit(model, x, y)
    else:
        fit(model, x, y)
    assert {key: value.tobytes() for key, value in model.optimizer.state_dict().items()} == before
