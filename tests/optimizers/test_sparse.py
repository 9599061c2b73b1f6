"""Row-sparse gradients: to the bit what dense ones make, at the price of the rows; or, lazily, the rows alone."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core, optimizers
from gradstep.optimizers import schedules
from snapshot import everything
from variants import other

# One axis, two, three; rows longer than what is moved at once, and than a chunk.
SHAPES = [(60,), (50, 3), (40, 2, 5), (6, 700), (3, 9000)]
OWN_DECAY = "has a weight_decay of its own"


def draws(shape, dtype, steps=25, seed=0, most=6):
    """A start, and gradients of few rows, some twice in one; the last third of the rows has none."""
    rng = np.random.default_rng(seed)
    w, below = rng.standard_normal(shape).astype(dtype), max(1, shape[0] * 2 // 3)
    gradients = []
    for _ in range(steps):
        rows = rng.integers(0, below, rng.integers(0, most))
        gradients.append(gs.RowSparse(rows, rng.standard_normal((len(rows), *shape[1:])).astype(dtype), shape))
    return w, gradients


def equal(sparse, w, dense, v):
    """By value: a weight of -0 that was never touched may have become 0 in one of them."""
    state, expected = sparse.state_dict(), dense.state_dict()
    np.testing.assert_array_equal(w, v)
    assert state.keys() == expected.keys()
    for key in state:
        np.testing.assert_array_equal(state[key], expected[key], err_msg=key)


def compare(make, shape, dtype, between=lambda optimizer, t: None, **options):
    """The same steps, by rows and by whole arrays; between(optimizer, t) is called before step t."""
    w, gradients = draws(shape, dtype)
    v, sparse, dense = w.copy(), make(**options), make(**options)
    for t, g in enumerate(gradients):
        between(sparse, t)
        between(dense, t)
        sparse.step(w, g)
        dense.step(v, g.to_dense())
    assert sparse.iterations == dense.iterations == len(gradients)
    sparse.flush()
    equal(sparse, w, dense, v)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_as_the_dense_gradient_to_the_bit(new, dtype, shape):
    compare(new, shape, dtype)


def test_with_other_values_of_all_hyperparameters(new, dtype):
    compare(new, (50, 3), dtype, **{field: other(new(), field) for field in new()._fields()})


@pytest.mark.parametrize(
    "options",
    [
        {"weight_decay": 0.3},
        {"clipvalue": 0.2},
        {"loss_scale_factor": 8.0, "maximize": True},
        {"weight_decay": schedules.Linear(0.3, 0.0, 10), "clipvalue": 0.5},
    ],
    ids=str,
)
def test_with_options(new, dtype, options):
    if "weight_decay" in options and "weight_decay" in new()._fields():
        pytest.skip(OWN_DECAY)
    compare(new, (50, 3), dtype, **options)


def test_a_decay_that_spares_the_array_for_a_while(dtype):
    def between(optimizer, t):
        if t == 12:
            optimizer.exclude_from_weight_decay(var_names=[""])

    for weight_decay in (0.0, 0.3):
        compare(optimizers.Adam, (50, 3), dtype, between, weight_decay=weight_decay)


@pytest.mark.parametrize("clip", [{"clipnorm": 0.7}, {"global_clipnorm": 0.7}], ids=str)
def test_norms_are_those_of_the_dense_gradient(new, clip):
    w, gradients = draws((50, 3), "f8")
    u, v, x, h = w.copy(), np.ones(4), np.ones(4), np.full(4, 0.2)
    sparse, dense = new(**clip), new(**clip)
    for g in gradients:
        sparse.step([w, v], [g, h])
        dense.step([u, x], [g.to_dense(), h])
    sparse.flush()
    # Sums of squares in another order, and rules that divide by small numbers.
    np.testing.assert_allclose(w, u, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(v, x, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_row_given_again_adds_up_in_the_order_given(lazy):
    many = np.random.default_rng(0).integers(0, 2**40, 3000)  # of more than one digit
    for rows, summands in [([3, 1, 3, 3], [1e8, 1.0, 1.0, -1e8]), (many % 3000, np.ones(3000)), ([1, 1], [-0.0, -0.0])]:
        w = np.zeros((3000, 2), "f4")
        v, values = w.copy(), np.repeat(np.array(summands, "f4")[:, None], 2, 1)
        g = gs.RowSparse(rows, values, w.shape)
        optimizers.SGD(1.0, lazy=lazy).step(w, g)
        optimizers.SGD(1.0).step(v, g.to_dense())
        assert w.tobytes() == v.tobytes()
        assert len(rows) != 4 or w[3, 0] == 0


def test_a_norm_that_is_no_number_reaches_every_row(dtype):
    w, gradients = draws((50, 3), dtype)
    gradients[6].values[0, 0] = np.nan
    v, sparse, dense = w.copy(), optimizers.Adam(clipnorm=1.0), optimizers.Adam(clipnorm=1.0)
    for g in gradients[:9]:
        sparse.step(w, g)
        dense.step(v, g.to_dense())
    sparse.flush()
    assert np.isnan(v).all()
    np.testing.assert_array_equal(w, v)


def test_missed_steps_have_the_hyperparameters_of_then(new, dtype):
    def between(optimizer, t):
        for field in optimizer._fields():
            if t in (5, 17) and field != "learning_rate_power" and field not in optimizer.schedules:
                setattr(optimizer, field, other(optimizer, field))

    compare(new, (50, 3), dtype, between)
    # From 0: a step that moves nothing is no sign of rest.
    rate = schedules.PiecewiseConstantDecay([3, 9, 15], [1e-30, 0.01, 1e-30, 0.02])
    compare(new, (50, 3), dtype, between, learning_rate=rate)


@pytest.mark.parametrize("make", [optimizers.Adam, optimizers.RMSprop, optimizers.Adadelta])
def test_without_epsilon_untouched_rows_are_as_undefined_as_in_dense_steps(make, dtype):
    compare(make, (50, 3), dtype, epsilon=0.0)


def test_dense_gradients_and_none_in_between(new, dtype):
    w, gradients = draws((30, 4), dtype)
    u, v, x, h = w.copy(), np.ones(3, dtype), np.ones(3, dtype), np.full(3, 0.2, dtype)
    sparse, dense = new(), new()
    bound = sparse.bind([w, v])
    for t, g in enumerate(gradients):
        whole = None if t % 5 == 3 else g.to_dense()
        bound.step([None if whole is None else whole if t % 7 == 4 else g, h])
        dense.step([u, x], [whole, h])
    sparse.flush()
    equal(sparse, w, dense, u)


@pytest.mark.parametrize("way", ["step", "bound", "nested", "nested bound", "apply", "apply_gradients"])
def test_every_way_to_step(way):
    w, gradients = draws((30, 4), np.dtype("f8"))
    v, sparse, dense = w.copy(), optimizers.Adam(), optimizers.Adam()
    tree = {"a": [w]}
    bound = sparse.bind(tree if way == "nested bound" else w)
    step = {
        "step": lambda g: sparse.step(w, g),
        "bound": bound.step,
        "nested": lambda g: sparse.step(tree, {"a": [g]}),
        "nested bound": lambda g: bound.step({"a": [g]}),
        "apply": lambda g: sparse.apply([g], [w]),
        "apply_gradients": lambda g: sparse.apply_gradients([(g, w)]),
    }[way]
    for g in gradients:
        step(g)
        dense.step(v, g.to_dense())
    sparse.flush()
    equal(sparse, w, dense, v)


@pytest.mark.parametrize(
    "lay", [np.asfortranarray, lambda w: np.repeat(w, 2, 1)[:, ::2]], ids=["Fortran", "every other"]
)
def test_parameters_in_any_layout(new, dtype, lay):
    w, gradients = draws((50, 6), dtype)
    v, w = w.copy(), lay(w)
    assert not w.flags.c_contiguous
    sparse, dense = new(), new()
    for g in gradients:
        sparse.step(w, g)
        dense.step(v, g.to_dense())
    sparse.flush()
    equal(sparse, w, dense, v)


@pytest.mark.parametrize("make", [optimizers.Adam, optimizers.AdamW, optimizers.Ftrl])
def test_more_missed_steps_than_are_kept(make, dtype):
    w = np.linspace(-1, 1, 15, dtype=dtype).reshape(5, 3)
    v, sparse, dense = w.copy(), make(), make()
    rng = np.random.default_rng(0)
    bound, whole = sparse.bind(w), dense.bind(v)
    for t in range(4500):
        g = gs.RowSparse(
            [0, 1] if t % 1500 == 7 else [0],
            rng.standard_normal((2, 3))[: 2 if t % 1500 == 7 else 1].astype(dtype),
            w.shape,
        )
        bound.step(g)
        whole.step(g.to_dense())
    sparse.flush()
    equal(sparse, w, dense, v)


def test_rows_that_wait_are_older_and_then_level():
    table = np.zeros((3, 1))
    optimizer = optimizers.SGD(1.0, momentum=0.5)
    for row in (0, 1):
        optimizer.step(table, gs.RowSparse([row], np.ones((1, 1)), (3, 1)))
    assert table.ravel().tolist() == [-1, -1, 0]
    for read in (optimizer.flush, optimizer.state_dict):
        read()
        assert table.ravel().tolist() == [-1.5, -1, 0]


def test_state_round_trip_goes_on_bit_for_bit(new, dtype):
    through, gradients = draws((50, 3), dtype)
    one = new()
    for g in gradients[:12]:
        one.step(through, g)
    state, halfway = one.state_dict(), through.copy()
    again, resumed = one.bind(through), new()
    bound = resumed.bind(halfway)
    resumed.load_state_dict(state)
    for g in gradients[12:]:
        again.step(g)
        bound.step(g)
    assert everything(one, through) == everything(resumed, halfway)


def test_loading_a_state_ends_what_was_missed_by_the_state_before():
    w, gradients = draws((50, 3), np.dtype("f8"))
    v, sparse, dense = w.copy(), optimizers.Adam(), optimizers.Adam()
    sparse.bind(w)
    start = sparse.state_dict()
    for g in gradients:
        sparse.step(w, g)
        dense.step(v, g.to_dense())
    sparse.load_state_dict(start)
    dense.load_state_dict(start)
    sparse.step(w, gradients[0])
    dense.step(v, gradients[0].to_dense())
    equal(sparse, w, dense, v)


def test_fit_goes_on_from_rows_that_are_level():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 20), dtype="f4"), rng.standard_normal((64, 3), dtype="f4")
    g = gs.RowSparse([3, 5], np.ones((2, 3), "f4"), (20, 3))

    def train(as_rows):
        gs.utils.set_random_seed(1)
        model = gs.Sequential([gs.layers.Input((20,)), gs.layers.Dense(3)])
        model.compile(gs.optimizers.SGD(0.01, momentum=0.9), "mse")
        model.fit(x, y, batch_size=16, epochs=1, verbose=0, shuffle=False)
        for _ in range(3):
            model.optimizer.step(model.weights[0], g if as_rows else g.to_dense())
        model.fit(x, y, batch_size=16, epochs=1, verbose=0, shuffle=False)
        return model.get_weights()[0]

    np.testing.assert_array_equal(train(True), train(False))


# -- threads and instruction sets --------------------------------------------------------------------------------------


def run_large(make):
    """Past the size from which more than one thread works: in a step, and in what ends it."""
    rng = np.random.default_rng(0)
    w, optimizer = rng.standard_normal((30_000, 16), dtype="f4"), make()
    bound = optimizer.bind(w)
    for _ in range(5):
        rows = rng.integers(0, 20_000, 9000)
        bound.step(gs.RowSparse(rows, rng.standard_normal((9000, 16), dtype="f4"), w.shape))
    return w.tobytes() + everything(optimizer, w)


@pytest.fixture(scope="module")
def on_one_thread():
    before = _core.get_num_threads()
    _core.set_num_threads(1)
    yield {make: run_large(make) for make in (optimizers.Adam, optimizers.AdamW)}
    _core.set_num_threads(before)


@pytest.mark.parametrize("make", [optimizers.Adam, optimizers.AdamW])
def test_same_bits_on_any_number_of_threads(make, on_one_thread, threads):
    assert run_large(make) == on_one_thread[make]


@pytest.mark.parametrize("make", [optimizers.Adam, optimizers.AdamW])
def test_same_bits_on_every_isa(make, on_one_thread, isa):
    assert run_large(make) == on_one_thread[make]


# -- lazy --------------------------------------------------------------------------------------------------------------


def test_lazily_other_rows_and_their_state_stay(new, dtype):
    w, gradients = draws((50, 3), dtype)
    optimizer = new(lazy=True)
    optimizer.bind(w)
    for g in gradients:
        before, state = w.copy(), optimizer.state_dict()
        optimizer.step(w, g)
        spared = np.setdiff1d(np.arange(50), g.rows)
        after = optimizer.state_dict()
        assert w[spared].tobytes() == before[spared].tobytes()
        for key, array in state.items():
            if key.startswith("0."):
                assert after[key][spared].tobytes() == array[spared].tobytes()
        assert len(g.rows) == 0 or (w != before).any()


def test_lazily_rows_that_are_always_there_move_as_densely(new, dtype):
    w, gradients = draws((50, 3), dtype)
    v, kept = w[[4, 40]].copy(), w.copy()
    lazy, dense = new(lazy=True, clipvalue=0.5), new(clipvalue=0.5)
    for g in gradients:
        values = g.to_dense()[[0, 1]]
        lazy.step(w, gs.RowSparse([40, 4], values[::-1], w.shape))
        dense.step(v, values)
    np.testing.assert_array_equal(w[[4, 40]], v)
    np.testing.assert_array_equal(np.delete(w, [4, 40], 0), np.delete(kept, [4, 40], 0))


def lazy_adam(w, gradients, learning_rate, beta_1, beta_2, epsilon):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        rows, dense = np.unique(g.rows), g.to_dense()
        m[rows] = beta_1 * m[rows] + (1 - beta_1) * dense[rows]
        v[rows] = beta_2 * v[rows] + (1 - beta_2) * dense[rows] ** 2
        rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w[rows] -= rate * m[rows] / (np.sqrt(v[rows]) + epsilon)
    return w


def test_lazy_adam_is_its_formula_over_the_rows():
    w, gradients = draws((50, 3), np.dtype("f8"))
    end = lazy_adam(w.copy(), gradients, 0.01, 0.9, 0.999, 1e-8)
    optimizer = optimizers.Adam(0.01, epsilon=1e-8, lazy=True)
    for g in gradients:
        optimizer.step(w, g)
    np.testing.assert_allclose(w, end, rtol=1e-13, atol=1e-15)  # 25 steps, each rounded otherwise


def test_lazy_adam_is_torchs_sparse_adam():
    torch = pytest.importorskip("torch")
    w, gradients = draws((50, 3), np.dtype("f8"))
    gradients = [g for g in gradients if len(g.rows)]
    theirs = torch.nn.Parameter(torch.tensor(w))
    peer, ours = torch.optim.SparseAdam([theirs], lr=0.01, eps=1e-8), optimizers.Adam(0.01, epsilon=1e-8, lazy=True)
    for g in gradients:
        theirs.grad = torch.sparse_coo_tensor(torch.tensor(g.rows[None]), torch.tensor(g.values), g.shape)
        peer.step()
        ours.step(w, g)
    np.testing.assert_allclose(w, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_lazy_is_said_once():
    optimizer = optimizers.Adam(lazy=True)
    assert optimizer.get_config()["lazy"] is True
    assert optimizers.Adam.from_config(optimizer.get_config()).lazy is True
    with pytest.raises(AttributeError, match="lazy holds for good"):
        optimizer.lazy = False
    with pytest.raises(TypeError, match="lazy must be True or False; got 1"):
        optimizers.Adam(lazy=1)


# -- CSR matrices ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csr_array", "csr_matrix"])
def test_a_csr_matrix_is_a_gradient(dtype, kind):
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(0)
    w = rng.standard_normal((40, 7)).astype(dtype)
    v, by_rows, dense = w.copy(), optimizers.Adam(), optimizers.Adam()
    bound = by_rows.bind([w])
    for step in range(15):
        whole = rng.standard_normal(w.shape).astype(dtype) * (rng.random(w.shape) < 0.04)
        matrix = getattr(sparse, kind)(whole)
        assert matrix.dtype == dtype
        if step % 2:
            bound.step([matrix])
        else:
            by_rows.step([w], [matrix])
        dense.step(v, whole)
    by_rows.flush()
    equal(by_rows, w, dense, v)


def test_rows_of_a_csr_matrix():
    sparse = pytest.importorskip("scipy.sparse")
    # Row 1 holds a stored 0, row 3 has an element twice.
    matrix = sparse.csr_array((np.array([0.0, 2.0, 3.0, 4.0]), [0, 1, 1, 0], [0, 0, 1, 1, 4]), shape=(4, 2))
    rows = gs.RowSparse.from_csr(matrix)
    assert rows.rows.tolist() == [1, 3]
    assert rows.values.tolist() == [[0, 0], [4, 5]]
    assert rows.shape == (4, 2)
    with pytest.raises(TypeError, match=r"^matrix must be in SciPy's CSR format; got"):
        gs.RowSparse.from_csr(matrix.tocsc())


def test_other_sparse_matrices_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    w, optimizer = np.ones((2, 2)), optimizers.Adam()
    bound, before = optimizer.bind([w]), everything(optimizer, w)
    for matrix in (sparse.csc_array(np.eye(2)), sparse.coo_array(np.eye(2))):
        for step in (lambda m: bound.step([m]), lambda m: optimizer.step([w], [m])):
            with pytest.raises(TypeError, match=r"^gradients\[0\] must be an array or None.* CSR: \.tocsr\(\)\.$"):
                step(matrix)
    with pytest.raises(TypeError, match=r"^gradients\[0\] must be float32 or float64; got int"):
        bound.step([sparse.csr_array(np.eye(2, dtype=int))])
    with pytest.raises(ValueError, match=r"^gradients\[0\] has shape \(3, 3\); its parameter has shape \(2, 2\)"):
        bound.step([sparse.csr_array(np.eye(3))])
    assert everything(optimizer, w) == before


# -- what is not taken -------------------------------------------------------------------------------------------------


def test_a_row_sparse_gradient_checks_itself():
    ones = np.ones((2, 3))
    for error, message, arguments in [
        (ValueError, r"rows must be from 0 to 3; rows\[1\] is 4", ([0, 4], ones, (4, 3))),
        (ValueError, r"rows must be from 0 to 3; rows\[0\] is -1", ([-1, 0], ones, (4, 3))),
        (ValueError, r"rows must have one axis; got shape \(1, 2\)", ([[0, 1]], ones, (4, 3))),
        (TypeError, "rows must be integers; got an array of float64", ([0.0, 1.0], ones, (4, 3))),
        (TypeError, "rows must be integers; got an array of bool", (np.array([True, False]), ones, (4, 3))),
        (TypeError, "rows must be an array; got", (3, ones, (4, 3))),
        (ValueError, r"values must have shape \(2, 5\).*got \(2, 3\)", ([0, 1], ones, (4, 5))),
        (ValueError, r"values must have shape \(1, 3\).*got \(2, 3\)", ([0], ones, (4, 3))),
        (TypeError, "values must be float32 or float64; got int64", ([0, 1], ones.astype(int), (4, 3))),
        (TypeError, "values must be float32 or float64; got >f8", ([0, 1], ones.astype(">f8"), (4, 3))),
        (TypeError, "values must be an array; got", ([0, 1], [[1.0]], (4, 3))),
        (TypeError, "shape must be a tuple of ints; got 4", ([0, 1], ones, 4)),
        (TypeError, "shape must be a tuple of ints", ([0, 1], ones, (4.0, 3))),
        (ValueError, r"shape must have at least one axis.*got \(\)", ([0, 1], ones, ())),
    ]:
        with pytest.raises(error, match=f"^{message}"):
            gs.RowSparse(*arguments)


def test_rows_are_copied_and_values_are_not():
    rows, values = np.array([1, 1, 0], np.uint8), np.ones((3, 2), "f4")
    g = gs.RowSparse(rows, values, (2, 2))
    rows[:] = 7
    assert g.rows.dtype == np.int64
    assert np.shares_memory(g.values, values)
    assert g.to_dense().tolist() == [[1, 1], [2, 2]]
    assert repr(g) == "RowSparse(3 rows of (2, 2), float32)"
    assert gs.RowSparse([], np.ones((0, 2)), (0, 2)).to_dense().shape == (0, 2)


def forged(**changes):
    g = gs.RowSparse([0, 1], np.ones((2, 3)), (4, 3))
    for name, value in changes.items():
        setattr(g, name, value)
    return g


REFUSED = {
    "shape": (
        ValueError,
        r"has shape \(5, 3\); its parameter has shape \(4, 3\)",
        gs.RowSparse([0], np.ones((1, 3)), (5, 3)),
    ),
    "dtype": (TypeError, "is float32; its parameter is float64", gs.RowSparse([0], np.ones((1, 3), "f4"), (4, 3))),
    "a row beyond": (ValueError, r"has a row 4; rows must be in \[0, 4\)", forged(rows=np.array([0, 4]))),
    "a row before": (ValueError, r"has a row -1; rows must be in \[0, 4\)", forged(rows=np.array([0, -1]))),
    "rows of other integers": (TypeError, "must have rows and values as", forged(rows=np.array([0, 1], "i4"))),
    "rows with gaps": (TypeError, "must have rows and values as", forged(rows=np.arange(4)[::2])),
    "too few values": (TypeError, "must have rows and values as", forged(values=np.ones((1, 3)))),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("known", [False, True], ids=["first step", "later step"])
def test_a_bad_one_changes_nothing(case, known):
    error, message, bad = REFUSED[case]
    w, h, table, optimizer = np.ones(3), np.ones(3), np.ones((4, 3)), optimizers.Adam()
    good = gs.RowSparse([1, 0], np.ones((2, 3)), (4, 3))
    if known:
        optimizer.step([w, table], [h, good])
    before = everything(optimizer, w, table)
    with pytest.raises(error, match=rf"^gradients\[1\] {message}"):
        optimizer.step([w, table], [h, bad])
    assert everything(optimizer, w, table) == before
    optimizer.step([w, table], [h, good])


def test_values_must_not_be_the_parameter():
    w, optimizer = np.ones((4, 3)), optimizers.Adam()
    with pytest.raises(ValueError, match=r"^gradient must not overlap a parameter"):
        optimizer.step(w, gs.RowSparse([0, 1], w[:2], w.shape))
    assert (w == 1).all()


@pytest.mark.parametrize(
    "options", [{"use_ema": True}, {"gradient_accumulation_steps": 2}, {"state_dtype": "bfloat16"}], ids=str
)
@pytest.mark.parametrize("lazy", [False, True])
def test_options_that_concern_every_element_refuse(options, lazy):
    w, optimizer = np.ones((4, 3), "f4"), optimizers.Adam(lazy=lazy, **options)
    with pytest.raises(ValueError, match=f"^gradient must be dense with {next(iter(options))}, .*to_dense"):
        optimizer.step(w, gs.RowSparse([0], np.ones((1, 3), "f4"), w.shape))
    assert (w == 1).all()
    optimizer.step(w, np.ones_like(w))


def test_a_parameter_without_axes_or_of_a_half_type_refuses():
    with pytest.raises(ValueError, match=r"a parameter of shape .. has no rows"):
        optimizers.Adam().step(np.array(1.0), forged(shape=()))
    with pytest.raises(TypeError, match=r"^gradient must be dense for a parameter of float16"):
        optimizers.Adam().step(np.ones((4, 3), "f2"), gs.RowSparse([0], np.ones((1, 3), "f4"), (4, 3)))


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_on_nonfinite(value):
    w, values = np.ones((4, 3)), np.ones((2, 3))
    values[1, 2] = value
    good, bad = gs.RowSparse([1], np.ones((1, 3)), w.shape), gs.RowSparse([2, 0], values, w.shape)
    for word in ("skip", "raise"):
        optimizer = optimizers.Adam(on_nonfinite=word)
        optimizer.step(w, good)
        before = everything(optimizer, w)
        if word == "raise":
            with pytest.raises(FloatingPointError, match=r"^gradient must be finite"):
                optimizer.step(w, bad)
        else:
            optimizer.step(w, bad)
            assert optimizer.skipped_steps == 1
        assert everything(optimizer, w) == before
