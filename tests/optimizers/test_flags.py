"""Arguments that choose another rule: which state they bring, and that they stay as they were made."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep.optimizers import Adam, AdamW, Ftrl, RMSprop


@pytest.mark.parametrize(
    ("make", "slots"),
    [
        (lambda: Adam(), ["m", "v"]),
        (lambda: Adam(amsgrad=True), ["m", "v", "v_hat"]),
        (lambda: AdamW(amsgrad=np.True_), ["m", "v", "v_hat"]),
        (lambda: RMSprop(), ["v"]),
        (lambda: RMSprop(momentum=0.5), ["v", "velocity"]),
        (lambda: RMSprop(centered=True), ["m", "v"]),
        (lambda: RMSprop(momentum=0.5, centered=True), ["m", "v", "velocity"]),
        (lambda: Ftrl(), ["accumulator", "linear"]),
        (lambda: Ftrl(learning_rate_power=0), ["accumulator", "linear"]),
    ],
)
def test_state_is_what_the_flags_need(make, slots):
    optimizer = make()
    optimizer.bind(np.ones(3))
    assert sorted(key[2:] for key in optimizer.state_dict() if "." in key) == slots
    again = type(optimizer).from_config(optimizer.get_config())
    assert repr(again) == repr(optimizer)
    assert again._core.rule == optimizer._core.rule


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda **flags: Adam(**flags), "amsgrad"),
        (lambda **flags: AdamW(**flags), "amsgrad"),
        (lambda **flags: RMSprop(**flags), "centered"),
    ],
)
def test_a_flag_is_a_bool_and_stays(make, name):
    for value in (0, 1, "True", None):
        with pytest.raises(TypeError, match=f"{name} must be True or False; got {value!r}"):
            make(**{name: value})
    for value in (False, True):
        optimizer = make(**{name: value})
        assert getattr(optimizer, name) is value
        assert f"{name}={value}" in repr(optimizer)
        with pytest.raises(AttributeError):
            setattr(optimizer, name, value)


@pytest.mark.parametrize(
    ("cls", "name", "absent", "other"),
    [(RMSprop, "momentum", 0.0, 0.5), (Ftrl, "learning_rate_power", -0.5, -0.25)],
)
def test_a_number_that_chooses_the_rule_may_change_but_not_begin(cls, name, absent, other):
    without, with_it = cls(), cls(**{name: other})
    setattr(without, name, absent)
    assert getattr(without, name) == absent
    with pytest.raises(
        ValueError, match=rf"{name} must stay {absent:g} in an {cls.__name__} made without it; got {other}"
    ):
        setattr(without, name, other)
    with pytest.raises(TypeError, match=f"{name} must be a real number"):
        setattr(without, name, None)
    setattr(with_it, name, absent)
    assert getattr(with_it, name) == absent
    for bad in (np.nan, np.inf, 1.5):
        with pytest.raises(ValueError, match=f"{name} must"):
            cls(**{name: bad})


def test_amsgrad_remembers_the_largest_gradient():
    # beta_1 = beta_2 = 0 leaves v at the last square: with amsgrad the small gradient is divided by the large one.
    steps = {}
    for amsgrad in (False, True):
        w, optimizer = np.zeros(1), Adam(1.0, 0.0, 0.0, 0.0, amsgrad)
        optimizer.step(w, np.array([8.0]))
        before = w[0]
        optimizer.step(w, np.array([2.0]))
        steps[amsgrad] = w[0] - before
    assert steps == {False: -1.0, True: -0.25}


def test_centered_stays_finite_for_a_steady_gradient():
    # v - m^2 tends to 0, and rounds to below -epsilon in float32 for gradients of this size.
    w, g = np.zeros(64, "f4"), np.linspace(10, 1000, 64, dtype="f4")
    optimizer = RMSprop(centered=True)
    for _ in range(500):
        optimizer.step(w, g)
    state = optimizer.state_dict()
    assert (state["0.v"] - state["0.m"] ** 2 < -optimizer.epsilon).any(), "the case does not arise"
    assert np.isfinite(w).all()


def test_ftrl_makes_zeros_and_no_nan():
    # (n^p / eta + 2 l2) w = clip(z) - z, from n = 0: by hand for w = 0 at the start and eta = 1.
    w = np.zeros(4)
    optimizer = Ftrl(1.0, initial_accumulator_value=0.0, l1_regularization_strength=0.5, l2_regularization_strength=1.0)
    optimizer.step(w, np.array([0.0, 0.5, -0.5, 2.0]))
    assert w.tolist() == [0.0, 0.0, 0.0, -1.5 / 4]
    w = np.zeros(2)
    Ftrl(1.0, initial_accumulator_value=0.0).step(w, np.zeros(2))
    assert w.tolist() == [0.0, 0.0]


def test_ftrl_without_power_is_descent_at_a_constant_rate():
    w, rng = np.zeros(9), np.random.default_rng(0)
    optimizer, gradients = Ftrl(0.125, learning_rate_power=0.0), rng.standard_normal((5, 9))
    for g in gradients:
        optimizer.step(w, g)
    # Sums of 5 numbers, in another order.
    np.testing.assert_allclose(w, -0.125 * gradients.sum(axis=0), rtol=0, atol=5 * np.finfo(float).eps)
