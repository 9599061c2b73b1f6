"""What every optimizer can be asked for beside its rule: each option over every rule, to the bit.

An option is what one would do by hand around a step without it: to the gradients before, to the arrays before or after.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import numpy as np
import pytest
from gradstep import _core, optimizers
from snapshot import everything
from vectors import draws, strided

N = 1500  # more than one block of those that are staged


def state(optimizer):
    """Of the first array, without what only the option brings."""
    return {
        key: value.tobytes()
        for key, value in optimizer.state_dict().items()
        if key.startswith("0.") and key not in ("0.average", "0.accumulated")
    }


def same(one, w, other, v):
    """The rules' state and the arrays; and both did something."""
    assert w.tobytes() == v.tobytes()
    assert state(one) == state(other)
    assert one.iterations == other.iterations > 0


def test_weight_decay_takes_a_share_off_before_the_step(new, dtype):
    if "weight_decay" in new()._fields():
        pytest.skip("its own")
    if new()._core.rule == "TorchAdafactor":
        pytest.skip("it looks at the weights before; the peers' test has it")
    w, gradients = draws(dtype, N)
    v = w.copy()
    one, other = new(weight_decay=0.3), new()
    for g in gradients:
        one.step(w, g)
        if getattr(other, "dialect", "keras") == "torch":  # there it joins the gradient
            g = g + dtype.type(0.3) * v
        else:
            v *= dtype.type(1 - other.learning_rate * 0.3)
        other.step(v, g)
    same(one, w, other, v)


@pytest.mark.parametrize("lay", [lambda w: w, strided], ids=["side by side", "strided"])
def test_clipvalue_cuts_every_number(new, dtype, lay):
    w, gradients = draws(dtype, N)
    v, w = w.copy(), lay(w)
    one, other = new(clipvalue=0.5), new()
    for g in gradients:
        one.step(w, lay(g))
        other.step(v, np.clip(g, -0.5, 0.5))
    same(one, w, other, v)


@pytest.mark.parametrize(("size", "factor"), [(5.0, 0.5), (2.5, 1.0), (1.25, 1.0)])
def test_clipnorm_scales_each_gradient_by_itself(new, dtype, size, factor):
    # 3, 4, 5: the norm is exact, and so is a half.
    g, h = np.zeros(N, dtype), np.full(3, 0.125, dtype)
    g[[7, 1400]] = size * 3 / 5, size * 4 / 5
    w, v = np.ones(N, dtype), np.ones(3, dtype)
    w2, v2 = w.copy(), v.copy()
    one, other = new(clipnorm=2.5), new()
    one.step([w, v], [g, h])
    other.step([w2, v2], [g * dtype.type(factor), h])
    same(one, w, other, w2)
    assert v.tobytes() == v2.tobytes()


def test_global_clipnorm_scales_all_together(new, dtype):
    w, v = np.ones(N, dtype), np.ones((2, 2), dtype)
    w2, v2 = w.copy(), v.copy()
    g, h = np.zeros(N, dtype), np.zeros((2, 2), dtype)
    g[3], h[1, 0] = 3, -4
    one, other = new(global_clipnorm=2.5), new()
    one.step({"w": w, "v": v}, {"w": g, "v": h})
    other.step([w2, v2], [g / 2, h / 2])
    same(one, w, other, w2)
    assert v.tobytes() == v2.tobytes()


def test_loss_scale_and_maximize_multiply_gradients(new, dtype):
    w, gradients = draws(dtype, N)
    v = w.copy()
    one, other = new(loss_scale_factor=8.0, maximize=True), new()
    for g in gradients:
        one.step(w, -8 * g)
        other.step(v, g)
    same(one, w, other, v)


@pytest.mark.parametrize("lay", [lambda w: w, strided], ids=["side by side", "strided"])
def test_accumulated_gradients_make_one_step_by_their_mean(new, dtype, lay):
    w, gradients = draws(dtype, N)
    v, w = w.copy(), lay(w)
    one, other = new(gradient_accumulation_steps=2), new()
    for i, g in enumerate(gradients):
        before = w.tobytes()
        one.step(w, lay(g))
        assert one.iterations == (i + 1) // 2
        if i % 2 == 0:
            assert w.tobytes() == before
        else:
            other.step(v, (gradients[i - 1] + g) / 2)
    same(one, w, other, v)
    assert not one.state_dict()["0.accumulated"].any()


def test_ema_follows_the_weights(new, dtype):
    w, gradients = draws(dtype, N)
    v = w.copy()
    one, other, average = new(use_ema=True, ema_momentum=0.75), new(), w
    for i, g in enumerate(gradients):
        one.step(w, g)
        other.step(v, g)
        average = v.copy() if i == 0 else dtype.type(0.75) * average + dtype.type(0.25) * v
    same(one, w, other, v)
    assert one.state_dict()["0.average"].tobytes() == average.tobytes()
    one.finalize_variable_values([w])
    assert w.tobytes() == average.tobytes()


def test_ema_overwrites_the_weights_now_and_then(new, dtype):
    w, gradients = draws(dtype, N)
    v = w.copy()
    one, other, average = new(use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=3), new(), w
    for i, g in enumerate(gradients):
        one.step(w, g)
        other.step(v, g)
        average = v.copy() if i == 0 else dtype.type(0.75) * average + dtype.type(0.25) * v
        if i % 3 == 2:
            v[...] = average
    same(one, w, other, v)


@pytest.mark.grid(bad=[np.nan, np.inf, -np.inf], clip=[{}, {"global_clipnorm": 1.0}])
def test_a_gradient_that_is_not_finite_skips_the_step_or_is_an_error(new, dtype, bad, clip):
    """Sampled: every two of optimizer, dtype, number and clipping; --grid has all."""
    (w, gradients), v = draws(dtype, N), np.ones(3, dtype)
    for policy in ("skip", "raise"):
        optimizer = new(on_nonfinite=policy, use_ema=True, **clip)
        optimizer.step([v, w], [v.copy(), gradients[0]])
        before = everything(optimizer, v, w)
        g = gradients[1].copy()
        g[-1] = bad
        if policy == "skip":
            optimizer.step([v, w], [v.copy(), g])
            assert optimizer.skipped_steps == 1
        else:
            with pytest.raises(FloatingPointError, match=r"gradients\[1\] must be finite"):
                optimizer.step([v, w], [v.copy(), g])
        assert everything(optimizer, v, w) == before
        optimizer.step([v, w], [v.copy(), gradients[1]])
        assert optimizer.iterations == 2


def test_large_gradients_are_finite_though_their_squares_are_not(new):
    w, g = np.ones(3), np.full(3, 1e200)
    optimizer = new(on_nonfinite="raise", clipnorm=1.0)
    optimizer.step(w, g)
    assert optimizer.iterations == 1


@cache
def large():
    """Arrays, one past the size from which more than one thread works, and their gradients of three steps."""
    rng = np.random.default_rng(1)
    starts = [rng.standard_normal(n, dtype="f4") for n in (1_100_003, 17)]
    return starts, [[rng.standard_normal(len(w), dtype="f4") for w in starts] for _ in range(3)]


@pytest.mark.slow
@pytest.mark.parametrize("threads", [3], indirect=True)
@pytest.mark.parametrize(
    "options",
    [
        {"weight_decay": 0.1, "clipvalue": 0.5, "use_ema": True, "ema_overwrite_frequency": 2},
        {"global_clipnorm": 0.5, "gradient_accumulation_steps": 2, "on_nonfinite": "skip"},
        {"clipnorm": 0.1, "loss_scale_factor": 3.0, "use_ema": True},
    ],
)
def test_same_bits_on_any_number_of_threads_and_resumed(new, threads, options):
    if "weight_decay" in options and "weight_decay" in new()._fields():
        options = {**options, "weight_decay": new().weight_decay}
    starts, steps = large()

    def run():
        optimizer, params = new(**options), [w.copy() for w in starts]
        bound = optimizer.bind(params)
        for grads in steps:
            bound.step(grads)
        return sha256(everything(optimizer, *params)).digest()

    found = run()
    _core.set_num_threads(1)
    assert found == run()

    again, params = new(**options), [w.copy() for w in starts]
    again.step(params, steps[0])
    resumed = new(**options)
    bound = resumed.bind(params)
    resumed.load_state_dict(again.state_dict())
    for grads in steps[1:]:
        bound.step(grads)
    assert sha256(everything(resumed, *params)).digest() == found


def test_options_are_refused_before_anything_is_made(new):
    for options, error, text in [
        ({"clipnorm": 0.0}, ValueError, "clipnorm must be a number"),
        ({"clipvalue": -1.0}, ValueError, "clipvalue must be a number"),
        ({"clipnorm": 1.0, "clipvalue": 1.0}, ValueError, "only one of clipnorm, clipvalue, global_clipnorm"),
        ({"ema_momentum": 1.5}, ValueError, "ema_momentum must be a number"),
        ({"ema_overwrite_frequency": 2}, ValueError, "ema_overwrite_frequency needs use_ema=True"),
        ({"ema_overwrite_frequency": 0, "use_ema": True}, ValueError, "ema_overwrite_frequency must be at least 1"),
        ({"gradient_accumulation_steps": 1}, ValueError, "gradient_accumulation_steps must be at least 2"),
        ({"gradient_accumulation_steps": 2.0}, TypeError, "gradient_accumulation_steps must be a whole number"),
        ({"loss_scale_factor": 0.0}, ValueError, "loss_scale_factor must be a number"),
        ({"on_nonfinite": "ignore"}, ValueError, "on_nonfinite must be one of 'propagate', 'skip', 'raise'; got 'ign"),
        ({"state_dtype": "float16"}, ValueError, "state_dtype must be one of 'bfloat16', 'int8'; got 'float16'"),
        ({"use_ema": 1}, TypeError, "use_ema must be True or False"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"clip_norm": 1.0}, TypeError, "has no argument 'clip_norm'. Did you mean 'clipnorm'"),
    ]:
        with pytest.raises(error, match=text):
            new(**options)


def test_options_that_hold_for_good_cannot_be_set(new):
    optimizer = new(use_ema=True)
    assert optimizer.use_ema is True
    with pytest.raises(AttributeError, match="use_ema holds for good"):
        optimizer.use_ema = False
    optimizer.clipnorm = 1.0
    assert optimizer.clipnorm == 1.0
    optimizer.clipnorm = None
    assert optimizer.clipnorm is None
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.use_ema is True
    assert again.get_config() == optimizer.get_config()
