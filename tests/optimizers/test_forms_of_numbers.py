"""Numbers in the forms in which users have them, and Keras's ways to set them."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from gradstep import optimizers
from gradstep.optimizers import SGD, schedules
from gradstep.optimizers.schedules.registry import classes


def moved(rate, steps=1):
    optimizer, w = SGD(rate), np.zeros(1)
    for _ in range(steps):
        optimizer.step(w, np.ones(1))
    return w[0]


FORMS = {
    "0-d array": lambda: np.array(0.25),
    "0-d float32 array": lambda: np.array(0.25, "f4"),
    "NumPy scalar": lambda: np.float32(0.25),
}
PEERS = {
    "PyTorch": lambda: pytest.importorskip("torch").tensor(0.25),
    "JAX": lambda: pytest.importorskip("jax").numpy.asarray(0.25),
    "Keras": lambda: pytest.importorskip("keras").Variable(0.25, trainable=False),
}


@pytest.mark.parametrize("form", [*FORMS, *(pytest.param(peer, marks=pytest.mark.peers) for peer in PEERS)])
def test_anything_of_shape_nothing_is_a_number(form):
    value = (FORMS | PEERS)[form]()
    assert moved(value) == -0.25
    optimizer = SGD()
    optimizer.learning_rate = value
    assert optimizer.learning_rate == 0.25
    assert json.loads(json.dumps(optimizer.get_config()))["learning_rate"] == 0.25
    assert moved(schedules.Lambda(lambda step: value), 2) == -0.5


@pytest.mark.parametrize("wrong", [np.array(True), np.array(1j), np.array("a"), np.ones(1), np.ones(2), "0.1", None])
def test_what_is_no_number_is_refused(wrong):
    with pytest.raises(TypeError, match="learning_rate must be a real number"):
        SGD(wrong)


def test_lambda_gives_0d_arrays():
    assert moved(schedules.Lambda(lambda step: np.where(step < 2, 0.5, 0.25)), 3) == -1.25


def test_a_function_without_arguments_is_asked_for_each_step():
    now = [0.5]
    optimizer, w = SGD(lambda: now[0]), np.zeros(1)
    assert optimizer.learning_rate == 0.5
    now[0] = 0.25
    assert optimizer.learning_rate == 0.25
    optimizer.step(w, np.ones(1))
    assert w[0] == -0.25
    with pytest.raises(NotImplementedError, match="learning_rate is a function"):
        optimizer.get_config()
    with pytest.raises(TypeError, match="momentum must be a real number"):
        SGD(momentum=lambda: 0.5)
    with pytest.raises(TypeError, match="must be a real number"):
        SGD(schedules.Constant)  # which was not made


@pytest.mark.parametrize("name", sorted(set(classes()) - {"Lambda", "Sequential", "Warmup", "PerEpoch"}))
def test_steps_may_be_floats(name):
    made = {
        "Constant": (0.5,),
        "CosineDecay": (0.5, 10),
        "CosineDecayRestarts": (0.5, 10),
        "ExponentialDecay": (0.5, 10, 0.9),
        "InverseTimeDecay": (0.5, 10, 0.9),
        "PolynomialDecay": (0.5, 10),
        "PiecewiseConstantDecay": ([2, 5], [0.5, 0.25, 0.125]),
    }.get(name)
    if made is None:
        pytest.skip("not Keras's")
    schedule = classes()[name](*made)
    assert schedule(np.float32(3)) == schedule(3.0) == schedule(3)
    assert schedule(np.array([1.0, 4.0])).tolist() == schedule([1, 4]).tolist()
    between = schedule(2.5)
    assert min(schedule(2), schedule(3)) <= between <= max(schedule(2), schedule(3))
    for wrong in (np.nan, -0.5):
        with pytest.raises(ValueError, match="step must be"):
            schedule(wrong)


def test_piecewise_constants_may_lie_below_zero_as_in_keras():
    schedule = schedules.PiecewiseConstantDecay([-1, 2], [-0.5, 0.5, 0.25])
    assert schedule([0, 2, 3]).tolist() == [0.5, 0.5, 0.25]
    with pytest.raises(ValueError, match=r"learning_rate must be .* at step 0"):
        moved(schedules.PiecewiseConstantDecay([2], [-0.5, 0.5]))


def test_learning_rate_can_be_assigned_as_keras_variable():
    optimizer = SGD(0.5)
    optimizer.learning_rate.assign(0.25)
    rate = optimizer.learning_rate
    assert rate == 0.25
    assert repr(rate) == "0.25"
    assert rate.numpy() == 0.25
    assert type(pickle.loads(pickle.dumps(rate))) is type(copy.deepcopy(rate)) is float
    optimizers.Lookahead(optimizer).learning_rate.assign(np.float32(0.125))
    assert optimizer.learning_rate == 0.125


def test_muon_without_a_rate_as_in_keras():
    one, two, w, v = optimizers.Muon(rms_rate=None), optimizers.Muon(rms_rate=float("inf")), np.eye(3), np.eye(3)
    one.step(w, np.ones((3, 3)))
    two.step(v, np.ones((3, 3)))
    assert w.tobytes() == v.tobytes()


def test_build_variables_apply_and_scale_loss():
    optimizer, params = optimizers.Adam(0.5, loss_scale_factor=4.0), [np.ones(2), np.ones(3)]
    with pytest.raises(ValueError, match="build"):
        optimizer.apply([np.ones(2), np.ones(3)])
    optimizer.build(params)
    assert [variable.shape for variable in optimizer.variables] == [(), (), (2,), (2,), (3,), (3,)]
    optimizer.apply([np.full(2, 4.0), np.full(3, 4.0)])
    assert int(optimizer.variables[0]) == 1
    assert optimizer.variables[1] == 0.5
    assert np.allclose(params[0], 0.5)
    assert optimizer.scale_loss(2.0) == 8.0
    assert optimizers.Adam().scale_loss(2.0) == 2.0
    copied = copy.deepcopy(optimizer)
    copied.apply([np.ones(2), None])
    assert copied.iterations == 2


def test_a_gradient_may_be_its_parameter_itself():
    for make in (SGD, optimizers.Adam, optimizers.Lamb, optimizers.Muon):
        w, v, one, two = np.ones((3, 3)), np.ones((3, 3)), make(0.25), make(0.25)
        for _ in range(2):
            one.step(w, w)
            two.step(v, v.copy())
        assert w.tobytes() == v.tobytes()
    flat, optimizer = np.ones(4), SGD()
    optimizer.bind(flat[:3])
    with pytest.raises(ValueError, match="must not overlap"):
        optimizer.step(flat[:3], flat[1:])
    with pytest.raises(ValueError, match="must not overlap"):
        optimizer.step([a := np.ones(2), np.ones(2)], [np.ones(2), a])
    assert flat.tolist() == [1] * 4
