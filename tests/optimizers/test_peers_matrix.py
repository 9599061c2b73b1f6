"""Adafactor and Muon against Keras's own code and PyTorch's, over 20 steps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gradstep.optimizers import Adafactor, Muon
from keras_runs import said_with_keras
from peers import needs
from reference.matrix_rules import muon

pytestmark = pytest.mark.peers

STEPS = 20
SHAPES = [[6], [7, 3], [3, 40], [2, 3, 4]]
# Both sides round in float64, in another order; Muon's 300 products of small matrices enlarge a difference little.
TOLERANCE = 1e-9

KERAS = [
    ("Adafactor", {}),
    ("Adafactor", {"learning_rate": 0.7, "beta_2_decay": -0.5, "epsilon_2": 0.1, "clip_threshold": 0.5}),
    ("Adafactor", {"epsilon_1": 1e-3, "weight_decay": 0.1, "learning_rate": 0.05}),
    ("Adafactor", {"learning_rate": 0.1, "relative_step": False}),  # below 1 / root of 20 both are the same
    ("Adafactor", {"learning_rate": 0.1, "global_clipnorm": 0.5, "use_ema": True}),
    ("Muon", {}),
    ("Muon", {"learning_rate": 0.1, "nesterov": False, "momentum": 0.8, "weight_decay": 0.1}),
    ("Muon", {"learning_rate": 0.1, "adam_lr_ratio": 0.3, "adam_weight_decay": 0.2, "adam_beta_2": 0.9}),
    ("Muon", {"learning_rate": 0.1, "ns_steps": 3, "muon_a": 3.0, "muon_b": -3.2, "muon_c": 1.2, "rms_rate": 1.0}),
]


def draws(shape):
    rng = np.random.default_rng(0)
    return rng.standard_normal(shape), rng.standard_normal((STEPS, *shape))


def ours(make, arguments, shape):
    (w, gradients), optimizer = draws(shape), {"Adafactor": Adafactor, "Muon": Muon}[make](**arguments)
    for g in gradients:
        optimizer.step(w, g)
    if arguments.get("use_ema"):
        optimizer.finalize_variable_values(w)
    return w


@pytest.fixture(scope="module")
def keras():
    """The ends of all cases, in a process of its own: Keras's backend and precision are set for a whole process."""
    needs("keras", "jax")
    program = f"""
import json, keras, numpy as np
from keras.src.backend.common import dtypes
keras.config.set_floatx("float64")
# Over JAX it makes means, norms and products of float64 in float32.
dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
ends = []
for make, arguments in json.loads({json.dumps(json.dumps(KERAS))}):
    ends.append([])
    for shape in {SHAPES}:
        rng = np.random.default_rng(0)
        w = keras.Variable(rng.standard_normal(shape), dtype="float64")
        gradients = rng.standard_normal(({STEPS}, *shape))
        optimizer = getattr(keras.optimizers, make)(**arguments)
        optimizer.build([w])
        for g in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(g, "float64")], [w])
        optimizer.finalize_variable_values([w])
        ends[-1].append(np.array(w).tolist())
print(json.dumps(ends))
"""
    return json.loads(said_with_keras(program, "jax").splitlines()[-1])


@pytest.mark.parametrize("at", range(len(SHAPES)), ids=[str(shape) for shape in SHAPES])
@pytest.mark.parametrize("case", range(len(KERAS)), ids=[f"{make}{arguments}" for make, arguments in KERAS])
def test_equals_keras(keras, case, at):
    make, arguments = KERAS[case]
    peer = np.array(keras[case][at])
    assert abs(ours(make, arguments, SHAPES[at]) - peer).max() < TOLERANCE * abs(peer).max()


TORCH_NAMES = {"learning_rate": "lr", "beta_2_decay": "beta2_decay", "clip_threshold": "d"}


def theirs(torch, make, arguments, shape, dtype="float64"):
    w, gradients = draws(shape)
    w = torch.tensor(w.astype(dtype))
    named = {TORCH_NAMES.get(key, key): value for key, value in arguments.items()}
    if "epsilon_1" in named:
        named["eps"] = (named.pop("epsilon_1"), named.pop("epsilon_2"))
    optimizer = getattr(torch.optim, make)([w], **named)
    for g in gradients:
        w.grad = torch.tensor(g.astype(dtype))
        optimizer.step()
    return w.numpy()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"learning_rate": 0.7, "beta_2_decay": -0.5, "clip_threshold": 1.5, "weight_decay": 0.1},
        {"epsilon_1": 0.5, "epsilon_2": 0.1, "learning_rate": 0.1},
        {"maximize": True, "learning_rate": 0.1},
    ],
    ids=str,
)
def test_adafactor_equals_pytorch(arguments, shape):
    torch = pytest.importorskip("torch")
    peer = theirs(torch, "Adafactor", arguments, shape)
    assert abs(ours("Adafactor", arguments | {"dialect": "torch"}, shape) - peer).max() < TOLERANCE * abs(peer).max()


@pytest.mark.parametrize("shape", [[7, 3], [3, 40], [60, 60]], ids=str)
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"learning_rate": 0.1}, {}),
        ({"learning_rate": 0.1, "nesterov": False, "momentum": 0.8, "weight_decay": 0.2}, {}),
        ({"learning_rate": 0.1, "rms_rate": 0.2}, {"adjust_lr_fn": "match_rms_adamw"}),
    ],
    ids=str,
)
def test_muon_is_near_pytorchs(arguments, named, shape):
    torch = pytest.importorskip("torch")
    theirs_only = {key: value for key, value in arguments.items() if key != "rms_rate"} | named
    w, gradients = draws(shape)
    peer = theirs(torch, "Muon", theirs_only, shape)
    found = ours("Muon", arguments | {"dialect": "torch"}, shape)
    optimizer = Muon(dialect="torch", **arguments)
    values = {name: getattr(optimizer, name) for name in optimizer._fields()}
    exact, _ = muon(w, gradients, **values, nesterov=optimizer.nesterov, torch=True)
    assert abs(found - exact).max() < TOLERANCE * abs(exact).max()
    # PyTorch multiplies in bfloat16, of 8 bits: singular values of about 1 are some 2 % off after five rounds, and
    # small ones, which the polynomial enlarges 3.4-fold a round, more. Weights moved by 20 such steps:
    moved = abs(exact - w).max()
    assert abs(peer - found).max() < 0.1 * moved
    assert np.linalg.norm(peer - found) < 0.05 * np.linalg.norm(exact - w)


@pytest.mark.parametrize("make", ["Adafactor", "Muon"])
def test_defaults_are_pytorchs(make):
    torch = pytest.importorskip("torch")
    defaults = getattr(torch.optim, make)([torch.zeros(1, 1)]).defaults
    optimizer = {"Adafactor": Adafactor, "Muon": Muon}[make](dialect="torch")
    names = {
        "Adafactor": ["learning_rate", "beta_2_decay", "clip_threshold"],
        "Muon": ["learning_rate", "weight_decay", "momentum", "ns_steps", "nesterov"],
    }[make]
    for name in names:
        assert getattr(optimizer, name) == defaults[TORCH_NAMES.get(name, name)]
    if make == "Adafactor":
        assert defaults["eps"] == (None, optimizer.epsilon_2)
    else:
        assert defaults["ns_coefficients"] == (optimizer.muon_a, optimizer.muon_b, optimizer.muon_c)
        assert defaults["eps"] == optimizer.epsilon
