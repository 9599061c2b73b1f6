"""``dialect``: what is asked for is what one gets, and nothing of the other dialect is taken in silence."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from gradstep import optimizers
from gradstep.optimizers import SGD, Adagrad, Adam, Nadam, RMSprop
from gradstep.optimizers.registry import classes

# From the documentation of torch.optim, in our names.
TORCH_DEFAULTS = {
    "SGD": {"learning_rate": 1e-3, "momentum": 0.0, "dampening": 0.0, "nesterov": False},
    "Adagrad": {"learning_rate": 1e-2, "lr_decay": 0.0, "initial_accumulator_value": 0.0, "epsilon": 1e-10},
    "Adadelta": {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6},
    "RMSprop": {"learning_rate": 1e-2, "rho": 0.99, "epsilon": 1e-8, "momentum": 0.0, "centered": False},
    "Adam": {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "amsgrad": False},
    "Adamax": {"learning_rate": 2e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
    "Nadam": {"learning_rate": 2e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "momentum_decay": 4e-3},
    "Adafactor": {
        "learning_rate": 1e-2,
        "beta_2_decay": -0.8,
        "epsilon_1": float("inf"),
        "epsilon_2": 1e-3,
        "clip_threshold": 1.0,
    },
    "Muon": {"learning_rate": 1e-3, "weight_decay": 0.1, "momentum": 0.95, "nesterov": True, "ns_steps": 5},
}


@pytest.fixture(params=TORCH_DEFAULTS)
def cls(request):
    return getattr(optimizers, request.param)


def test_every_class_with_two_forms_is_here():
    assert {
        name
        for name, cls in {cls.__name__: cls for cls in classes().values()}.items()
        if "dialect" in inspect.signature(cls).parameters
    } - {"AdamW"} == set(TORCH_DEFAULTS)


def test_defaults_are_those_of_the_dialect(cls):
    optimizer = cls(dialect="torch")
    for name, value in TORCH_DEFAULTS[cls.__name__].items():
        assert getattr(optimizer, name) == value, name
    shown = inspect.signature(cls).parameters
    for name in TORCH_DEFAULTS[cls.__name__]:
        assert getattr(cls(), name) == getattr(cls(dialect="keras"), name) == shown[name].default, name


def test_a_given_number_counts_in_both_dialects_even_if_it_is_the_others_default(cls):
    names = {"learning_rate", "rho", "beta_1", "beta_2", "epsilon"} & set(TORCH_DEFAULTS[cls.__name__])
    for dialect in ("keras", "torch"):
        values = {name: float(inspect.signature(cls).parameters[name].default) for name in names}
        optimizer = cls(**values, dialect=dialect)
        assert {name: getattr(optimizer, name) for name in names} == values


def test_config_keeps_the_dialect(cls):
    assert "dialect" not in cls().get_config()
    optimizer = cls(dialect="torch")
    assert optimizer.get_config()["dialect"] == "torch"
    assert "dialect='torch'" in repr(optimizer)
    again = cls.from_config(optimizer.get_config())
    assert again.dialect == "torch"
    assert repr(again) == repr(optimizer)
    assert cls().dialect == "keras"
    with pytest.raises(AttributeError):
        optimizer.dialect = "keras"


def test_unknown_dialects(cls):
    with pytest.raises(ValueError, match="dialect must be 'keras' or 'torch'; got 'Torch'"):
        cls(dialect="Torch")
    with pytest.raises(TypeError, match="dialect must be a str; got"):
        cls(dialect=None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(momentum=0.9, dampening=0.5), r"dampening must be 0 with dialect='keras'; got 0\.5"),
        (lambda: SGD(dampening=0.5, dialect="torch"), "dampening must be 0 with momentum 0"),
        (lambda: SGD(momentum=0.9, nesterov=True, dampening=0.5, dialect="torch"), "dampening must be 0 with nesterov"),
        (lambda: SGD(nesterov=True, dialect="torch"), "nesterov needs momentum above 0 with dialect='torch'"),
        (lambda: Adagrad(lr_decay=0.1), "lr_decay must be 0 with dialect='keras'"),
        (lambda: Nadam(momentum_decay=0.004), "momentum_decay must be 1 with dialect='keras'"),
    ],
)
def test_what_a_form_does_not_have_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [(SGD, "dampening", 0.0), (Adagrad, "lr_decay", 0.0), (Nadam, "momentum_decay", 1.0)],
)
def test_it_reads_as_the_number_that_the_form_stands_for(make, name, value):
    optimizer = make(**{name: value})
    assert getattr(optimizer, name) == value
    with pytest.raises(ValueError, match=f"{name} must stay {value:g} in an {make.__name__} made without it"):
        setattr(optimizer, name, 0.5)


def test_the_first_gradient_is_not_dampened_also_after_a_resume():
    w, optimizer = np.zeros(1), SGD(1.0, 0.5, dampening=0.75, dialect="torch")
    optimizer.step(w, np.array([4.0]))
    assert w[0] == -4
    resumed = SGD(1.0, 0.5, dampening=0.75, dialect="torch")
    bound = resumed.bind(w)
    resumed.load_state_dict(optimizer.state_dict())
    bound.step(np.array([4.0]))
    assert w[0] == -4 - (0.5 * 4 + 0.25 * 4)


def test_the_rate_is_inside_the_velocity_of_one_and_outside_of_the_other():
    ends = {}
    for dialect in ("keras", "torch"):
        w, optimizer = np.zeros(1), SGD(1.0, 0.5, dialect=dialect)
        optimizer.step(w, np.ones(1))
        optimizer.learning_rate = 2.0
        optimizer.step(w, np.zeros(1))
        ends[dialect] = w[0]
    assert ends == {"keras": -1 - 0.5, "torch": -1 - 2 * 0.5}


def test_epsilon_weighs_less_in_torchs_first_steps():
    # m = 0.5, v = 0.75 after one step with betas of 0.5 and 0.25: corrected both are 1.
    ends = {}
    for dialect in ("keras", "torch"):
        w = np.zeros(1)
        Adam(1.0, 0.5, 0.25, 1.0, dialect=dialect).step(w, np.ones(1))
        ends[dialect] = w[0]
    root = np.sqrt(0.75)
    assert ends == pytest.approx({"keras": -root / (root + 1), "torch": -1 / 2}, rel=1e-15)


def test_epsilon_is_outside_the_root_of_torchs_rmsprop():
    ends = {}
    for dialect in ("keras", "torch"):
        w = np.zeros(1)
        RMSprop(1.0, 0.0, epsilon=3.0, dialect=dialect).step(w, np.ones(1))
        ends[dialect] = w[0]
    assert ends == {"keras": -1 / 2, "torch": -1 / 4}


def test_weight_decay_joins_the_gradient_of_torch_alone():
    ends = {}
    for dialect in ("keras", "torch"):
        w = np.array([2.0])
        Adam(0.5, 0.0, 0.0, 0.0, weight_decay=0.25, dialect=dialect).step(w, np.array([4.0]))
        ends[dialect] = w[0]
    assert ends == {"keras": 2 * (1 - 0.5 * 0.25) - 0.5, "torch": 2 - 0.5}  # Adam has all gradients of one size


def test_nadams_momentum_grows_at_the_pace_of_momentum_decay():
    for decay in (0.0, 0.004, 0.3, 1.0, 20.0):
        w, optimizer = np.zeros(1), Nadam(1.0, 0.9, 0.0, 0.0, momentum_decay=decay, dialect="torch")
        bound = optimizer.bind(w)
        for t in (1, 2, 30, 300, 10**5):
            w[:] = 0
            count = np.array(t - 1)
            state = {"iterations": count, "0.step": count, "0.m": np.zeros(1)}
            optimizer.load_state_dict({**optimizer.state_dict(), **state})
            bound.step(np.ones(1))
            momenta = 0.9 * (1 - 0.5 * 0.96 ** (decay * np.arange(1, t + 2)))
            now, after, product = momenta[-2], momenta[-1], np.prod(momenta[:-1])
            step = after * 0.1 / (1 - product * after) + (1 - now) / (1 - product)
            assert w[0] == pytest.approx(-step, rel=1e-13)  # a hundred roundings
