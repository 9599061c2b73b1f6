"""The rules against the libraries whose forms they take: Keras's own code and PyTorch's, over 20 steps in float64."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gradstep import optimizers
from keras_runs import said_with_keras
from peers import needs
from problems import quadratic, rosenbrock

pytestmark = pytest.mark.peers

STEPS = 20
STARTS = {"quadratic": quadratic().start, "rosenbrock": rosenbrock().start, "stream": np.linspace(-1.0, 1.0, 50)}
STREAM = np.random.default_rng(0).standard_normal((STEPS, 50))
# Both sides round in float64, in another order; on the way Rosenbrock's valley enlarges a difference some hundredfold.
TOLERANCE = 1e-9

DECAY = {"weight_decay": 0.1}
# Plain descent needs a small rate on Rosenbrock's walls.
SLOW = {"learning_rate": 1e-4}


def gradient(name, w, step):
    if name == "stream":
        return STREAM[step]
    return {"quadratic": quadratic, "rosenbrock": rosenbrock}[name]().gradient(w)


def ours(make, name, arguments):
    w, optimizer = STARTS[name].copy(), getattr(optimizers, make)(**arguments)
    for step in range(STEPS):
        optimizer.step(w, gradient(name, w, step))
    if arguments.get("use_ema"):
        optimizer.finalize_variable_values(w)
    return w


def difference(w, peer):
    """Relative to the largest weight; that the steps did something is seen beside it."""
    assert np.isfinite(peer).all()
    return abs(w - peer).max() / abs(peer).max()


def label(case):
    return ",".join(f"{key}={value}" if key else value for key, value in {"": case[0], **case[-1]}.items())


# -- Keras -------------------------------------------------------------------------------------------------------------

KERAS = [
    ("SGD", SLOW),
    ("SGD", SLOW | {"momentum": 0.9}),
    ("SGD", SLOW | {"momentum": 0.9, "nesterov": True}),
    *[
        (name, {})
        for name in ("Adagrad", "Adadelta", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam", "Ftrl", "Lion", "Lamb")
    ],
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.5, "epsilon": 1e-3}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-2}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.9, "epsilon": 1e-2}),
    ("RMSprop", {"rho": 0.8, "centered": True, "epsilon": 1e-2}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adam", {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1}),
    ("Adam", {"learning_rate": 0.1, "beta_2": 0.5, "amsgrad": True}),
    ("AdamW", {"learning_rate": 0.1, "weight_decay": 0.2, "beta_2": 0.5, "amsgrad": True}),
    ("Adamax", {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1}),
    ("Nadam", {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1}),
    ("Ftrl", {"learning_rate": 0.1, "initial_accumulator_value": 0.5, "l1_regularization_strength": 0.2}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "l2_regularization_strength": 0.3,
            "l2_shrinkage_regularization_strength": 0.2,
            "beta": 0.4,
        },
    ),
    ("Ftrl", {"learning_rate": 0.01, "learning_rate_power": -0.25, "l1_regularization_strength": 0.1, "beta": 0.4}),
    ("Lion", {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.7}),
    ("Lamb", {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1}),
    *[
        (name, {"learning_rate": 0.01} | DECAY)
        for name in ("Adagrad", "Adadelta", "RMSprop", "Adam", "Adamax", "Nadam", "Ftrl", "Lion", "Lamb")
    ],
    ("SGD", SLOW | DECAY | {"momentum": 0.9}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.1, "beta_1": 0.7, "beta_2": 0.5, "epsilon": 0.1, "warmup_steps": 7}),
    *[
        ("Adam", {"learning_rate": 0.1} | options)
        for options in (
            {"clipnorm": 0.5},
            {"clipvalue": 0.1},
            {"global_clipnorm": 0.5},
            {"use_ema": True, "ema_momentum": 0.8},
            {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
            {"loss_scale_factor": 8.0},
            {"gradient_accumulation_steps": 4},
            {"gradient_accumulation_steps": 4, "global_clipnorm": 0.5, "weight_decay": 0.1},
        )
    ],
]


@pytest.fixture(scope="module")
def keras():
    """The ends of all cases with Keras itself: in a process of its own, for its backend and its precision are set for
    a whole process. JAX runs Keras's own update_step; the backend for PyTorch has others."""
    needs("keras", "jax")
    program = f"""
import json, keras, numpy as np
from problems import quadratic, rosenbrock

keras.config.set_floatx("float64")
STREAM, STARTS = np.array(json.loads({json.dumps(json.dumps(STREAM.tolist()))})), {json.dumps(list(STARTS))}
PROBLEMS = {{"quadratic": quadratic(), "rosenbrock": rosenbrock()}}
ends = []
for make, arguments in json.loads({json.dumps(json.dumps(KERAS))}):
    ends.append({{}})
    for name in STARTS:
        start = np.linspace(-1.0, 1.0, 50) if name == "stream" else PROBLEMS[name].start
        w, optimizer = keras.Variable(start, dtype="float64"), getattr(keras.optimizers, make)(**arguments)
        optimizer.build([w])
        for step in range({STEPS}):
            g = STREAM[step] if name == "stream" else PROBLEMS[name].gradient(np.array(w))
            optimizer.apply([keras.ops.convert_to_tensor(g, "float64")], [w])
        optimizer.finalize_variable_values([w])
        ends[-1][name] = np.array(w).tolist()
print(json.dumps(ends))
"""
    return json.loads(said_with_keras(program, "jax").splitlines()[-1])


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize("case", range(len(KERAS)), ids=[label(case) for case in KERAS])
def test_equals_keras(keras, case, name):
    make, arguments = KERAS[case]
    assert difference(ours(make, name, arguments), np.array(keras[case][name])) < TOLERANCE


# -- PyTorch -----------------------------------------------------------------------------------------------------------

TORCH_NAMES = {"learning_rate": "lr", "epsilon": "eps"}
BILINGUAL = ("SGD", "Adagrad", "Adadelta", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam")
# Classes that Keras does not have speak PyTorch's alone.
TORCH = [
    *[(name, {}) for name in (*BILINGUAL[1:], "RAdam", "Rprop")],
    ("SGD", SLOW),
    ("SGD", SLOW | {"momentum": 0.9}),
    ("SGD", SLOW | {"momentum": 0.9, "dampening": 0.4}),
    ("SGD", SLOW | {"momentum": 0.9, "nesterov": True}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.5, "epsilon": 1e-3, "lr_decay": 0.3}),
    ("Adadelta", {"learning_rate": 0.5, "rho": 0.8, "epsilon": 1e-2}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.9, "epsilon": 1e-2}),
    ("RMSprop", {"rho": 0.8, "centered": True, "epsilon": 1e-2}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.5, "centered": True}),
    ("Adam", {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1}),
    ("Adam", {"learning_rate": 0.1, "beta_2": 0.5, "amsgrad": True}),
    ("AdamW", {"learning_rate": 0.1, "weight_decay": 0.3, "epsilon": 0.1}),
    ("AdamW", {"learning_rate": 0.1, "beta_2": 0.5, "amsgrad": True}),
    ("Adamax", {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1}),
    ("Nadam", {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1, "momentum_decay": 0.1}),
    ("RAdam", {"learning_rate": 1e-3, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.1}),
    ("RAdam", {"learning_rate": 1e-3, "beta_2": 0.5}),
    ("Rprop", {"learning_rate": 0.05, "eta_minus": 0.4, "eta_plus": 1.3, "step_size_min": 0.01, "step_size_max": 0.2}),
    ("ASGD", SLOW),
    ("ASGD", {"learning_rate": 1e-3, "lambd": 0.1, "alpha": 0.6, "t0": 5.0}),
    *[(name, SLOW | DECAY | {"maximize": name == "Adam"}) for name in BILINGUAL],
    ("SGD", DECAY | {"learning_rate": 1e-6, "momentum": 0.9, "nesterov": True, "maximize": True}),
]


@pytest.fixture
def torch():
    """PyTorch with float64 for scalars too: some of its rules keep numbers of theirs in the default dtype."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


def theirs(torch, make, arguments, parameters):
    """An optimizer of PyTorch by our names."""
    named = {TORCH_NAMES.get(key, key): value for key, value in arguments.items()}
    pairs = {"betas": ("beta_1", "beta_2"), "etas": ("eta_minus", "eta_plus")}
    pairs["step_sizes"] = ("step_size_min", "step_size_max")
    cls = getattr(torch.optim, "NAdam" if make == "Nadam" else make)
    defaults = cls([torch.zeros(1)]).defaults
    for pair, names in pairs.items():
        given = [named.pop(name, None) for name in names]
        if given != [None, None]:
            named[pair] = tuple(new if new is not None else old for new, old in zip(given, defaults[pair], strict=True))
    if make == "RMSprop" and "rho" in named:
        named["alpha"] = named.pop("rho")
    return cls(parameters, **named)


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize(("make", "arguments"), TORCH, ids=[label(case) for case in TORCH])
def test_equals_pytorch(torch, make, arguments, name):
    w = torch.tensor(STARTS[name].copy())
    optimizer = theirs(torch, make, arguments, [w])
    for step in range(STEPS):
        w.grad = torch.tensor(gradient(name, w.numpy(), step))
        optimizer.step()
    dialect = {"dialect": "torch"} if make in BILINGUAL else {}
    assert difference(ours(make, name, arguments | dialect), w.numpy()) < TOLERANCE


@pytest.mark.parametrize("make", [*BILINGUAL, "RAdam", "Rprop", "ASGD"])
def test_defaults_are_pytorchs(torch, make):
    defaults = theirs(torch, make, {}, [torch.zeros(1)]).defaults
    optimizer = getattr(optimizers, make)(**({"dialect": "torch"} if make in BILINGUAL else {}))
    expected = {
        ("beta_1", "beta_2"): "betas",
        ("eta_minus", "eta_plus"): "etas",
        ("step_size_min", "step_size_max"): "step_sizes",
        "learning_rate": "lr",
        "epsilon": "eps",
        "rho": "alpha" if make == "RMSprop" else "rho",
        **{
            name: name
            for name in (
                *("momentum", "dampening", "nesterov", "lr_decay", "initial_accumulator_value", "centered", "amsgrad"),
                *("momentum_decay", "lambd", "t0"),
                *(["alpha"] if make == "ASGD" else []),
            )
        },
    }
    compared = 0
    for names, their in expected.items():
        if their in defaults:
            ours = (
                tuple(getattr(optimizer, n) for n in names) if isinstance(names, tuple) else getattr(optimizer, names)
            )
            assert ours == defaults[their], names
            compared += 1
    about = {"weight_decay", "maximize", "foreach", "differentiable", "fused", "capturable", "decoupled_weight_decay"}
    assert compared == len(set(defaults) - about)


# -- the authors' code of the schedule-free rules ----------------------------------------------------------------------


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize(
    "averaging", [{}, {"warmup_steps": 7}, {"r": 1.5}, {"warmup_steps": 7, "r": 0.5, "weight_lr_power": 1.0}], ids=str
)
@pytest.mark.parametrize("make", ["ScheduleFreeSGD", "ScheduleFreeAdamW"])
def test_equals_its_authors(torch, make, averaging, name):
    schedulefree = pytest.importorskip("schedulefree")
    rate, power = (1e-4, {}) if make == "ScheduleFreeSGD" else (0.1, {"weight_lr_power": 2.0})
    cls = {"ScheduleFreeSGD": schedulefree.SGDScheduleFree, "ScheduleFreeAdamW": schedulefree.AdamWScheduleFree}[make]
    w = torch.tensor(STARTS[name].copy())
    peer = cls([w], lr=rate, weight_decay=0.1, foreach=False, **averaging)
    ours, optimizer = STARTS[name].copy(), getattr(optimizers, make)(rate, weight_decay=0.1, **power | averaging)
    peer.train()
    for step in range(STEPS):
        w.grad = torch.tensor(gradient(name, w.numpy(), step))
        peer.step()
        optimizer.step(ours, gradient(name, ours, step))
    assert difference(ours, w.numpy()) < TOLERANCE
    peer.eval()
    assert difference(optimizer.averages()[0], w.numpy()) < TOLERANCE
