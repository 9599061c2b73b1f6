"""Rules whose constants depend on the step: in each regime of t, and from t alone, so that a run may begin anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep.optimizers import ASGD, Adan, AdEMAMix, Nadam, RAdam, Rprop
from reference.optimizers import adan, ademamix, asgd, radam, rprop

EPS = np.finfo(float).eps


def resumed_at(optimizer, t: int, w: np.ndarray):
    """The optimizer, about to take step t on w, with state as before the first step."""
    bound = optimizer.bind(w)
    optimizer.load_state_dict({**optimizer.state_dict(), "iterations": np.int64(t - 1)})
    return bound


# Below and above the steps at which the product is too small to matter, and at which its factors are beta_1.
@pytest.mark.parametrize("t", [1, 2, 3, 50, 400, 914, 917, 920, 5000, 10**6])
@pytest.mark.parametrize("beta_1", [0.0, 0.5, 0.9, 0.999, 0.99999])
def test_nadams_product_of_momenta(t, beta_1):
    w = np.zeros(1)
    resumed_at(Nadam(1.0, beta_1, 0.0, 0.0), t, w).step(np.ones(1))
    momenta = beta_1 * (1 - 0.5 * 0.96 ** np.arange(1, t + 2))
    now, after = momenta[-2:]
    product = np.prod(momenta[:-1])
    step = after * (1 - beta_1) / (1 - product * after) + (1 - now) / (1 - product)
    # A few roundings, and of 1 - momentum, which tends to 1 - beta_1, one of a unit beside 1.
    assert w[0] == pytest.approx(-step, rel=16 * EPS / (1 - beta_1), abs=0)


def test_nadam_resumes_with_the_same_bits():
    gradients = np.random.default_rng(0).standard_normal((60, 7))
    through, halfway, first = np.zeros(7), np.zeros(7), Nadam()
    never_stopped = Nadam()
    for g in gradients:
        never_stopped.step(through, g)
    for g in gradients[:30]:
        first.step(halfway, g)
    second = Nadam()
    bound = second.bind(halfway)
    second.load_state_dict(first.state_dict())
    for g in gradients[30:]:
        bound.step(g)
    assert halfway.tobytes() == through.tobytes()


def compare(optimizer, oracle, values, steps):
    """Over a random stream, to the rounding of that many steps."""
    rng = np.random.default_rng(1)
    w, gradients = rng.standard_normal(50), rng.standard_normal((steps, 50))
    end, state = oracle(w.copy(), list(gradients), **values)
    for g in gradients:
        optimizer.step(w, g)
    np.testing.assert_allclose(w, end, rtol=0, atol=10 * steps * EPS)
    for slot, array in state.items():
        np.testing.assert_allclose(optimizer.state_dict()[f"0.{slot}"], array, rtol=0, atol=10 * steps * EPS)


@pytest.mark.parametrize("beta_2", [0.0, 0.5, 0.9, 0.999])  # never rectified (twice), from step 7, from step 6
def test_radam_before_and_after_rectification(beta_2):
    values = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": beta_2, "epsilon": 1e-8}
    compare(RAdam(**values), radam, values, 100)


def test_radam_without_epsilon_waits_by_a_gradient_of_zero():
    w = np.ones(1)
    RAdam(epsilon=0.0).step(w, np.zeros(1))
    assert w[0] == 1


@pytest.mark.parametrize("warmup", [0.0, 1.0, 10.0, 37.5, 200.0])
def test_ademamix_warms_up(warmup):
    values = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.99, "beta_3": 0.999, "alpha": 5.0}
    values |= {"alpha_warmup": warmup, "beta_3_warmup": 2 * warmup, "epsilon": 1e-8}
    compare(AdEMAMix(**values), ademamix, values, 100)


def test_ademamix_warms_up_from_nothing():
    w = np.ones(3)
    optimizer = AdEMAMix(beta_1=0.0, beta_3_warmup=10.0)
    for _ in range(10):
        optimizer.step(w, 2 * w)
    assert np.isfinite(w).all()


@pytest.mark.parametrize("t0", [0.0, 1.0, 10.5])
def test_asgd_averages_after_t0(t0):
    values = {"learning_rate": 0.1, "lambd": 0.1, "alpha": 0.6, "t0": t0}
    compare(ASGD(**values), asgd, values, 50)


@pytest.mark.parametrize("bounds", [(1e-6, 50.0), (0.008, 0.012)])
def test_rprop_turns_and_stays_in_bounds(bounds):
    values = {"learning_rate": 0.01, "eta_minus": 0.5, "eta_plus": 1.2}
    values |= {"step_size_min": bounds[0], "step_size_max": bounds[1]}
    compare(Rprop(**values), rprop, values, 50)


def test_rprop_sees_the_sign_of_gradients_whose_product_underflows():
    w, optimizer = np.zeros(1, "f4"), Rprop(learning_rate=0.5, eta_plus=2.0)
    for g in (1e-30, 1e-30, -1e-30):
        optimizer.step(w, np.full(1, g, "f4"))
    assert w[0] == -1.5  # -0.5, then -1, then at rest
    assert optimizer.state_dict()["0.step_size"][0] == 0.5


def test_adans_first_gradient_has_none_before_it():
    values = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.8, "beta_3": 0.7, "epsilon": 1e-8}
    compare(Adan(**values), adan, values, 1)
    compare(Adan(**values), adan, values, 30)
