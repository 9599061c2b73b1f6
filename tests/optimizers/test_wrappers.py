"""What all optimizers around others keep."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
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


def of_both(size, adaptive):
    """What three steps by SAM and Lookahead make."""
    params = [np.random.default_rng(0).standard_normal(size, dtype="f4")]
    optimizer = SAM(Lookahead(Adam(), sync_period=2), adaptive=adaptive)
    for _ in range(3):
        optimizer.step(params, lambda params: [2 * params[0]])
    return everything(optimizer, *params)


def test_same_bits_on_any_number_of_threads(threads):
    found = of_both(1_100_003, adaptive=True)
    assert FIRST.setdefault("threads", found) == found


@pytest.mark.parametrize("adaptive", [False, True])
def test_same_bits_on_every_instruction_set(isa, adaptive):
    found = of_both(70_003, adaptive)
    assert FIRST.setdefault(f"instructions, {adaptive}", found) == found


FIRST: dict = {}


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
@pytest.mark.parametrize("lay", [np.copy, lambda w: np.repeat(w, 3)[1::3]], ids=["side by side", "strided"])
def test_arrays_of_half_types(half, lay):
    """Numbers are computed in float32, and rounded once where they are put back."""
    dtype = np.dtype(pytest.importorskip("ml_dtypes").bfloat16 if half == "bfloat16" else half)
    start, g = np.random.default_rng(0).standard_normal((2, 1500)).astype(dtype)
    w, slow, optimizer = lay(start), start.astype("f4"), Lookahead(SGD(0.5), sync_period=1, slow_step_size=0.3)
    optimizer.step(w, g)
    fast = (start.astype("f4") - np.float32(0.5) * g.astype("f4")).astype(dtype).astype("f4")
    slow += np.float32(0.3) * (fast - slow)
    assert optimizer.state_dict()["0.slow"].tobytes() == slow.tobytes()
    assert np.ascontiguousarray(w).tobytes() == slow.astype(dtype).tobytes()
    w, optimizer = lay(start), SAM(SGD(0.0), rho=0.5)
    optimizer.first_step(w, g)
    share = np.float32(0.5 / np.linalg.norm(g.astype("f8")))
    expected = (start.astype("f4") + share * g.astype("f4")).astype(dtype)
    np.testing.assert_allclose(w.astype("f4"), expected.astype("f4"), rtol=2e-2 if half == "bfloat16" else 2e-3)
    optimizer.second_step(w, g)
    assert np.ascontiguousarray(w).tobytes() == start.tobytes()


def test_what_the_engine_takes_is_checked():
    w, fixed = np.ones(3), np.ones(3)
    fixed.flags.writeable = False
    for error, match, call in [
        (ValueError, "as many as the arrays", lambda: _core.meet([w], [], 0.5)),
        (ValueError, r"slow\[0\] must have the shape", lambda: _core.meet([w], [np.ones(2)], 0.5)),
        (TypeError, r"slow\[0\] must be in C order, of the type", lambda: _core.meet([w], [np.ones(3, "f4")], 0.5)),
        (ValueError, r"arrays\[0\] must be writable", lambda: _core.meet([fixed], [np.ones(3)], 0.5)),
        (ValueError, r"slow\[0\] must be writable", lambda: _core.meet([w], [fixed], 0.5)),
        (TypeError, r"gradients\[0\] must be of the type", lambda: _core.climb([w], [np.ones(3, "f4")], 0.5, False)),
        (TypeError, r"arrays\[0\]", lambda: _core.norm([np.ones(3, "i4")])),
    ]:
        with pytest.raises(error, match=match):
            call()
    assert (w == 1).all()
