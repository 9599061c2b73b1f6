"""Adafactor and Muon on matrices: the contracts run over arrays of one axis."""

from __future__ import annotations

import functools

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core
from gradstep.optimizers import Adafactor, AdamW, Muon
from reference.optimizers import ORACLES
from snapshot import everything

ADAFACTOR = {
    "Adafactor": functools.partial(Adafactor, learning_rate=0.3),
    "Adafactor-free": functools.partial(Adafactor, learning_rate=0.8, relative_step=False),
    "Adafactor-torch": functools.partial(Adafactor, learning_rate=0.8, dialect="torch"),
}
MUON = {
    "Muon": functools.partial(Muon, learning_rate=0.1),
    "Muon-plain": functools.partial(Muon, learning_rate=0.1, nesterov=False, rms_rate=float("inf")),
    "Muon-torch": functools.partial(Muon, learning_rate=0.1, dialect="torch"),
    "Muon-plain-torch": functools.partial(Muon, nesterov=False, dialect="torch", rms_rate=0.2),
}
# Rows and columns around the borders of tiles, one of them alone, more than two axes, none at all.
SHAPES = [(), (1, 1), (1, 600), (600, 1), (7, 3), (65, 513), (1100, 40), (3, 2, 70, 5), (2, 0), (0, 3, 4)]


@pytest.fixture(params=[*ADAFACTOR, *MUON])
def make(request):
    return {**ADAFACTOR, **MUON}[request.param]


def draws(shape, dtype, steps=5):
    rng = np.random.default_rng(0)
    w, *gradients = (np.asarray(rng.standard_normal(shape), dtype) for _ in range(steps + 1))
    return w, gradients


def strided(w):
    """A copy of w that lies with gaps, backwards."""
    return np.repeat(w, 3, axis=-1)[..., 1::3][..., ::-1].copy()[..., ::-1] if w.ndim else w.copy()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_the_oracle(make, dtype, shape):
    if len(shape) != 2 and make in MUON.values():
        pytest.skip("AdamW's, as in the contracts")
    w, gradients = draws(shape, dtype)
    optimizer = make()
    values = {name: getattr(optimizer, name) for name in optimizer._fields()}
    precision = {"precision": np.finfo(dtype).eps} if "Adafactor" in optimizer._core.rule else {}
    with np.errstate(all="ignore"):
        end, state = ORACLES[optimizer._core.rule](
            w.astype("f8"), [g.astype("f8") for g in gradients], **values, **precision
        )
    for g in gradients:
        optimizer.step(w, g)
    found = optimizer.state_dict()
    for ours, theirs in [(w, end), *((found[f"0.{slot}"], state[slot]) for slot in state)]:
        assert ours.shape == theirs.shape
        # Five steps of a few roundings; Newton-Schulz takes fifteen products, whose errors shrink towards its end.
        scale = np.finfo(dtype).eps * np.abs(theirs).max(initial=1)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=16 * scale)


def test_an_exact_second_moment_is_factored_exactly(dtype):
    # Squares that are a product of rows and columns: every direction is a sign.
    g = np.outer(np.linspace(1, 3, 70), np.linspace(2, 5, 90)).astype(dtype)
    g[::2] *= -1
    w = np.ones_like(g)
    Adafactor(learning_rate=0.25).step(w, g)
    np.testing.assert_allclose(w, 1 - 0.25 * np.sign(g), rtol=8 * np.finfo(dtype).eps)


def test_muons_direction_is_nearly_orthogonal():
    w, (g, *_) = draws((40, 25), "f8")
    start = w.copy()
    Muon(learning_rate=1.0, rms_rate=float("inf"), weight_decay=0.0).step(w, g)
    values = np.linalg.svd(start - w, compute_uv=False)
    assert 0.6 < values.min() <= values.max() < 1.3
    left, _, right = np.linalg.svd(g, full_matrices=False)
    turned = left.T @ (start - w) @ right.T
    np.testing.assert_allclose(turned, np.diag(np.diag(turned)), atol=1e-12)  # the gradient's own vectors


def run(make, dtype, lay=lambda w: w, **options):
    optimizer, total, kept = make(**options), [], []
    for shape in [(70, 600), (600, 3), (9,)]:
        w, gradients = draws(shape, dtype)
        w = lay(w)
        kept.append(w)  # one that is gone could be replaced by the next one only
        for g in gradients[:3]:
            optimizer.step(w, lay(g))
        total.append(np.ascontiguousarray(w).tobytes())
    return b"".join(total) + everything(optimizer)


OPTIONS = [
    {},
    {"clipvalue": 0.5, "loss_scale_factor": 0.5, "weight_decay": 0.1},
    {"gradient_accumulation_steps": 3, "global_clipnorm": 1.0},
    {"use_ema": True, "ema_overwrite_frequency": 2, "maximize": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_matrices_of_any_layout_give_the_same_bits(make, dtype, options):
    plain = run(make, dtype, **options)
    assert run(make, dtype, strided, **options) == plain
    assert run(make, dtype, np.asfortranarray, **options) == plain


@pytest.mark.parametrize("options", OPTIONS[1:], ids=str)
def test_options_are_what_one_would_do_by_hand(make, dtype, options):
    if "weight_decay" in options and "torch" in getattr(make(), "dialect", "") and make in ADAFACTOR.values():
        pytest.skip("it looks at the weights before")
    w, gradients = draws((70, 130), dtype, 6)
    v, average = w.copy(), None
    one, other = make(**options), make(weight_decay=0.0)
    decay = options.get("weight_decay", one.weight_decay or 0.0)
    for t, g in enumerate(gradients, 1):
        one.step(w, g)
        if "clipvalue" in options:
            g = np.clip(2 * g, -0.5, 0.5)
        if "global_clipnorm" in options:
            if t % 3:
                continue
            g = (gradients[t - 3] + gradients[t - 2] + g) / dtype.type(3)
            g = g / dtype.type(np.linalg.norm(g.astype("f8")))
        v *= dtype.type(1 - other.learning_rate * decay)
        other.step(v, -g if "maximize" in options else g)
        if "use_ema" in options:
            average = v.copy() if t == 1 else dtype.type(0.99) * average + dtype.type(0.01) * v
            if t % 2 == 0:
                v[...] = average
    # The engine does not round the scaled gradient before it goes on.
    np.testing.assert_allclose(w, v, rtol=0, atol=50 * np.finfo(dtype).eps * np.abs(v).max())
    assert one.iterations == other.iterations


def test_halves_are_float32_in_between(make):
    half = np.dtype("float16")
    w, gradients = draws((70, 130), half, 4)
    wide = w.astype("f4")
    one, other = make(), make()
    for g in gradients:
        one.step(w, g)
        other.step(wide, g.astype("f4"))
        wide[...] = wide.astype(half)
    assert w.tobytes() == wide.astype(half).tobytes()
    assert everything(one) == everything(other)


@functools.cache
def on_one_thread(make):
    before = _core.get_num_threads()
    _core.set_num_threads(1)
    try:
        return large(make)
    finally:
        _core.set_num_threads(before)


def large(make):
    rng = np.random.default_rng(1)
    shapes = [(300, 200), (100, 9), (17,)] if make in MUON.values() else [(1100, 1013), (3, 100, 70), (17,)]
    params = [rng.standard_normal(shape, dtype="f4") for shape in shapes]
    optimizer = make()
    for _ in range(2):
        optimizer.step(params, [np.cos(3 * w) for w in params])
    return everything(optimizer, *params)


def test_same_bits_on_any_number_of_threads(make, threads):
    assert large(make) == on_one_thread(make)


FIRST: dict = {}


def test_same_bits_on_every_isa(make, dtype, isa):
    found = run(make, dtype)
    assert FIRST.setdefault((make, dtype), found) == found


def test_state_has_its_own_shapes_and_goes_on(make, dtype):
    params = [draws(shape, dtype)[0] for shape in [(5, 4), (2, 3, 4), (4,)]]
    optimizer = make()
    for _ in range(2):
        optimizer.step(params, [np.sin(w) for w in params])
    state = optimizer.state_dict()
    if make in ADAFACTOR.values():
        rows, columns = [(5,), (2, 3), ()], [(4,), (2, 4), (4,)]
        for i in range(3):
            assert (state[f"{i}.row"].shape, state[f"{i}.column"].shape) == (rows[i], columns[i])
    else:
        assert [state[f"{i}.v"].shape for i in range(3)] == [(0,), (2, 3, 4), (4,)]
        assert [state[f"{i}.m"].shape for i in range(3)] == [w.shape for w in params]
    resumed, halfway = make(), [w.copy() for w in params]
    resumed.bind(halfway)
    resumed.load_state_dict(state)
    for arrays, one in ((params, optimizer), (halfway, resumed)):
        one.step(arrays, [np.sin(w) for w in arrays])
    assert everything(resumed, *halfway) == everything(optimizer, *params)


def test_muon_leaves_names_to_adamw():
    shapes = {"hidden": (4, 3), "Embedding": (5, 2), "out": (3, 2), "bias": (3,)}
    params = {name: draws(shape, "f8")[0] for name, shape in shapes.items()}
    expected = {name: w.copy() for name, w in params.items()}
    optimizer = Muon(learning_rate=0.1, exclude_layers=["o.t"], adam_lr_ratio=0.5, adam_weight_decay=0.2)
    optimizer.step(params, {name: np.sin(w) for name, w in params.items()})
    adamw = AdamW(learning_rate=0.05, weight_decay=0.4)  # the decay is times the whole rate
    aside = [expected[name] for name in ("Embedding", "out", "bias")]
    adamw.step(aside, [np.sin(w) for w in aside])
    for name in ("Embedding", "out", "bias"):
        np.testing.assert_allclose(params[name], expected[name], rtol=1e-14)
    Muon(learning_rate=0.1).step(expected["hidden"], np.sin(expected["hidden"]))
    assert params["hidden"].tobytes() == expected["hidden"].tobytes()
    both = Muon(exclude_embeddings=False)
    both.bind({"embedding": np.ones((2, 2))})
    assert both.state_dict()["0.v"].shape == (0,)


def test_muons_arguments_are_checked():
    for arguments, error, text in [
        ({"exclude_layers": "out"}, TypeError, "exclude_layers must be a list of patterns"),
        ({"exclude_layers": [3]}, TypeError, r"exclude_layers\[0\] must be a str; got an int"),
        ({"exclude_embeddings": 1}, TypeError, "exclude_embeddings must be True or False"),
        ({"nesterov": 1}, TypeError, "nesterov must be True or False"),
        ({"ns_steps": 101}, ValueError, "ns_steps must be a number"),
    ]:
        with pytest.raises(error, match=text):
            Muon(**arguments)
    with pytest.raises(ValueError, match="relative_step must be True with dialect='torch'"):
        Adafactor(relative_step=False, dialect="torch")
    again = gs.optimizers.deserialize(gs.optimizers.serialize(Muon(exclude_layers=["a"], nesterov=False)))
    assert (again.exclude_layers, again.nesterov) == (["a"], False)


def test_a_model_trains_by_them(make, threads):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 10)).astype("f4")
    y = np.tanh(x @ rng.standard_normal((10, 3)).astype("f4"))
    gs.utils.set_random_seed(0)
    model = gs.Sequential([gs.layers.Dense(16, "tanh"), gs.layers.Dense(3)])
    model.compile(make(learning_rate=0.05), "mse")
    losses = model.fit(x, y, epochs=20, batch_size=16, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    weights = b"".join(w.tobytes() for w in model.get_weights())
    assert FIRST.setdefault(("model", make), weights) == weights
