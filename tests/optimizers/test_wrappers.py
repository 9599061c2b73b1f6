"""What all optimizers around others keep."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.optimizers import SAM, SGD, Adam, Lookahead, MultiOptimizer, deserialize, serialize
from snapshot import everything

MAKE = {
    "Lookahead": lambda: Lookahead(Adam(0.1), sync_period=3),
    "Lookahead of Multi": lambda: Lookahead(MultiOptimizer({"0": SGD(0.1, momentum=0.5), "*": Adam(0.1)})),
    "SAM": lambda: SAM(Adam(0.1), rho=0.5, adaptive=True),
    "SAM of Lookahead": lambda: SAM(Lookahead(SGD(0.1), sync_period=2, slow_step_size=0.25)),
    "MultiOptimizer": lambda: MultiOptimizer({"0": Adam(0.1), "*": Lookahead(SGD(0.1, momentum=0.5), 2)}),
}


def gradients_of(optimizer, params):
    return (lambda params: [2 * w for w in params]) if isinstance(optimizer, SAM) else [2 * w for w in params]


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_state_round_trip_goes_on_bit_for_bit(make, dtype):
    params = [np.cos(np.arange(n)).astype(dtype) for n in (7, 11, 0)]
    optimizer = make()
    for name in optimizer._numbers():  # not what `make` gives
        setattr(optimizer, name, getattr(optimizer, name) / 2)
    for _ in range(4):
        optimizer.step(params, gradients_of(optimizer, params))
    resumed, halfway = make(), [w.copy() for w in params]
    bound = resumed.bind(halfway)
    resumed.load_state_dict(optimizer.state_dict())
    for _ in range(5):
        optimizer.step(params, gradients_of(optimizer, params))
        bound.step(gradients_of(resumed, halfway))
    assert optimizer.iterations == 9
    assert everything(resumed, *halfway) == everything(optimizer, *params)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_a_state_that_does_not_fit_changes_nothing(make):
    params = [np.ones(3), np.ones(2)]
    optimizer = make()
    optimizer.step(params, gradients_of(optimizer, params))
    good = optimizer.state_dict()
    before = everything(optimizer, *params)
    bad = [{**good, "unknown": np.ones(1)}]
    for key, value in good.items():
        bad.append({k: v for k, v in good.items() if k != key})
        bad.append({**good, key: value.astype("f2")})
        bad.append({**good, key: np.stack([value, value])})
    for number in ("slow_step_size", "rho"):
        if number in good:
            bad.append({**good, number: np.array(-1.0)})
    for state in bad:
        with pytest.raises((TypeError, ValueError)):
            optimizer.load_state_dict(state)
        assert everything(optimizer, *params) == before


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_config_round_trip(make):
    optimizer = make()
    again = deserialize(serialize(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert repr(again) == repr(optimizer)
    assert gs.optimizers.get(serialize(optimizer)).get_config() == optimizer.get_config()


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_bad_arrays_and_gradients_change_nothing(make):
    optimizer, params = make(), [np.ones(3), np.ones(2)]
    optimizer.step(params, gradients_of(optimizer, params))
    before, known = everything(optimizer, *params), len(optimizer._core)
    for arrays, grads in [
        ([*params, np.ones(4)], [np.ones(3), np.ones(2), np.ones(5)]),
        (params, [np.ones(3), np.ones(2, "f4")]),
        ([*params, params[0][:1]], [np.ones(3), np.ones(2), np.ones(1)]),
        ([*params, [1.0]], [np.ones(3), np.ones(2), np.ones(1)]),
    ]:
        with pytest.raises((TypeError, ValueError)):
            optimizer.step(arrays, (lambda params, g=grads: g) if isinstance(optimizer, SAM) else grads)
        assert everything(optimizer, *params) == before
        assert len(optimizer._core) == known
    optimizer.step(params, gradients_of(optimizer, params))


@pytest.mark.parametrize("make", [Lookahead, SAM])
def test_hyperparameters_and_groups_are_the_inner_ones(make):
    optimizer = make(Adam(0.1, weight_decay=0.5))
    assert (optimizer.learning_rate, optimizer.beta_1, optimizer.weight_decay) == (0.1, 0.9, 0.5)
    optimizer.learning_rate, optimizer.beta_1, optimizer.clipnorm = 0.2, 0.8, 1.0
    assert (optimizer.optimizer.learning_rate, optimizer.optimizer.beta_1) == (0.2, 0.8)
    assert optimizer.optimizer.clipnorm == 1.0
    optimizer.clipnorm = None
    assert optimizer.optimizer.clipnorm is None
    for bad in (-1.0, "a"):
        with pytest.raises((TypeError, ValueError), match="learning_rate must be"):
            optimizer.learning_rate = bad
    a, b = np.ones(2), np.ones(2)
    bound = optimizer.bind([{"params": a, "learning_rate": 0.0, "weight_decay": 0.0}, {"params": b}])
    bound.step((lambda params: [2 * params[0], 2 * params[1]]) if make is SAM else [2 * a, 2 * b])
    assert (a == 1).all()
    assert (b != 1).all()
    assert len(optimizer.groups) == 3


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Lookahead(3), TypeError, "optimizer must be a name, a dict or an Optimizer; got an int"),
        (lambda: Lookahead("adma"), ValueError, "optimizer must be one of"),
        (lambda: Lookahead(SGD(), sync_period=0), ValueError, "sync_period must be at least 1"),
        (lambda: Lookahead(SGD(), slow_step_size=1.5), ValueError, r"slow_step_size must be a number in \[0, 1\]"),
        (lambda: Lookahead(SGD(), slow_step_size="a"), TypeError, "slow_step_size must be a real number"),
        (lambda: Lookahead(SGD(), name=3), TypeError, "name must be a str"),
        (lambda: SAM(SGD(), rho=-0.1), ValueError, r"rho must be a number in \[0, inf\)"),
        (lambda: SAM(SGD(), rho=float("inf")), ValueError, "rho must be a number"),
        (lambda: SAM(SGD(), adaptive=1), TypeError, "adaptive must be True or False"),
        (lambda: SAM(SAM(SGD())), ValueError, "a SAM takes two"),
        (lambda: Lookahead(SAM(SGD())), ValueError, "put the SAM around this one"),
        (lambda: MultiOptimizer({}), ValueError, "at least one pattern"),
        (lambda: MultiOptimizer([SGD()]), TypeError, "must be a dict of patterns and optimizers; got a list of 1"),
        (lambda: MultiOptimizer({"*": "sgd"}), TypeError, r"optimizers\['\*'\] must be an Optimizer; got a str"),
        (lambda: MultiOptimizer({"*": SAM(SGD())}), ValueError, "put the SAM around this one"),
        (
            lambda: MultiOptimizer({"*": SGD()}).bind([{"params": np.ones(1), "learning_rate": 1.0}]),
            ValueError,
            "groups",
        ),
    ],
)
def test_arguments_are_checked(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_an_optimizer_that_has_stepped_is_refused():
    used = SGD()
    used.step(np.ones(1), np.ones(1))
    for make in (Lookahead, SAM, lambda optimizer: MultiOptimizer({"*": optimizer})):
        with pytest.raises(ValueError, match="must not have stepped"):
            make(used)


def test_they_are_optimizers():
    for make in MAKE.values():
        assert isinstance(make(), gs.optimizers.Optimizer)


def test_same_bits_on_any_number_of_threads(threads):
    params = [np.random.default_rng(0).standard_normal(1_100_003, dtype="f4")]
    optimizer = SAM(Lookahead(Adam(), sync_period=2), adaptive=True)
    for _ in range(3):
        optimizer.step(params, lambda params: [2 * params[0]])
    found = everything(optimizer, *params)
    assert ONE_THREAD.setdefault(0, found) == found


ONE_THREAD: dict = {}
