"""The schedule-free rules: the weights of their mean, and the ways to it."""

from __future__ import annotations

import numpy as np
import pytest
from gradstep.optimizers import ScheduleFreeAdamW, ScheduleFreeSGD
from reference.averaged_optimizers import schedule_free_adamw, schedule_free_sgd
from snapshot import everything

CLASSES = [ScheduleFreeSGD, ScheduleFreeAdamW]


def after(cls, steps=5, dtype="f8", **arguments):
    rng = np.random.default_rng(0)
    w, optimizer = rng.standard_normal(300).astype(dtype), cls(0.1, **arguments)
    start, gradients = w.copy(), rng.standard_normal((steps, 300)).astype(dtype)
    for g in gradients:
        optimizer.step(w, g)
    return w, optimizer, start, gradients


@pytest.mark.parametrize("warmup", [0.0, 1.0, 2.5, 1000.0])
@pytest.mark.parametrize(("r", "power"), [(0.0, 0.0), (0.0, 2.0), (0.5, 1.0), (1.0, 0.0), (3.7, 2.3), (10.0, 10.0)])
def test_what_a_step_is_worth_in_the_mean(r, power, warmup):
    # With a part of 1 the array is the mean; from ahead = 1 and no gradient it moves by the share.
    optimizer = ScheduleFreeSGD(1.0, 1.0, warmup_steps=warmup, r=r, weight_lr_power=power)
    w = np.zeros(1)
    bound = optimizer.bind(w)
    last = 30_000
    i = np.arange(1, last + 1)
    weights = i**r * (np.minimum(1, i / warmup) if warmup else 1) ** power
    for t in (1, 2, 3, 15, 16, 17, 96, 97, 999, 1000, 1001, 1100, last):
        w[:] = 0
        optimizer.load_state_dict({**optimizer.state_dict(), "iterations": np.int64(t - 1), "0.ahead": np.ones(1)})
        bound.step(np.zeros(1))
        share = weights[t - 1] / np.sum(weights[:t])
        assert w[0] == pytest.approx(share, rel=1e-14)  # roundings of two sums and of powers


@pytest.mark.parametrize("cls", CLASSES)
def test_warmup_and_decay_over_many_steps(cls):
    averaging = {"warmup_steps": 20.5, "r": 0.5, "weight_lr_power": 1.5, "weight_decay": 0.2}
    w, optimizer, start, gradients = after(cls, 100, **averaging)
    own = {"momentum": 0.9} if cls is ScheduleFreeSGD else {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    oracle = schedule_free_sgd if cls is ScheduleFreeSGD else schedule_free_adamw
    end, state = oracle(start, gradients, learning_rate=0.1, **own, **averaging)
    np.testing.assert_allclose(w, end, rtol=0, atol=1e-13)  # roundings of 100 steps
    np.testing.assert_allclose(optimizer.averages()[0], state["x"], rtol=0, atol=1e-13)


@pytest.mark.parametrize("cls", CLASSES)
def test_eval_shows_the_means_and_train_takes_it_back(cls):
    w, optimizer, *_ = after(cls)
    before, [mean] = w.copy(), optimizer.averages()
    state = everything(optimizer, w)
    for _ in range(2):
        optimizer.eval()
        assert w.tobytes() == mean.tobytes() != before.tobytes()
        assert optimizer.averages()[0].tobytes() == mean.tobytes()
    for _ in range(2):
        optimizer.train()
        assert everything(optimizer, w) == state


@pytest.mark.parametrize("cls", CLASSES)
def test_nothing_steps_or_saves_between_eval_and_train(cls):
    w, optimizer, _, gradients = after(cls)
    bound, state, before = optimizer.bind(w), optimizer.state_dict(), w.copy()
    optimizer.eval()
    mean = w.copy()
    for act in (
        lambda: optimizer.step(w, gradients[0]),
        lambda: bound.step(gradients[0]),
        lambda: optimizer.step(np.ones(3), np.ones(3)),
        optimizer.state_dict,
        lambda: optimizer.load_state_dict(state),
        lambda: optimizer.finalize_variable_values(w),
    ):
        with pytest.raises(RuntimeError, match=r"since eval\(\); call train\(\)"):
            act()
        assert w.tobytes() == mean.tobytes()
    optimizer.train()
    assert w.tobytes() == before.tobytes()
    bound.step(gradients[0])
    assert optimizer.iterations == 6


@pytest.mark.parametrize("cls", CLASSES)
def test_finalized_arrays_are_the_means_and_training_goes_on_from_there(cls):
    w, optimizer, _, gradients = after(cls)
    other = np.ones(3)
    [mean] = optimizer.averages()
    optimizer.finalize_variable_values({"w": w, "unknown": other})
    assert w.tobytes() == mean.tobytes() == optimizer.averages()[0].tobytes()
    assert (optimizer.state_dict()["0.ahead"] == 0).all()
    assert (other == 1).all()
    optimizer.step(w, gradients[0])
    assert w.tobytes() != mean.tobytes()


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(("state_dtype", "error"), [("bfloat16", 2e-3), ("int8", 0.05)])
def test_means_of_state_in_fewer_bits(cls, state_dtype, error):
    _, exact, *_ = after(cls, dtype="f4")
    w, optimizer, *_ = after(cls, dtype="f4", state_dtype=state_dtype)
    assert optimizer.averages()[0].dtype == np.float32
    # What the bits lose of a distance that is about 0.2 here.
    np.testing.assert_allclose(optimizer.averages()[0], exact.averages()[0], rtol=0, atol=error)
    optimizer.finalize_variable_values(w)
    assert optimizer.averages()[0].tobytes() == w.tobytes()


def test_groups_have_parts_of_their_own():
    one, two = np.zeros(1), np.zeros(1)
    optimizer = ScheduleFreeSGD(1.0, momentum=0.5)
    bound = optimizer.bind([{"params": [one]}, {"params": [two], "momentum": 0.25}])
    for _ in range(2):
        bound.step([[np.ones(1)], [np.ones(1)]])
    assert [one[0], two[0]] == [-1.75, -1.875]  # z is -2 and x is -1.5
    assert [mean[0] for mean in optimizer.averages()] == [-1.5, -1.5]


def test_strided_arrays():
    whole = np.arange(12.0).reshape(3, 4)
    optimizer = ScheduleFreeSGD(0.5)
    for _ in range(3):
        optimizer.step(whole[:, ::2], np.ones((3, 2)))
    left, [mean] = whole.copy(), optimizer.averages()
    optimizer.eval()
    assert (whole[:, ::2] == mean).all()
    optimizer.train()
    assert (whole == left).all()
