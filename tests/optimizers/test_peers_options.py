"""Keras's base options and PyTorch's parameter groups against the libraries themselves, over 20 steps in float64."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
from gradstep import optimizers
from gradstep.optimizers import schedules
from keras_runs import said_with_keras
from peers import needs

pytestmark = pytest.mark.peers

STEPS = 20
RNG = np.random.default_rng(8)
STARTS = {"kernel": RNG.standard_normal((4, 3)), "bias": RNG.standard_normal(3)}
# Large and small by turns, so that a clip holds at some steps only.
STREAM = [{name: RNG.standard_normal(w.shape) * (1, 4, 0.2)[i % 3] for name, w in STARTS.items()} for i in range(STEPS)]
# Both sides round each of 20 steps in float64, in another order: some 1e-14. A wrong share of one step is 1e-4 or more.
TOLERANCE = 1e-9


def agree(ours, theirs):
    for name, w in ours.items():
        peer = np.asarray(theirs[name])
        assert abs(peer - STARTS[name]).max() > 1e-3  # the steps did something
        np.testing.assert_allclose(w, peer, rtol=0, atol=TOLERANCE * abs(peer).max(), err_msg=name)


def label(case):
    return ",".join(f"{key}={value}" if key else value for key, value in {"": case[0], **case[1]}.items())


# -- Keras -------------------------------------------------------------------------------------------------------------

RULES = {
    "SGD": {"learning_rate": 0.01, "momentum": 0.9},
    "Adam": {"learning_rate": 0.05},
    "RMSprop": {"learning_rate": 0.02},
    "Adagrad": {"learning_rate": 0.1},
    "Lion": {"learning_rate": 0.01},
    "AdamW": {"learning_rate": 0.05},
}
DECAY = {"weight_decay": 0.3}
AVERAGE = {"use_ema": True, "ema_momentum": 0.8}
OPTIONS = [
    DECAY,
    DECAY | {"exclude": {"var_names": ["bias"]}},
    DECAY | {"exclude": {"var_list": ["kernel"]}},
    DECAY | {"exclude": {"var_list": ["kernel"], "var_names": ["^bi.s$"]}},
    {"clipnorm": 0.5},
    {"clipvalue": 0.1},
    {"global_clipnorm": 0.7},
    AVERAGE,
    AVERAGE | {"ema_overwrite_frequency": 3},
    {"loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 4},
    DECAY | AVERAGE | {"clipnorm": 0.5, "ema_overwrite_frequency": 4},
    DECAY | {"global_clipnorm": 0.7, "loss_scale_factor": 0.5, "exclude": {"var_names": ["bias"]}},
    {"loss_scale_factor": 3.0, "clipvalue": 0.1},
    {"gradient_accumulation_steps": 4, "clipnorm": 0.5},
    {"gradient_accumulation_steps": 4, "clipvalue": 0.1, "loss_scale_factor": 2.0},
    DECAY | {"gradient_accumulation_steps": 5, "global_clipnorm": 0.7, "exclude": {"var_names": ["bias"]}},
    {"gradient_accumulation_steps": 3},  # 20 is no multiple: the last two gradients wait
]
CASES = [(make, arguments | options) for (make, arguments), options in product(RULES.items(), OPTIONS)]


@pytest.fixture(scope="module")
def keras():
    """The ends of all cases with Keras itself: in a process of its own, for its backend and its precision are set for
    a whole process."""
    needs("keras", "jax")
    given = json.dumps([CASES, {k: w.tolist() for k, w in STARTS.items()}])
    stream = json.dumps([{name: g.tolist() for name, g in grads.items()} for grads in STREAM])
    program = f"""
import jax, json, keras, numpy as np
jax.config.update("jax_disable_jit", True)  # each condition of each step would be compiled anew: a minute and a half

keras.config.set_floatx("float64")
(cases, starts), stream = json.loads({given!r}), json.loads({stream!r})
ends = []
for make, arguments in cases:
    exclude = arguments.pop("exclude", None)
    arrays = {{name: keras.Variable(np.array(w), dtype="float64", name=name) for name, w in starts.items()}}
    optimizer = getattr(keras.optimizers, make)(**arguments)
    if exclude:
        excluded = [arrays[name] for name in exclude.get("var_list", [])]
        optimizer.exclude_from_weight_decay(excluded, exclude.get("var_names"))
    optimizer.build(list(arrays.values()))
    for grads in stream:
        optimizer.apply([keras.ops.convert_to_tensor(grads[name], "float64") for name in arrays], arrays.values())
    optimizer.finalize_variable_values(list(arrays.values()))
    ends.append({{name: np.array(w).tolist() for name, w in arrays.items()}})
print(json.dumps(ends))
"""
    return json.loads(said_with_keras(program, "jax").splitlines()[-1])


@pytest.mark.parametrize("case", range(len(CASES)), ids=[label(case) for case in CASES])
def test_equals_keras(keras, case):
    make, arguments = CASES[case]
    params = {name: w.copy() for name, w in STARTS.items()}
    optimizer = getattr(optimizers, make)(**{k: v for k, v in arguments.items() if k != "exclude"})
    exclude = arguments.get("exclude", {})
    optimizer.exclude_from_weight_decay(
        [params[name] for name in exclude.get("var_list", [])], exclude.get("var_names")
    )
    for grads in STREAM:
        optimizer.step(params, grads)
    optimizer.finalize_variable_values(params)
    agree(params, keras[case])


# -- PyTorch -----------------------------------------------------------------------------------------------------------

# Our arguments and PyTorch's, of rules with state of every kind.
PAIRS = {
    "SGD": ({"learning_rate": 0.01, "momentum": 0.9}, {"lr": 0.01, "momentum": 0.9}),
    "Adam": ({"learning_rate": 0.05}, {"lr": 0.05}),
    "AdamW": ({"learning_rate": 0.05}, {"lr": 0.05}),
    "RMSprop": ({"learning_rate": 0.02, "momentum": 0.5}, {"lr": 0.02, "momentum": 0.5}),
    "Adagrad": ({"learning_rate": 0.1, "lr_decay": 0.1}, {"lr": 0.1, "lr_decay": 0.1}),
    "Adadelta": ({"learning_rate": 0.5}, {"lr": 0.5}),
    "Adamax": ({"learning_rate": 0.05}, {"lr": 0.05}),
}


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


def made(torch, make, options, groups):
    """Both sides over the kernel and the bias as two groups: our optimizer, arrays and bound form; PyTorch's."""
    mine, their = PAIRS[make]
    ours = {name: w.copy() for name, w in STARTS.items()}
    theirs = {name: torch.tensor(w) for name, w in STARTS.items()}
    optimizer = getattr(optimizers, make)(**mine, **options, dialect="torch")
    bound = optimizer.bind([{"params": [w], **group[0]} for w, group in zip(ours.values(), groups, strict=True)])
    peer = getattr(torch.optim, make)(
        [{"params": [w], **group[1]} for w, group in zip(theirs.values(), groups, strict=True)], **their, **options
    )
    return optimizer, ours, bound, peer, theirs


def stepped(torch, bound, peer, theirs, between=lambda i: None):
    for i, grads in enumerate(STREAM):
        bound.step([[g] for g in grads.values()])
        for name, w in theirs.items():
            w.grad = torch.tensor(grads[name])
        peer.step()
        between(i)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("make", PAIRS)
def test_groups_with_rates_and_decays_of_their_own(torch, make, maximize):
    options = {"weight_decay": 0.2, "maximize": maximize}
    rate = PAIRS[make][0]["learning_rate"]
    groups = [({"weight_decay": 0}, {"weight_decay": 0}), ({"learning_rate": 0.3 * rate}, {"lr": 0.3 * rate})]
    optimizer, ours, bound, peer, theirs = made(torch, make, options, groups)

    def change(i):
        if i == 6:
            optimizer.groups[1]["learning_rate"] = peer.param_groups[0]["lr"] = 0.4 * rate
        if i == 11:
            optimizer.groups[2]["weight_decay"] = peer.param_groups[1]["weight_decay"] = 0.5

    stepped(torch, bound, peer, theirs, change)
    agree(ours, theirs)


@pytest.mark.parametrize("make", ["SGD", "Adam"])
def test_a_change_of_the_optimizer_reaches_groups_without_a_value_of_their_own(torch, make):
    optimizer, ours, bound, peer, theirs = made(torch, make, {}, [({}, {}), ({"learning_rate": 3e-3}, {"lr": 3e-3})])

    def change(i):
        if i == 9:
            optimizer.learning_rate = peer.param_groups[0]["lr"] = 0.002

    stepped(torch, bound, peer, theirs, change)
    agree(ours, theirs)


@pytest.mark.parametrize("make", ["SGD", "Adam", "RMSprop"])
def test_a_schedule_as_the_rate_of_one_group(torch, make):
    schedule = schedules.ExponentialDecay(0.05, 4, 0.5)  # halves in 4 steps
    optimizer, ours, bound, peer, theirs = made(
        torch, make, {"weight_decay": 0.1}, [({"learning_rate": schedule}, {"lr": 0.05}), ({}, {})]
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(peer, [lambda i: 0.5 ** (i / 4), lambda i: 1.0])
    stepped(torch, bound, peer, theirs, lambda i: scheduler.step())
    agree(ours, theirs)
    assert optimizer.groups[1]["learning_rate"] == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12)


@pytest.mark.parametrize("make", ["SGD", "Adam"])
@pytest.mark.parametrize("most", [0.5, 1e3])
def test_global_clipnorm_is_pytorchs_clip_over_all_groups(torch, make, most):
    mine, their = PAIRS[make]
    ours = {name: w.copy() for name, w in STARTS.items()}
    theirs = {name: torch.tensor(w) for name, w in STARTS.items()}
    optimizer = getattr(optimizers, make)(**mine, weight_decay=0.1, global_clipnorm=most, dialect="torch")
    bound = optimizer.bind([{"params": [w], "learning_rate": 0.01} for w in ours.values()])
    peer = getattr(torch.optim, make)(theirs.values(), **{**their, "lr": 0.01}, weight_decay=0.1)
    for grads in STREAM:
        bound.step([[g] for g in grads.values()])
        for name, w in theirs.items():
            w.grad = torch.tensor(grads[name])
        norm = torch.nn.utils.get_total_norm([w.grad for w in theirs.values()])
        for w in theirs.values():  # clip_grad_norm_ itself adds 1e-6 to the norm
            w.grad *= min(1.0, most / norm)
        peer.step()
    agree(ours, theirs)
