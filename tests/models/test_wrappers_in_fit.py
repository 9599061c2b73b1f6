"""Optimizers that are made of others train models as the same steps by hand do."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import layers
from gradstep.optimizers import SAM, SGD, Adam, Lookahead, MultiOptimizer, Muon
from python_calls import python_calls
from snapshot import everything

BATCH, BATCHES = 20, 4  # the last one is short


def data(inputs=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((70, inputs)), rng.standard_normal((70, 2))


def network(optimizer, width=7, dtype="float64"):
    model = gs.Sequential(
        [
            layers.Dense(width, "tanh", input_shape=(5,), dtype=dtype, kernel_initializer=start(1), name="first"),
            layers.Dense(width, "tanh", dtype=dtype, kernel_initializer=start(2), name="second"),
            layers.Dense(2, dtype=dtype, kernel_initializer=start(3), name="last"),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def start(seed):
    return gs.initializers.GlorotUniform(seed=seed)


def take_step(optimizer, params, gradients):
    """One step by hand; gradients() are those at the values that the weights have."""
    optimizer.step(params, (lambda _: gradients()) if isinstance(optimizer, SAM) else gradients())


def batches(model, x, y):
    """What gives the gradients of each batch, by the names of the weights."""
    for begin in range(0, len(x), BATCH):
        part = x[begin : begin + BATCH], y[begin : begin + BATCH]
        yield lambda part=part: dict(zip(model.weight_names, model.value_and_grad(*part)[1], strict=True))


def weights_of(model):
    return dict(zip(model.weight_names, model.weights, strict=True))


def same(model, expected, optimizer):
    assert everything(model.optimizer, *model.weights) == everything(optimizer, *expected.weights)
    assert model.optimizer.iterations == optimizer.iterations
    assert model.optimizer.skipped_steps == optimizer.skipped_steps


KINDS = {
    "Lookahead": lambda: Lookahead(Adam(0.01), sync_period=3),
    "Lookahead that adds gradients up": lambda: Lookahead(SGD(0.1, gradient_accumulation_steps=2), sync_period=2),
    "Lookahead by a schedule": lambda: Lookahead(SGD(gs.optimizers.schedules.CosineDecay(0.5, 8)), sync_period=2),
    "Lookahead with an average": lambda: Lookahead(Adam(0.1, use_ema=True, ema_overwrite_frequency=3), sync_period=2),
    "Lookahead twice": lambda: Lookahead(Lookahead(SGD(0.1, 0.9), sync_period=2), sync_period=3, slow_step_size=0.25),
    "SAM": lambda: SAM(SGD(0.1, momentum=0.9), rho=0.1),
    "SAM that clips": lambda: SAM(Adam(0.1, global_clipnorm=0.1), rho=0.5, adaptive=True),
    "SAM that adds gradients up": lambda: SAM(SGD(0.1, gradient_accumulation_steps=3), rho=0.1),
    "MultiOptimizer": lambda: MultiOptimizer({"*/bias": SGD(0.1), "*": Adam(0.01)}),
    "MultiOptimizer of whole gradients": lambda: MultiOptimizer(
        {"*/bias": SGD(0.1, clipnorm=0.1), "*kernel": Muon(0.05), "nothing": Adam()}
    ),
    "MultiOptimizer of Lookaheads": lambda: MultiOptimizer(
        {"*/bias": Lookahead(SGD(0.1, 0.9), sync_period=2), "*": Lookahead("adam", sync_period=3)}
    ),
    "all of them": lambda: SAM(
        Lookahead(MultiOptimizer({"*bias": Lookahead(SGD(0.1), 2), "*": Adam(0.01, use_ema=True)}), sync_period=3),
        rho=0.2,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", ["float64", "float32", "wide"])
def test_fit_takes_the_steps_that_one_takes_by_hand(kind, case):
    """To the bit; it goes on where it was; and at three threads, of which wide layers use all."""
    before = gs.get_num_threads()
    of = {"dtype": case} if case != "wide" else {"dtype": "float32", "width": 300}
    optimizer = KINDS[kind]()
    expected, model = network("sgd", **of), network(KINDS[kind](), **of)
    x, y = (array.astype(of["dtype"]) for array in data())
    for _ in range(2):
        for gradients in batches(expected, x, y):
            take_step(optimizer, weights_of(expected), gradients)
        optimizer.finalize_variable_values(expected.weights)  # as fit does
    try:
        gs.set_num_threads(3 if case == "wide" else 1)
        for _ in range(2):
            model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    finally:
        gs.set_num_threads(before)
    same(model, expected, optimizer)


class Turns(gs.callbacks.Callback):
    """Sets numbers of the optimizer before each batch."""

    def on_train_batch_begin(self, batch, logs=None):
        turn(self.model.optimizer, batch)


def turn(optimizer, batch):
    optimizer.learning_rate = 0.1 / (batch + 1)
    for name, value in (("rho", 0.05 * batch), ("slow_step_size", 1 / (batch + 2))):
        if name in optimizer._numbers():
            setattr(optimizer, name, value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SAM(Adam(0.1)),
        lambda: Lookahead(Adam(0.1), sync_period=2),
        lambda: MultiOptimizer({"*bias": SGD(0.2), "*": Adam(0.1)}),
    ],
    ids=["SAM", "Lookahead", "MultiOptimizer"],
)
def test_numbers_that_callbacks_set_count_from_the_next_batch_on(make):
    optimizer, (x, y) = make(), data()
    expected, model = network("sgd"), network(make())
    for batch, gradients in enumerate(batches(expected, x, y)):
        turn(optimizer, batch)
        take_step(optimizer, weights_of(expected), gradients)
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[Turns()])
    same(model, expected, optimizer)


# Norms of all gradients are sums in one order, though groups come by hand in another than layers in `fit`.
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "make",
    [lambda: SAM(Adam(0.1)), lambda: Lookahead(Adam(0.1), sync_period=2), lambda: Adam(0.1, global_clipnorm=0.1)],
)
def test_groups_keep_numbers_of_their_own(make, seed):
    def bound(model):
        optimizer, kernels = make(), [layer.kernel for layer in model.layers]
        optimizer.bind([{"params": kernels, "learning_rate": 0.5}, {"params": [layer.bias for layer in model.layers]}])
        return optimizer

    expected, model, (x, y) = network("sgd"), network("sgd"), data(seed=seed)
    model.compile(bound(model), "mse")
    optimizer = bound(expected)
    for gradients in batches(expected, x, y):
        take_step(optimizer, weights_of(expected), gradients)
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
    same(model, expected, optimizer)


def test_weights_without_a_gradient_meet_too():
    (x, y), fits = data(), {"batch_size": BATCH, "shuffle": False, "verbose": 0}
    model = network(Lookahead(SGD(0.1), sync_period=3))
    model.fit(x, y, **fits)  # four steps: the walk is one step long
    frozen = model.layers[0]
    frozen.trainable = False
    model.compile(model.optimizer, "mse")
    fast, slow = frozen.kernel.copy(), model.optimizer.state_dict()["0.slow"]
    assert (fast != slow).any()
    model.fit(x, y, **fits)
    expected = slow + 0.5 * (fast - slow)
    assert frozen.kernel.tobytes() == expected.tobytes() == model.optimizer.state_dict()["0.slow"].tobytes()


def test_rows_that_missed_steps_have_caught_up_first():
    """Of an array beside the model's, which meets at its steps too."""
    found = []
    for as_rows in (True, False):
        model, table, (x, y) = network(Lookahead(SGD(0.5, momentum=0.9), sync_period=3)), np.ones((5, 2)), data()
        bound = model.optimizer.bind({"table": table, **weights_of(model)})
        for rows in ([0, 1], [2]):
            gradient = gs.RowSparse(rows, np.ones((len(rows), 2)), table.shape)
            if not as_rows:
                gradient = np.isin(np.arange(5), rows)[:, None] * np.ones((5, 2))
            bound.step({"table": gradient, **dict.fromkeys(weights_of(model))})
        model.train_on_batch(x, y)
        found.append(everything(model.optimizer, table, *model.weights))
    assert found[0] == found[1]


@pytest.mark.parametrize("around", [lambda inner: inner, Lookahead, SAM], ids=["alone", "Lookahead", "SAM"])
def test_a_step_that_one_optimizer_refuses_is_taken_by_none(around):
    def make():
        kernels = SGD(0.1, on_nonfinite="raise", momentum=0.9)
        return around(MultiOptimizer({"*bias": Adam(0.1), "last/kernel": SGD(0.1, on_nonfinite="skip"), "*": kernels}))

    (x, y), model, other = data(), network(make()), network(make())
    y[2 * BATCH] = np.inf
    with pytest.raises(FloatingPointError, match=r"gradients\[\d\] must be finite"):
        model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
    other.fit(x[: 2 * BATCH], y[: 2 * BATCH], batch_size=BATCH, shuffle=False, verbose=0)
    same(model, other, other.optimizer)


def test_one_optimizer_skips_and_the_others_step():
    def make():
        return MultiOptimizer({"*bias": SGD(0.1), "*": SGD(0.1, on_nonfinite="skip")})

    (x, y), model = data(), network(make())
    y[0] = np.nan
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
    kernels, biases = (np.concatenate([getattr(layer, name).ravel() for layer in model.layers]) for name in NAMES)
    assert np.isfinite(kernels).all()
    assert np.isnan(biases).all()
    assert model.optimizer.skipped_steps == BATCHES  # weights are not finite any more, so no gradient is


NAMES = ("kernel", "bias")


def test_a_step_that_waits_for_its_second_half_is_not_broken_into():
    model, (x, y) = network(SAM("sgd")), data()
    model.train_on_batch(x, y)
    weights = weights_of(model)
    model.optimizer.first_step(weights, {name: np.ones_like(weight) for name, weight in weights.items()})
    before = [weight.copy() for weight in model.weights]
    with pytest.raises(RuntimeError, match="first_step must be followed by second_step"):
        model.train_on_batch(x, y)
    assert all(np.array_equal(weight, kept) for weight, kept in zip(model.weights, before, strict=True))


def test_train_on_batch_and_an_unnamed_weight():
    model, (x, y) = network(Lookahead(SGD(0.1))), data()
    first, second = model.train_on_batch(x, y), model.train_on_batch(x, y)
    assert second < first
    model = network(MultiOptimizer({"*/kernel": SGD(0.1)}))
    before = [w.copy() for w in model.weights]
    with pytest.raises(ValueError, match=r"bias"):
        model.fit(x, y, verbose=0)
    assert all((w == b).all() for w, b in zip(model.weights, before, strict=True))


@pytest.mark.parametrize("kind", ["SAM", "Lookahead", "MultiOptimizer", "all of them"])
def test_no_python_runs_at_each_batch(kind):
    """As many calls for many batches as for few, but for the progress bar and Ctrl-C every 50 ms."""
    model, x = network(KINDS[kind](), dtype="float32"), np.ones((3000, 5), "f4")

    def calls(rows):
        return python_calls(model.fit, x[:rows], x[:rows, :2], batch_size=2, verbose=0)

    calls(20)
    assert calls(3000) < calls(20) + 500
