"""Row-sparse gradients: to the bit what dense ones make, at the price of the rows; or, lazily, the rows alone."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core, optimizers
from gradstep.optimizers import schedules
from rows import draws, equal
from snapshot import everything
from variants import other

# One axis, two, three; rows longer than what is moved at once, and than a chunk.
SHAPES = [(60,), (50, 3), (40, 2, 5), (6, 700), (3, 9000)]
OWN_DECAY = "has a weight_decay of its own"


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


def test_rows_are_level_where_they_are_read(new, dtype):
    """As an embedding is trained: the gradient depends on the rows that were looked up."""
    w, gradients = draws((50, 3), dtype)
    v, sparse, dense = w.copy(), new(), new()
    for g in gradients:
        sparse.flush(w, g.rows)
        np.testing.assert_array_equal(w[g.rows], v[g.rows])
        g = gs.RowSparse(g.rows, g.values + w[g.rows], w.shape)
        sparse.step(w, g)
        dense.step(v, g.to_dense())
    sparse.flush(w, np.arange(50)[::-1])
    np.testing.assert_array_equal(w, v)
    equal(sparse, w, dense, v)


def test_flush_says_what_it_takes():
    w, optimizer = np.ones((3, 2)), optimizers.Adam()
    optimizer.flush()
    optimizer.flush(w, [1])  # not known yet
    optimizer.step(w, gs.RowSparse([0], np.ones((1, 2)), w.shape))
    optimizer.step(w, gs.RowSparse([1], np.ones((1, 2)), w.shape))
    before = w.tobytes()
    for error, message, arguments in [
        (TypeError, "flush takes an array and its rows, or neither", (w,)),
        (TypeError, "flush takes an array and its rows, or neither", (None, [0])),
        (ValueError, r"rows must be from 0 to 2; rows\[1\] is 3", (w, [0, 3])),
        (TypeError, "rows must be integers", (w, [0.0])),
        (ValueError, r"array must have rows; got one of shape \(\)", (np.array(1.0), [0])),
        (TypeError, "array must be an array", ([1.0], [0])),
    ]:
        with pytest.raises(error, match=f"^{message}"):
            optimizer.flush(*arguments)
    assert w.tobytes() == before


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
