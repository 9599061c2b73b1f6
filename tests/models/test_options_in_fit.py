"""What an optimizer is asked for beside its rule holds in `fit`: the same bits as the same steps by hand."""

from __future__ import annotations

import gradstep as gs
import numpy as np
import pytest
from gradstep import _core, layers, optimizers

OPTIONS = {
    "decay": {"weight_decay": 0.1},
    "clipnorm": {"clipnorm": 0.05},
    "clipvalue": {"clipvalue": 0.001},
    "global clipnorm": {"global_clipnorm": 0.05},
    "averages": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    "accumulation": {"gradient_accumulation_steps": 3, "clipnorm": 0.05},
    "loss scale": {"loss_scale_factor": 4.0},
    "guarded": {"on_nonfinite": "skip", "clipvalue": 0.01, "use_ema": True},
    "bfloat16 state": {"state_dtype": "bfloat16"},
    "int8 state": {"state_dtype": "int8", "weight_decay": 0.1},
}
ROWS, BATCH = 130, 20  # the last batch is short


def data(dtype, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((ROWS, 70)).astype(dtype), rng.standard_normal((ROWS, 3)).astype(dtype)


def network(optimizer, dtype):
    # 70 x 300 is more than a block of what is staged, and rows of 300 are no whole blocks of 256.
    model = gs.Sequential(
        [
            layers.Dense(300, "tanh", input_shape=(70,), dtype=str(dtype), kernel_initializer=start(1)),
            layers.Dense(3, dtype=str(dtype), kernel_initializer=start(2)),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def start(seed):
    return gs.initializers.GlorotUniform(seed=seed)


def by_hand(make, dtype, epochs):
    model, optimizer = network("sgd", dtype), make()
    x, y = data(dtype)
    for _ in range(epochs):
        for begin in range(0, ROWS, BATCH):
            _, grads = model.value_and_grad(x[begin : begin + BATCH], y[begin : begin + BATCH])
            optimizer.step(model.weights, grads)
    optimizer.finalize_variable_values(model.weights)
    return model, optimizer


@pytest.mark.parametrize("rule", ["Adam", "SGD", "Lamb"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("threads", [1, 2])
def test_fit_takes_the_same_steps(rule, options, dtype, threads):
    if "state_dtype" in options and dtype == "float64":
        pytest.skip("refused for float64")

    def make():
        return getattr(optimizers, rule)(learning_rate=0.01, **options)

    before = _core.get_num_threads()
    _core.set_num_threads(threads)
    try:
        expected, optimizer = by_hand(make, dtype, 2)
        model = network(make(), dtype)
        model.fit(*data(dtype), batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    finally:
        _core.set_num_threads(before)
    assert model.optimizer.iterations == optimizer.iterations > 0
    for ours, theirs in zip(model.weights, expected.weights, strict=True):
        assert ours.tobytes() == theirs.tobytes()
    state, other = model.optimizer.state_dict(), optimizer.state_dict()
    assert all(state[key].tobytes() == other[key].tobytes() for key in state)


def test_biases_are_found_by_name():
    x, y = data("float32")
    adam = optimizers.SGD(0.01, weight_decay=0.5)
    adam.exclude_from_weight_decay(var_names=["bias"])
    model = network(adam, "float32")
    plain = network(optimizers.SGD(0.01), "float32")
    for each in (model, plain):
        for weight in each.weights:
            weight[...] = 1
        each.fit(x[:BATCH], y[:BATCH], batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    for ours, theirs, decays in zip(model.weights, plain.weights, [True, False] * 2, strict=True):
        assert (ours.tobytes() != theirs.tobytes()) == decays


def test_a_gradient_that_is_not_finite_is_skipped_or_an_error():
    x, y = data("float32")
    x[25, 3] = np.nan  # in the second batch
    model = network(optimizers.Adam(on_nonfinite="skip"), "float32")
    model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    assert model.optimizer.skipped_steps == 1
    assert model.optimizer.iterations == 6
    assert all(np.isfinite(weight).all() for weight in model.weights)
    model = network(optimizers.Adam(on_nonfinite="raise"), "float32")
    with pytest.raises(FloatingPointError, match=r"gradients\[0\] must be finite"):
        model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    assert model.optimizer.iterations == 1
    assert all(np.isfinite(weight).all() for weight in model.weights)


def test_a_clip_that_a_callback_sets_holds_from_then_on():
    class Clip(gs.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.optimizer.global_clipnorm = 1e-6

    x, y = data("float32")
    model = network(optimizers.SGD(0.1), "float32")
    moved = []

    class Watch(gs.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.before = [w.copy() for w in self.model.weights]

        def on_epoch_end(self, epoch, logs=None):
            moved.append(max(abs(w - b).max() for w, b in zip(self.model.weights, self.before, strict=True)))

    model.fit(x, y, batch_size=BATCH, epochs=2, verbose=0, callbacks=[Clip(), Watch()])
    assert moved[0] > 1e-4
    assert 0 < moved[1] < 1e-6
