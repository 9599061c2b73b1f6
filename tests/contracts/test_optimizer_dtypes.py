"""Half types, and state in fewer bits: a rule gives what it gives in float32 between a decoding and an encoding."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

import numpy as np
import pytest
import vectors
from gradstep import _core
from gradstep.optimizers import SGD
from snapshot import everything
from variants import keeps_less

ml_dtypes = pytest.importorskip("ml_dtypes")

BF16, F16, F32 = np.dtype(ml_dtypes.bfloat16), np.dtype("float16"), np.dtype("float32")
N = 1500  # more than one block of those that are staged
LAYS = {
    "side by side": lambda w: w,
    "strided": lambda w: np.repeat(w, 3).reshape(-1, 3)[:, 1],
    "backwards": lambda w: w[::-1].copy()[::-1],
}


def draws(dtype, n=N, count=4, seed=0):
    w, gradients = drawn(dtype, n, count, seed)
    return w.copy(), [g.copy() for g in gradients]


@lru_cache(maxsize=64)
def drawn(dtype, n, count, seed):
    return vectors.draws(dtype, n, count, seed)


def slots(optimizer):
    return b"".join(v.tobytes() for k, v in optimizer.state_dict().items() if k.startswith("0."))


def by_hand(new, w, gradients, **options):
    """The steps in float32, the array put back into its type after each."""
    optimizer, wide = new(**options), w.astype("f4")
    for g in gradients:
        optimizer.step(wide, g.astype("f4"))
        wide[...] = wide.astype(w.dtype)
    return wide.astype(w.dtype), optimizer


@pytest.mark.grid(
    dtypes=[(BF16, BF16), (F16, F16), (F32, BF16), (F32, F16), (BF16, F32), (F16, BF16)],
    layout=LAYS,
)
def test_halves_are_float32_in_between(new, dtypes, layout):
    """Sampled: every two of optimizer, dtypes of parameter and gradient, and layout; --grid has all."""
    (param, gradient), lay = dtypes, LAYS[layout]
    w, gradients = draws(param)[0], draws(gradient)[1]
    expected, wide = by_hand(new, w, gradients)
    w, optimizer = lay(w), new()
    for g in gradients:
        optimizer.step(w, lay(g))
    assert w.tobytes() == expected.tobytes()
    assert slots(optimizer) == slots(wide)
    assert all(v.dtype == F32 for k, v in optimizer.state_dict().items() if k.startswith("0.") and v.ndim)


def test_options_work_on_halves(new):
    options = {"clipvalue": 0.5, "use_ema": True, "loss_scale_factor": 2.0}
    w, gradients = draws(BF16)
    optimizer, wide, average = new(**options), w.astype("f4"), new(**options)
    for g in gradients:
        optimizer.step(w, g)
        average.step(wide, g.astype("f4"))
        wide[...] = wide.astype(BF16)
    assert w.tobytes() == wide.astype(BF16).tobytes()
    assert slots(optimizer) == slots(average)


def test_float64_takes_half_gradients_and_no_float32(new):
    w, gradients = draws(np.dtype("f8"))[0], draws(BF16)[1]
    v, one, other = w.copy(), new(), new()
    for g in gradients:
        one.step(w, g)
        other.step(v, g.astype("f8"))
    assert everything(one, w) == everything(other, v)
    before = everything(one, w)
    with pytest.raises(TypeError, match="gradient is float32; its parameter is float64"):
        one.step(w, gradients[0].astype("f4"))
    assert everything(one, w) == before


SETTINGS = {
    "bfloat16": (BF16, {}),
    "float16": (F16, {}),
    "bfloat16, rounded by chance": (BF16, {"stochastic_rounding": True, "seed": 7}),
    "bfloat16 state": (F32, {"state_dtype": "bfloat16"}),
    "int8 state": (F32, {"state_dtype": "int8"}),
    "int8 state of bfloat16": (BF16, {"state_dtype": "int8"}),
}


def run(new, setting, n, steps=2):
    dtype, options = SETTINGS[setting]
    if "state_dtype" in options:
        keeps_less(new)
    optimizer = new(**options)
    w, gradients = draws(dtype, n, steps)
    bound = optimizer.bind(w)
    for g in gradients:
        bound.step(g)
    return sha256(everything(optimizer, w)).digest()


@pytest.mark.parametrize("setting", SETTINGS)
def test_same_bits_on_every_isa(new, setting, isa):
    found = [run(new, setting, n) for n in (1, 7, 255, 257, 1025, 10007)]
    _core.set_isa(_core.build_info()["isas"][0])
    assert found == [run(new, setting, n) for n in (1, 7, 255, 257, 1025, 10007)]


@pytest.mark.slow
@pytest.mark.parametrize("threads", [3], indirect=True)
@pytest.mark.parametrize("setting", SETTINGS)
def test_same_bits_on_any_number_of_threads(new, setting, threads):
    found = run(new, setting, 1_100_003)
    _core.set_num_threads(1)
    assert found == run(new, setting, 1_100_003)


@pytest.mark.parametrize("kept", ["bfloat16", "int8"])
def test_state_in_fewer_bits_resumes_and_follows_float32(new, kept):
    keeps_less(new)
    w, gradients = draws(F32, count=8)
    exact, v = new(), w.copy()
    optimizer, through = new(state_dtype=kept), w.copy()
    for g in gradients[:4]:
        optimizer.step(through, g)
    halfway, state = through.copy(), optimizer.state_dict()
    for g in gradients[4:]:
        optimizer.step(through, g)
    for g in gradients:
        exact.step(v, g)
    resumed = new(state_dtype=kept)
    bound = resumed.bind(halfway)
    resumed.load_state_dict(state)
    for g in gradients[4:]:
        bound.step(g)
    assert everything(resumed, halfway) == everything(optimizer, through)
    # Not a bound on the rounding, which each rule makes its own thing of, but on steps that are something else.
    moved = np.linalg.norm(v - w)
    assert np.linalg.norm(through - v) < 0.35 * moved


@pytest.mark.parametrize(("kept", "spread"), [("bfloat16", 0.01), ("int8", 0.2)])
def test_state_in_fewer_bits_stands_by_its_mean(kept, spread):
    """Rounded to the nearest, v would stand still once a step changes it by less than half a unit, and steps grow."""
    from gradstep.optimizers import Adam

    g = np.exp(np.random.default_rng(0).standard_normal(4096)).astype("f4")
    w, optimizer = np.zeros_like(g), Adam(1e-3, state_dtype=kept)
    for _ in range(1500):
        optimizer.step(w, g)
    # A steady gradient moves Adam by its rate a step, whatever its size.
    assert abs(w.mean() / -1.5 - 1) < 0.004
    assert abs(w / -1.5 - 1).max() < spread


def test_bytes_of_state():
    from gradstep.optimizers import Adam

    for kept, most in ((None, 8), ("bfloat16", 4), ("int8", 2.1)):
        optimizer = Adam(state_dtype=kept)
        optimizer.bind(np.ones(100_000, "f4"))
        size = sum(v.nbytes for k, v in optimizer.state_dict().items() if k.startswith("0."))
        assert size / 100_000 <= most


def test_rounding_by_chance_is_right_in_the_mean():
    # A thousandth of a unit in the last place: nearest rounding never moves.
    n, step = 100_000, 2.0**-7 / 1000
    w, kept = np.ones(n, BF16), np.ones(n, BF16)
    g = np.full(n, -1, "f4")
    by_chance, nearest = SGD(step, stochastic_rounding=True, seed=3), SGD(step)
    for _ in range(100):
        by_chance.step(w, g)
        nearest.step(kept, g)
    assert (kept == 1).all()
    ups = w.astype("f8").sum() - n
    expected = 100 * step * n
    # Each up is one unit of 2^-7, with a chance of a thousandth in each of the steps; five standard errors.
    assert abs(ups - expected) < 5 * 2.0**-7 * np.sqrt(100 * n / 1000)
    assert len(set(w.tolist())) > 1


def test_rounding_by_chance_depends_on_seed_step_and_array():
    def bits(seed, skip=0, second=False):
        optimizer = SGD(2.0**-8, stochastic_rounding=True, seed=seed)
        arrays = [np.ones(999, BF16), np.ones(999, BF16)]
        for _ in range(skip):
            optimizer.step(arrays, [np.zeros(999, BF16)] * 2)
        optimizer.step(arrays, [np.full(999, -1, BF16)] * 2)
        return arrays[second].tobytes()

    assert bits(1) == bits(1)
    assert len({bits(1), bits(2), bits(1, skip=1), bits(1, second=True)}) == 4


def test_a_seed_that_was_not_given_is_in_the_config():
    optimizer = SGD(2.0**-8, stochastic_rounding=True)
    again = SGD.from_config(optimizer.get_config())
    arrays = [np.ones(999, BF16), np.ones(999, BF16)]
    for one, w in zip((optimizer, again), arrays, strict=True):
        one.step(w, np.full(999, -1, BF16))
    assert arrays[0].tobytes() == arrays[1].tobytes()
    assert SGD().seed is None


def test_nan_and_inf_are_not_hidden_by_state_of_8_bits(new):
    keeps_less(new)
    w, (g, *_) = draws(F32, 600, count=1)
    optimizer = new(state_dtype="int8")
    if not optimizer._core.rule or not _core.rules()[optimizer._core.rule]["slots"]:
        pytest.skip("no state")
    g[300] = np.nan
    optimizer.step(w, g)
    optimizer.step(w, np.ones(600, "f4"))
    plain, v = new(), draws(F32, 600, count=1)[0]
    plain.step(v, g)
    plain.step(v, np.ones(600, "f4"))
    if not _core.rules()[optimizer._core.rule]["measures"]:  # a norm passes it on
        assert np.isfinite(w[:256]).all()
        assert np.isfinite(w[512:]).all()
    if np.isnan(v[300]):
        assert np.isnan(w[300])


def test_float64_refuses_state_in_fewer_bits(new):
    keeps_less(new)
    optimizer = new(state_dtype="int8")
    with pytest.raises(TypeError, match=r"parameters\[1\] is float64, whose state"):
        optimizer.bind([np.ones(2, "f4"), np.ones(2)])
    assert len(optimizer._core) == 0


def test_only_bfloat16_is_rounded_by_chance():
    """Whatever other types the optimizer has, and in which order."""
    rng = np.random.default_rng(0)
    start = rng.standard_normal(600)
    for order in ([F16, BF16, F32], [F32, BF16, F16], [BF16, F16, F32]):
        arrays = {dtype: start.astype(dtype) for dtype in order}
        grads = [np.full(600, 1e-3, dtype) for dtype in order]
        plain = {dtype: array.copy() for dtype, array in arrays.items()}
        SGD(1.0, stochastic_rounding=True, seed=1).step(list(arrays.values()), grads)
        SGD(1.0).step(list(plain.values()), grads)
        assert arrays[F16].tobytes() == plain[F16].tobytes()
        assert arrays[F32].tobytes() == plain[F32].tobytes()
        assert arrays[BF16].tobytes() != plain[BF16].tobytes()
