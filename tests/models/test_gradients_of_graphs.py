"""A gradient belongs to its weight by identity, never by a place in a list: checked by name, for graphs that are drawn
at random, in every way to ask for gradients and to step by them."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import optimizers
from keras_runs import keras_says
from probe import state_of
from random_graphs import ROWS, SEEDS, drawn

# Of central differences: errors of about 1e-10 from curvature, 1e-11 from rounding. Where the first goes over an edge,
# of Maximum or PReLU, or past a place of large curvature, a smaller one does not.
STEPS = (1e-5, 1e-7)

# Rules that in their first step move a weight by its gradient.
PLAIN = {
    "sgd": lambda: optimizers.SGD(1.0),
    "clipped": lambda: optimizers.SGD(1.0, global_clipnorm=1e9),
    "averaged": lambda: optimizers.SGD(1.0, use_ema=True),
    "sam": lambda: optimizers.SAM(optimizers.SGD(1.0), rho=0.0),
    "lookahead": lambda: optimizers.Lookahead(optimizers.SGD(1.0), sync_period=5),
    "multi": lambda: optimizers.MultiOptimizer({"*/bias": optimizers.SGD(1.0), "*": optimizers.SGD(1.0)}),
}


def problem(seed, rule="sgd"):
    """Every second one has layers in NumPy. No weight is 0: PReLU has no derivative there, and x - x, or a
    normalization of one number, is 0 but for what its weights add."""
    gs.utils.set_random_seed(seed)
    made = drawn(gs, seed, own=seed % 2 == 1)
    random = np.random.default_rng(seed)
    for weight in made.model.trainable_weights:
        weight += random.uniform(0.05, 0.2, weight.shape)
    made.model.compile(PLAIN[rule](), **made.arguments)
    return made


def named(model, gradients):
    """Gradients by the names of the weights, in the order that is promised."""
    names = {id(weight): name for name, weight in zip(model.weight_names, model.weights, strict=True)}
    return {names[id(weight)]: slope for weight, slope in zip(model.trainable_weights, gradients, strict=True)}


def slope_along(function, array, way, step):
    """Central difference of function() as an array that it reads moves this way."""
    kept = array.copy()
    array[...] = kept + step * way
    above = function()
    array[...] = kept - step * way
    below = function()
    array[...] = kept
    return (above - below) / (2 * step)


def check(function, arrays, gradients, random):
    assert arrays.keys() == gradients.keys()
    for name, array in arrays.items():
        assert gradients[name].shape == array.shape
        way = random.normal(size=array.shape)
        found = float((gradients[name] * way).sum())
        size = max(1.0, float(np.linalg.norm(gradients[name]) * np.linalg.norm(way)))
        differences = (abs(found - slope_along(function, array, way, step)) for step in STEPS)
        assert any(difference <= 1e-6 * size for difference in differences), (name, found)


def trainable(model):
    return {name: model.weights[model.weight_names.index(name)] for name in named(model, model.trainable_weights)}


def listed(outputs):
    return list(outputs.values()) if isinstance(outputs, dict) else outputs if isinstance(outputs, list) else [outputs]


@pytest.mark.parametrize("seed", SEEDS)
def test_value_and_grad_by_central_differences(seed):
    model, _, x, y = problem(seed)
    _, gradients = model.value_and_grad(x, y)
    check(
        lambda: model.value_and_grad(x, y)[0],
        trainable(model),
        named(model, gradients),
        np.random.default_rng(seed),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_backward_by_central_differences(seed):
    model, _, x, _ = problem(seed)
    random = np.random.default_rng(seed)
    outputs = model(x, training=True)
    slopes = [random.normal(size=output.shape) for output in listed(outputs)]

    def value():
        ys = listed(model(x, training=True))
        return sum(float((y * dy).sum()) for y, dy in zip(ys, slopes, strict=True)) + sum(model.losses)

    given = slopes[0] if not isinstance(outputs, (dict, list)) else slopes
    if isinstance(outputs, dict):
        given = dict(zip(outputs, slopes, strict=True))
    dxs, dws = model.backward(given)
    check(value, trainable(model), named(model, dws), random)
    xs = listed(x)
    check(value, dict(enumerate(xs)), dict(enumerate(listed(dxs))), random)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_moves_each_weight_by_its_own_gradient(seed):
    """In fit or train_on_batch, whichever way the optimizer gets its gradients; what is not trained stays."""
    rule = list(PLAIN)[seed % len(PLAIN)]
    model, _, x, y = problem(seed, rule)
    _, gradients = model.value_and_grad(x, y)
    slopes = named(model, gradients)
    before = dict(zip(model.weight_names, model.get_weights(), strict=True))
    moving = ("moving_mean", "moving_variance", "seen")
    if seed % 3:
        model.fit(x, y, batch_size=ROWS, shuffle=False, verbose=0)
    else:
        model.train_on_batch(x, y)
    for name, weight in zip(model.weight_names, model.weights, strict=True):
        if not name.endswith(moving):
            np.testing.assert_allclose(weight, before[name] - slopes.get(name, 0), rtol=0, atol=1e-12, err_msg=name)


def branches():
    """A short branch that is merged before a longer one from the same trunk."""
    options = {"use_bias": False, "dtype": "float64"}
    x = gs.Input((3,), dtype="float64")
    trunk = gs.layers.Dense(3, name="trunk", **options)(x)
    short = gs.layers.Dense(3, name="short", **options)(trunk)
    long = gs.layers.Dense(3, name="long2", **options)(gs.layers.Dense(3, name="long1", **options)(trunk))
    model = gs.Model(x, gs.layers.Concatenate(dtype="float64")([short, long]))
    model.compile("sgd", "mse")
    return model


def test_what_shows_gradients_shows_them_by_name():
    """The norms of `Diagnose` are those of each layer's own gradient."""
    model, random = branches(), np.random.default_rng(0)
    x, y = random.normal(size=(8, 3)), random.normal(size=(8, 6))
    _, gradients = model.value_and_grad(x, y)
    norms = {
        name.partition("/")[0]: np.linalg.norm(slope) for name, slope in zip(model.weight_names, gradients, strict=True)
    }
    model.optimizer.learning_rate = 0.0
    diagnose = gs.callbacks.Diagnose(verbose=0)
    model.fit(x, y, batch_size=8, epochs=1, shuffle=False, verbose=0, callbacks=[diagnose])
    shown = {name: look.gradient for name, look in diagnose.snapshots[-1].layers.items() if name in norms}
    assert shown == pytest.approx(norms, rel=1e-12)
    x_in = x @ model.get_layer("trunk").kernel
    dy = 2 * (x_in @ model.get_layer("short").kernel - y[:, :3]) / y.size
    assert np.linalg.norm(x_in.T @ dy) == pytest.approx(norms["short"], rel=1e-12)


def test_saved_state_stays_with_its_weights(tmp_path):
    """Momentum of every weight is the sum of its own gradients, in the file as well."""
    model, random = branches(), np.random.default_rng(0)
    x, y = random.normal(size=(8, 3)), random.normal(size=(8, 6))
    model.compile(optimizers.SGD(1.0, momentum=0.9), "mse")
    before = model.get_weights()
    model.fit(x, y, batch_size=8, verbose=0, shuffle=False)
    model.save(tmp_path / "model")
    again = gs.models.load_model(tmp_path / "model")
    for weight, old in zip(again.weights, before, strict=True):
        state = state_of(again.optimizer, weight)
        np.testing.assert_allclose(state["velocity"], weight - old, rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def keras():
    """For each seed without layers in NumPy: start, gradients, and the weights after one step of fit."""
    return keras_says(
        """
import sys
import torch
from keras.src.backend.common import dtypes
from random_graphs import ROWS, drawn
common = dtypes.result_type  # which is float32 for two of float64: Keras takes means so
wide = lambda *given: "float64" if "float64" in str(given) else common(*given)
for module in list(sys.modules.values()):
    if vars(module).get("result_type") is common:
        module.result_type = wide
# PyTorch's takes x for softplus(x) above 20, 2e-9 off.
torch.nn.functional.softplus = lambda x: torch.logaddexp(x, torch.zeros_like(x))
answer = {}
for seed in data["seeds"]:
    model, arguments, x, y = drawn(keras, seed)
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    start = [random.normal(size=weight.shape) / 2 for weight in model.weights]
    start = [value**2 if "variance" in weight.path else value for value, weight in zip(start, model.weights)]
    model.set_weights(start)
    model.compile(keras.optimizers.SGD(1.0), **arguments)
    tensors = lambda of: keras.tree.map_structure(torch.tensor, of)
    if not model.compute_loss(tensors(x), tensors(y), model(tensors(x), training=True)).requires_grad:
        answer[seed] = None  # what is trainable is behind unused outputs alone: Keras cannot train it
        continue
    model.set_weights(start)
    model.fit(x, y, batch_size=ROWS, shuffle=False, verbose=0)
    end = model.get_weights()
    model.set_weights(start)
    outputs = model(tensors(x), training=True)
    model.zero_grad()
    model.compute_loss(tensors(x), tensors(y), outputs).backward()
    answer[seed] = {
        "start": start,
        "gradients": [  # none by what an unused output of a model depends on
            torch.zeros_like(weight.value) if weight.value.grad is None else weight.value.grad
            for weight in model.trainable_weights
        ],
        "end": end,
        "paths": [weight.path for weight in model.weights],
    }
""",
        backend="torch",
        seeds=list(SEEDS),
    )


@pytest.mark.peers
@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_and_a_step_are_those_of_keras(seed, keras):
    theirs = keras[str(seed)]
    model, arguments, x, y = drawn(gs, seed)
    if theirs is None:
        model.compile(gs.optimizers.SGD(1.0), **arguments)
        assert not any(gradient.any() for gradient in model.value_and_grad(x, y)[1])
        return
    assert [path.split("/")[-2:] for path in model.weight_names] == [path.split("/")[-2:] for path in theirs["paths"]]
    model.set_weights([np.array(weight) for weight in theirs["start"]])
    model.compile(gs.optimizers.SGD(1.0), **arguments)
    _, gradients = model.value_and_grad(x, y)
    others = [np.array(gradient) for gradient in theirs["gradients"]]
    if any(np.isnan(other).any() for other in others):  # Keras's Dot(normalize=True) of zeros
        assert all(np.isfinite(gradient).all() for gradient in gradients)
        return
    for name, gradient, other in zip(named(model, gradients), gradients, others, strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-9, atol=1e-9, err_msg=name)
    model.set_weights([np.array(weight) for weight in theirs["start"]])
    model.fit(x, y, batch_size=ROWS, shuffle=False, verbose=0)
    for name, weight, other in zip(model.weight_names, model.weights, theirs["end"], strict=True):
        np.testing.assert_allclose(weight, np.array(other), rtol=1e-9, atol=1e-9, err_msg=name)
