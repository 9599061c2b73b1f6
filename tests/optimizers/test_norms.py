"""Rules that sum over whole arrays before they move them: what the sums are of, and what is kept of them."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep.optimizers import SGD, Adam, Lamb, Lars, NovoGrad, Prodigy
from reference.norms import lamb, lars, novograd, prodigy
from snapshot import everything

EPS = np.finfo(float).eps
ORACLES = {Lamb: lamb, Lars: lars, NovoGrad: novograd, Prodigy: prodigy}
RULES = list(ORACLES)
LARGE = 3 * 2**15 + 77  # chunks of sums, and a rest that fills no vector


def draws(n, steps, dtype="f8", seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n).astype(dtype), list(rng.standard_normal((steps, n)).astype(dtype))


def defaults(cls):
    optimizer = cls()
    return {name: getattr(optimizer, name) for name in optimizer._fields()}


@pytest.mark.parametrize("cls", RULES)
def test_sums_are_over_all_chunks(cls):
    w, gradients = draws(LARGE, 5)
    w *= np.linspace(0, 1, LARGE)  # so that each chunk has a share of its own
    end, _ = ORACLES[cls](w.copy(), gradients, **defaults(cls))
    optimizer = cls()
    for g in gradients:
        optimizer.step(w, g)
    np.testing.assert_allclose(w, end, rtol=0, atol=10 * EPS * 5)


@pytest.mark.parametrize("cls", RULES)
@pytest.mark.parametrize("way", ["strided", "strided gradient", "in blocks"])
def test_sums_do_not_depend_on_where_numbers_lie(cls, dtype, way):
    w, gradients = draws(LARGE, 3, dtype)
    v, g_gaps = w.copy(), np.zeros((LARGE, 2), dtype)
    if way == "strided":
        gaps = np.zeros((LARGE, 2), dtype)
        gaps[:, 0], w = w, gaps[:, 0]
    # A clip that cuts nothing stages numbers in blocks.
    one, other = cls(clipvalue=1e6 if way == "in blocks" else None), cls()
    for g in gradients:
        g_gaps[:, 1] = g
        one.step(w, g if way == "in blocks" else g_gaps[:, 1])
        other.step(v, g)
    assert w.tobytes() == v.tobytes()
    mine, theirs = one.state_dict(), other.state_dict()
    mine.pop("clipvalue", None)
    assert {k: a.tobytes() for k, a in mine.items()} == {k: a.tobytes() for k, a in theirs.items()}


@pytest.mark.parametrize("size", [2.0**-80, 2.0**80])
def test_squares_neither_vanish_nor_overflow_in_float32(size):
    (w, (g, *_)), v = draws(100, 1, "f4"), draws(100, 1, "f4")[0]
    one, other = Lars(weight_decay=0.0), Lars(weight_decay=0.0)
    one.step(w, g)
    other.step(v, g * np.float32(size))
    assert w.tobytes() == v.tobytes()


def test_where_a_norm_is_0_lars_is_momentum_and_lamb_is_adam():
    g = np.array([3.0, -4.0])
    for ours, theirs in [
        (Lars(learning_rate=0.5), SGD(learning_rate=0.5, momentum=0.9)),
        (Lamb(learning_rate=0.5, epsilon=0.0), Adam(learning_rate=0.5, epsilon=0.0)),
    ]:
        w, v = np.zeros(2), np.zeros(2)
        ours.step(w, g)
        theirs.step(v, g)
        np.testing.assert_array_equal(w, v)
    w = np.ones(3)
    Lamb().step(w, np.zeros(3))
    assert (w == 1).all()
    Lars(learning_rate=0.5, weight_decay=0.25).step(w, np.zeros(3))
    assert (w == 1 - 0.5 * 0.25).all()


def test_lars_spares_excluded_arrays_from_its_own_decay():
    w, b = np.full(2, 2.0), np.full(2, 2.0)
    optimizer, without = Lars(weight_decay=0.5), Lars(weight_decay=0.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    g, v = np.array([1.0, 0.0]), np.full(2, 2.0)
    optimizer.step({"kernel": w, "bias": b}, {"kernel": g, "bias": g.copy()})
    without.step(v, g)
    assert b.tobytes() == v.tobytes() != w.tobytes()


def test_novograds_mean_begins_with_the_first_gradient_of_each_array():
    a, b, optimizer = np.ones(2), np.ones(2), NovoGrad(beta_2=0.75)
    optimizer.step([a, b], [np.array([3.0, 4.0]), np.zeros(2)])
    optimizer.step([a, b], [np.zeros(2), np.array([0.0, 2.0])])
    state = optimizer.state_dict()
    assert (state["0.v"], state["1.v"]) == (0.75 * 25, 4.0)
    assert state["0.v"].dtype == np.float64
    assert state["0.v"].shape == ()
    c = np.ones(1)
    optimizer.step([a, c], [np.zeros(2), np.array([5.0])])
    assert optimizer.state_dict()["2.v"] == 25


def distance(values, steps, shapes=((4,), (2, 3))):
    """Prodigy on the squared distance from 1, over some arrays; and the oracle over all their numbers in a row."""
    rng = np.random.default_rng(2)
    params = [rng.standard_normal(shape) for shape in shapes]
    row = np.concatenate([w.ravel() for w in params])
    optimizer, gradients = Prodigy(**values), []
    for _ in range(steps):
        gradients.append(np.concatenate([w.ravel() - 1 for w in params]))
        optimizer.step(params, [w - 1 for w in params])
    end, state = prodigy(row, gradients, **{**defaults(Prodigy), **values})
    return optimizer, np.concatenate([w.ravel() for w in params]), end, state


@pytest.mark.parametrize(
    "values",
    [{}, {"growth_rate": 1.5}, {"d0": 1e-3, "d_coef": 2.0, "weight_decay": 0.01, "learning_rate": 0.5}],
    ids=["defaults", "growth", "others"],
)
def test_prodigys_distance_grows_over_all_arrays_together(values):
    optimizer, w, end, state = distance(values, 60)
    np.testing.assert_allclose(w, end, rtol=0, atol=1e-12)  # d grows by what it is itself: so does rounding
    found = optimizer.state_dict()
    for name in ("d", "d_max", "numerator"):
        np.testing.assert_allclose(found[name], state[name], rtol=1e-11)
    assert found["d"] > 0.1
    offset = np.concatenate([found["0.offset"], found["1.offset"].ravel()])
    np.testing.assert_allclose(offset, state["offset"], rtol=0, atol=1e-12)


def test_prodigy_counts_only_arrays_that_move():
    (a, (g, *_)), b = draws(3, 1), np.ones(3)
    alone, w = Prodigy(d0=0.01), a.copy()
    together = Prodigy(d0=0.01)
    for _ in range(5):
        alone.step(w, g)
        together.step([a, b], [g, None])
    assert a.tobytes() == w.tobytes()
    assert together.state_dict()["d"] == alone.state_dict()["d"] > 0.01
    together.step([a, b], [None, None])
    assert together.iterations == 5


def test_prodigy_waits_for_a_first_gradient():
    w, optimizer = np.ones(2), Prodigy()
    optimizer.step(w, np.zeros(2))
    assert (w == 1).all()
    assert optimizer.state_dict()["d"] == 1e-6
    optimizer.d0 = 1e-3
    optimizer.step(w, np.ones(2))
    assert optimizer.state_dict()["d"] == 1e-3


def test_groups_of_prodigy_share_d_and_have_rates_of_their_own():
    (a, (g, *_)), (b, (h, *_)) = draws(3, 1), draws(2, 1, seed=1)
    optimizer, start = Prodigy(d0=0.1), b.copy()
    bound = optimizer.bind([{"params": [a]}, {"params": [b], "learning_rate": 0.0}])
    for _ in range(4):
        bound.step([[g], [h]])
    assert b.tobytes() == start.tobytes()
    w, alone = draws(3, 1)[0], Prodigy(d0=0.1)
    for _ in range(4):
        alone.step(w, g)
    assert a.tobytes() == w.tobytes()
    assert alone.state_dict()["d"] == optimizer.state_dict()["d"] > 0.1


@pytest.mark.parametrize("cls", RULES)
def test_a_step_that_is_not_made_keeps_the_numbers(cls):
    w, gradients = draws(6, 3)
    optimizer = cls(on_nonfinite="skip")
    for g in gradients:
        optimizer.step(w, g)
    before = everything(optimizer, w)
    optimizer.step(w, np.full(6, np.nan))
    assert everything(optimizer, w) == before


@pytest.mark.parametrize("cls", RULES)
def test_fit_takes_the_steps_of_step(cls):
    x, y = np.random.default_rng(0).standard_normal((2, 40, 3)).astype("f4")
    models = []
    for _ in range(2):
        gs.utils.set_random_seed(0)
        model = gs.Sequential([gs.layers.Dense(5, activation="tanh"), gs.layers.Dense(3)])
        model.build((None, 3))
        models.append(model)
    fitted, stepped = models
    fitted.compile(cls(), "mse")
    fitted.fit(x, y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    stepped.compile("sgd", "mse")
    optimizer = cls()
    for i in range(8):
        rows = slice(i % 4 * 10, i % 4 * 10 + 10)
        _, grads = stepped.value_and_grad(x[rows], y[rows])
        optimizer.step(stepped.weights, grads)
    for ours, theirs in zip(fitted.get_weights(), stepped.get_weights(), strict=True):
        assert ours.tobytes() == theirs.tobytes()
