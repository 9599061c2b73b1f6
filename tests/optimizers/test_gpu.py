"""Steps of arrays on a GPU, in a build whose launches are loops on the CPU: each rule gives what it gives there."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from gpu import OnGPU, host_build
from gradstep import _core, optimizers
from gradstep.optimizers.schedules import ExponentialDecay
from reference.optimizers import ORACLES
from snapshot import everything
from variants import OPTIMIZERS, moves_elements

pytestmark = [host_build, pytest.mark.whole]

# Of one element, of a chunk of 4096 and around it, and of none.
SIZES = [1, 7, 4096, 0, 5000, 3, 9001, 255]
ON_GPU = [name for name, make in OPTIMIZERS.items() if not _core.rules()[make()._core.rule]["matrices"]]
MEASURING = [name for name in ON_GPU if not moves_elements(OPTIMIZERS[name])]
F32, F64 = np.dtype("float32"), np.dtype("float64")
# Sums of a norm are made in another order, in double; what follows is rounded to float32 once a step.
CLOSE = {F32: 2e-6, F64: 1e-13}


def draws(sizes, dtype, steps=4, seed=0):
    rng = np.random.default_rng(seed)

    def one():
        return [rng.standard_normal(n).astype(dtype) for n in sizes]

    return one(), [one() for _ in range(steps)]


def on_gpu(arrays):
    return [OnGPU(array) for array in arrays]


def both(new, sizes=SIZES, dtype=F32, steps=4, gradient_dtype=None, **options):
    """The same steps in CPU memory and on the GPU: arrays and optimizers."""
    here, gradients = draws(sizes, dtype, steps)
    there = [array.copy() for array in here]
    ours, theirs = new(**options), new(**options)
    bound = ours.bind(on_gpu(there))
    for grads in gradients:
        grads = [g.astype(gradient_dtype or dtype) for g in grads]
        theirs.step(here, grads)
        bound.step(on_gpu(grads))
    return (there, ours), (here, theirs)


def assert_close(one, other, dtype):
    (there, ours), (here, theirs) = one, other
    left, right = ours.state_dict(), theirs.state_dict()
    assert left.keys() == right.keys()
    for a, b in [*zip(there, here, strict=True), *((left[key], right[key]) for key in right)]:
        scale = max(1.0, float(np.abs(b).max(initial=0)))
        np.testing.assert_allclose(a, b, rtol=0, atol=CLOSE[dtype] * scale)


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("name", ON_GPU)
def test_equals_the_cpu(name, dtype):
    """Bit for bit, but for what follows from norms."""
    one, other = both(OPTIMIZERS[name], dtype=dtype)
    if name in MEASURING:
        assert_close(one, other, dtype)
    else:
        assert everything(one[1], *one[0]) == everything(other[1], *other[0])


@pytest.mark.parametrize("name", ON_GPU)
def test_equals_the_oracle(name):
    optimizer = OPTIMIZERS[name]()
    fields = [field[0] for field in _core.rules()[optimizer._core.rule]["fields"]]
    (w,), gradients = draws([4100], F64, steps=10)
    values = {field: getattr(optimizer, field) for field in fields}
    with np.errstate(all="ignore"):
        end, state = ORACLES[optimizer._core.rule](w.copy(), [g for (g,) in gradients], **values)
    array = OnGPU(w)
    for (g,) in gradients:
        optimizer.step(array, OnGPU(g))
    found = optimizer.state_dict()
    for slot in _core.rules()[optimizer._core.rule]["slots"]:
        np.testing.assert_allclose(
            found[f"0.{slot}"], state[slot], rtol=0, atol=1e-13 * max(1, np.abs(state[slot]).max())
        )
    np.testing.assert_allclose(w, end, rtol=0, atol=1e-13 * max(1, np.abs(end).max()))


OPTIONS = {
    "decay, maximize, loss scale": {"weight_decay": 0.1, "maximize": True, "loss_scale_factor": 4.0},
    "clipvalue": {"clipvalue": 0.5},
    "average": {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    "accumulation": {"gradient_accumulation_steps": 2},
    "all": {
        "weight_decay": 0.1,
        "clipvalue": 0.5,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 2,
    },
    "bfloat16 state": {"state_dtype": "bfloat16"},
    "bfloat16 state and an average": {"state_dtype": "bfloat16", "use_ema": True},
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "AdamW-torch", "RMSprop-momentum", "Lion", "Adagrad", "Lamb", "Prodigy"]
)
def test_options_equal_the_cpu(name, options):
    options = dict(OPTIONS[options])
    own = [field[0] for field in _core.rules()[OPTIMIZERS[name]()._core.rule]["fields"]]
    if "weight_decay" in own:
        options.pop("weight_decay", None)
    one, other = both(OPTIMIZERS[name], steps=6, **options)
    if name not in MEASURING:
        assert everything(one[1], *one[0]) == everything(other[1], *other[0])
    elif "state_dtype" not in options:  # where a number that is another by a rounding may be put away as the next one
        assert_close(one, other, F32)


@pytest.mark.parametrize("clip", [{"clipnorm": 2.0}, {"global_clipnorm": 3.0}, {"clipnorm": 1e-40}])
@pytest.mark.parametrize("name", ["SGD-momentum", "Adam", "Lars"])
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
def test_clipping_by_norm_equals_the_cpu(name, clip, dtype):
    assert_close(*both(OPTIMIZERS[name], dtype=dtype, **clip), dtype)
    assert_close(*both(OPTIMIZERS[name], dtype=dtype, gradient_accumulation_steps=2, **clip), dtype)


def test_a_global_norm_that_is_no_number_makes_none_of_all():
    w, g = [np.ones(3), np.ones(5000)], [np.ones(3), np.full(5000, np.inf)]
    optimizers.SGD(0.1, global_clipnorm=1.0).step(on_gpu(w), on_gpu(g))
    assert all(np.isnan(x).all() for x in w)


@pytest.mark.parametrize(
    "kinds", [("f2", "f2"), ("f2", "f4"), ("f4", "f2"), ("f8", "f2"), ("b", "b"), ("b", "f4"), ("f4", "b")]
)
@pytest.mark.parametrize("name", ["Adam", "SGD-nesterov", "Lamb"])
def test_half_types_equal_the_cpu(name, kinds):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    param, gradient = (np.dtype(ml_dtypes.bfloat16 if kind == "b" else kind) for kind in kinds)
    for options in [{}, {"use_ema": True, "ema_overwrite_frequency": 2}, {"stochastic_rounding": True, "seed": 3}]:
        if "seed" in options and kinds[0] != "b":
            continue
        one, other = both(OPTIMIZERS[name], dtype=param, gradient_dtype=gradient, **options)
        if name in MEASURING:
            # One more rounding of float32 may be one of the half type too.
            for a, b in zip(one[0], other[0], strict=True):
                np.testing.assert_allclose(a.astype("f8"), b.astype("f8"), rtol=2e-2, atol=1e-2)
        else:
            assert everything(one[1], *one[0]) == everything(other[1], *other[0])


def test_many_arrays_are_more_than_one_launch():
    sizes = [1 + 37 * i % 5000 for i in range(150)]
    for name in ["Adam", "Prodigy", "NovoGrad"]:
        one, other = both(OPTIMIZERS[name], sizes=sizes)
        if name == "Adam":
            assert everything(one[1], *one[0]) == everything(other[1], *other[0])
        assert_close(one, other, F32)


def test_arrays_that_begin_anywhere():
    """Four elements go at once only where all lie on a boundary for that."""
    base, g = (np.arange(40000, dtype=F32) / 100 for _ in range(2))
    expected = base.copy()
    ours, theirs = (optimizers.Adam() for _ in range(2))
    parts = [slice(1, 5000), slice(5000, 5004), slice(5006, 30001)]
    ours.step(on_gpu([base[p] for p in parts]), on_gpu([g[p] for p in parts]))
    theirs.step([expected[p] for p in parts], [g[p] for p in parts])
    assert base.tobytes() == expected.tobytes()


def test_groups_schedules_and_arrays_without_gradients():
    results = []
    for lend in (on_gpu, list):
        (a, b), gradients = draws([4097, 30], F32, steps=5)
        opt = optimizers.Adam(ExponentialDecay(0.1, 2, 0.5), use_ema=True, weight_decay=0.1)
        opt.exclude_from_weight_decay(var_list=lend([b]))
        (one,), (other,) = lend([a]), lend([b])
        bound = opt.bind([{"params": [one], "learning_rate": 0.01}, {"params": [other], "beta_1": 0.5}])
        for i, (g, h) in enumerate(gradients):
            bound.step([lend([g]), [None] if i == 2 else lend([h])])
        results.append(everything(opt, a, b))
        opt.finalize_variable_values(lend([a]))
        assert (a == opt.state_dict()["0.average"]).all()
    assert results[0] == results[1]


def test_steps_by_every_way_reach_the_same_state():
    (w,), gradients = draws([100], F32)
    expected = w.copy()
    opt, other, array = optimizers.Adam(), optimizers.Adam(), OnGPU(w)
    for i, (g,) in enumerate(gradients):
        other.step({"w": expected}, {"w": g})
        if i % 2:
            opt.apply_gradients([(OnGPU(g), array)])
        else:
            opt.step({"w": OnGPU(w)}, {"w": OnGPU(g)})  # another object over the same memory
    assert len(opt._core) == 1
    assert everything(opt, w) == everything(other, expected)
    assert opt.bind(array).arrays[0].copy().tobytes() == w.tobytes()


@pytest.mark.parametrize("name", ["Adam", "RAdam", "NovoGrad", "Prodigy", "Adam-torch"])
def test_state_goes_from_the_gpu_to_the_cpu_and_back(name):
    (w,), gradients = draws([5000], F32, steps=6)
    expected, there = w.copy(), w.copy()
    whole, ours = OPTIMIZERS[name](), OPTIMIZERS[name]()
    for (g,) in gradients:
        whole.step(OnGPU(expected), OnGPU(g))
    for i in range(3):
        lend = OnGPU if i % 2 == 0 else (lambda array: array)
        resumed = OPTIMIZERS[name]()
        bound = resumed.bind(lend(there))
        if i:
            resumed.load_state_dict(ours.state_dict())
        ours = resumed
        for (g,) in gradients[2 * i : 2 * i + 2]:
            bound.step(lend(g))
    np.testing.assert_allclose(there, expected, rtol=1e-5, atol=1e-6)
    assert ours.iterations == whole.iterations == 6


def test_the_average_of_schedule_free_training():
    (w,), gradients = draws([50], F32)
    expected = w.copy()
    ours, theirs = (optimizers.ScheduleFreeSGD(0.1) for _ in range(2))
    for (g,) in gradients:
        ours.step(OnGPU(w), OnGPU(g))
        theirs.step(expected, g)
    ours.eval()
    theirs.eval()
    assert w.tobytes() == expected.tobytes()
    ours.train()
    theirs.train()
    assert w.tobytes() == expected.tobytes()


def test_state_lends_its_memory():
    w = np.ones(3, F32)
    opt = optimizers.SGD(1.0, momentum=0.5)
    opt.step(OnGPU(w), OnGPU(w))
    velocity = opt._core.state(0)["velocity"]
    assert velocity.__cuda_array_interface__["typestr"] == "<f4"
    velocity[...] = 2
    opt.step(OnGPU(w), OnGPU(np.zeros(3, F32)))
    assert w.tolist() == [1, 1, 1]  # 1 - 1 + 0.5 * 2
    with pytest.raises(TypeError, match="only array"):
        velocity[0] = 1


# -- refusals ----------------------------------------------------------------------------------------------------------


def ok(n=6):
    return np.ones(n, F32)


PARAMETERS = {
    "read-only": (ValueError, "must be writable", lambda: OnGPU(ok(), read_only=True)),
    "strided": (ValueError, "must be in C order", lambda: OnGPU(ok(12)[::2])),
    "transposed": (ValueError, "must be in C order", lambda: OnGPU(ok().reshape(2, 3).T)),
    "misaligned": (ValueError, "must be aligned", lambda: OnGPU(np.zeros(25, "u1")[1:].view("f4"))),
    "integers": (TypeError, "must be float32, float64, float16 or bfloat16", lambda: OnGPU(np.ones(6, int))),
    "complex": (TypeError, "must be float32, float64, float16 or bfloat16", lambda: OnGPU(np.ones(6, complex))),
    "other device": (ValueError, "must be on GPU 0, as the others; it is on GPU 1", lambda: OnGPU(ok(), device=1)),
    "in CPU memory": (TypeError, "must be on GPU 0, as the others", ok),
}


@pytest.mark.parametrize("kind", PARAMETERS)
def test_parameters_that_cannot_be_stepped(kind):
    error, message, make = PARAMETERS[kind]
    good, bad, opt = ok(), make(), optimizers.Adam()
    before = (bad if isinstance(bad, np.ndarray) else bad.array).copy()
    for take in (opt.bind, lambda params: opt.step(params, [OnGPU(ok()), OnGPU(np.ones(before.shape, F32))])):
        with pytest.raises(error, match=rf"^parameters\[1\] .*{message}"):
            take([OnGPU(good), bad])
    assert len(opt._core) == opt.iterations == 0
    assert (good == 1).all()
    assert (before == (bad if isinstance(bad, np.ndarray) else bad.array)).all()


def test_parameters_that_share_memory():
    base, opt = ok(10), optimizers.Adam()
    with pytest.raises(ValueError, match=r"^parameters\[1\] overlaps parameters\[0\]"):
        opt.bind(on_gpu([base[4:], base[:6]]))
    with pytest.raises(ValueError, match=r"^parameters\[2\] overlaps parameters\[0\]"):
        opt.bind(on_gpu([base[:8], ok(), base[2:4]]))
    opt.bind(OnGPU(base[:5]))
    with pytest.raises(ValueError, match=r"^parameter must not overlap another"):
        opt.bind(OnGPU(base[4:]))
    opt.bind(OnGPU(base[5:]))


GRADIENTS = {
    "other device": (ValueError, "must be on GPU 0, as its parameter; it is on GPU 1", lambda: OnGPU(ok(), device=1)),
    "in CPU memory": (TypeError, "must be an array on a GPU", ok),
    "shape": (ValueError, r"has shape \(2, 3\); its parameter has shape \(6,\)", lambda: OnGPU(ok().reshape(2, 3))),
    "dtype": (TypeError, "is float64; its parameter is float32", lambda: OnGPU(np.ones(6))),
    "strided": (ValueError, "must be in C order", lambda: OnGPU(ok(12)[::2])),
    "number": (TypeError, "must be an array", lambda: 1.0),
}


@pytest.mark.parametrize("kind", GRADIENTS)
def test_gradients_that_cannot_be_read(kind):
    error, message, make = GRADIENTS[kind]
    arrays, opt = [ok(), ok()], optimizers.Adam()
    params = on_gpu(arrays)
    bound = opt.bind(params)
    for take in (bound.step, lambda grads: opt.step(params, grads)):
        with pytest.raises(error, match=rf"^gradients\[1\] {message}"):
            take([OnGPU(ok()), make()])
    for grads, said in [([OnGPU(ok())], "as many as"), (OnGPU(ok()), "must be a list or tuple")]:
        with pytest.raises((TypeError, ValueError), match=said):
            bound.step(grads)
    assert opt.iterations == 0
    assert all((array == 1).all() for array in arrays)


def test_a_gradient_may_be_its_parameter_and_no_part_of_one():
    base, opt = ok(12), optimizers.SGD(0.5)
    w = OnGPU(base[:6])
    opt.step(w, w)
    assert base.tolist() == [0.5] * 6 + [1] * 6
    with pytest.raises(ValueError, match=r"^gradient must not overlap a parameter"):
        opt.step(w, OnGPU(base[3:9]))


def test_a_parameter_that_moved():
    w = OnGPU(ok())
    opt = optimizers.SGD(0.5)
    bound = opt.bind([w])
    w.array = ok()
    for step in (bound.step, lambda grads: opt.step([w], grads)):
        with pytest.raises(ValueError, match=r"^parameters\[0\] must stay where it was"):
            step([OnGPU(ok())])


REFUSED = {
    "matrices": (TypeError, "Muon updates arrays in CPU memory only", optimizers.Muon),
    "curvature": (TypeError, "updates arrays in CPU memory only", optimizers.KFAC),
    "int8": (ValueError, "state_dtype must be None or 'bfloat16'", lambda: optimizers.Adam(state_dtype="int8")),
    "skips": (ValueError, "on_nonfinite must be 'propagate'", lambda: optimizers.Adam(on_nonfinite="skip")),
    "raises": (ValueError, "on_nonfinite must be 'propagate'", lambda: optimizers.Adam(on_nonfinite="raise")),
    "Lookahead": (TypeError, "Lookahead steps arrays in CPU memory", lambda: optimizers.Lookahead(optimizers.Adam())),
    "SAM": (TypeError, "SAM steps arrays in CPU memory", lambda: optimizers.SAM(optimizers.Adam())),
    "MultiOptimizer": (
        TypeError,
        "steps arrays in CPU memory",
        lambda: optimizers.MultiOptimizer({"*": optimizers.Adam()}),
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_optimizers_for_cpu_memory_alone(kind):
    error, message, make = REFUSED[kind]
    w, opt = ok(), make()
    with pytest.raises(error, match=message):
        opt.bind({"w": OnGPU(w)})
    assert (w == 1).all()
    opt.bind({"w": np.ones((2, 3), F32)})  # and serves that as before


def test_one_optimizer_is_for_one_memory():
    opt = optimizers.Adam()
    opt.step(ok(), ok())
    with pytest.raises(TypeError, match="parameter must be in CPU memory, as the others; it is on GPU 0"):
        opt.step(OnGPU(ok()), OnGPU(ok()))
    opt = optimizers.Adam()
    w = OnGPU(ok())
    opt.step(w, OnGPU(ok()))
    with pytest.raises(TypeError, match="must be on GPU 0"):
        opt.step(ok(), ok())
    with pytest.raises(TypeError, match="in CPU memory"):
        optimizers.Adam().step(ok(), OnGPU(ok()))
    for make in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied or pickled with their optimizer; keep state_dict"):
            make(opt)


def test_streams_of_gradients():
    """A step goes to the first stream that a gradient names; on the CPU they are only passed on."""
    arrays = on_gpu([ok(), ok()])
    opt = optimizers.SGD(0.5)
    opt.step(arrays, [OnGPU(ok(), stream=7), OnGPU(ok(), stream=2)])
    opt.step(arrays, [OnGPU(ok(), stream=None), OnGPU(ok(), stream=None)])
    assert all((array.array == 0).all() for array in arrays)
