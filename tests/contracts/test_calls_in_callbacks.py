"""What a callback calls in the midst of a pass changes neither the numbers of the pass nor its end."""

import gradstep as gs
import numpy as np
import pytest

rng = np.random.default_rng(5)
X = rng.normal(size=(40, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.float32)


class Total(gs.metrics.Metric):
    """The sum of the outputs, which a metric in Python alone computes."""

    def __init__(self):
        super().__init__(name="total")
        self.sum = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.sum = self.sum + float(np.sum(y_pred))

    def result(self):
        return self.sum

    def reset_state(self):
        self.sum = 0.0


def network():
    gs.utils.set_random_seed(3)
    layers = [gs.layers.Dense(6, "tanh"), gs.layers.BatchNormalization(), gs.layers.Dropout(0.3)]
    model = gs.Sequential([gs.Input((4,)), *layers, gs.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", gs.metrics.AUC(name="auc"), Total()])
    return model


def batches(size):
    return [(X[i : i + size], Y[i : i + size]) for i in range(0, len(X), size)]


class Batches(gs.utils.PyDataset):
    def __len__(self):
        return len(batches(8))

    def __getitem__(self, index):
        return batches(8)[index]


class Calling(gs.callbacks.Callback):
    """Calls something at the end of every batch of every kind of pass, but not within that call again."""

    def __init__(self, call):
        super().__init__()
        self.call, self.inside, self.calls = call, False, 0

    def on_train_batch_end(self, batch, logs=None):
        if not self.inside:
            self.inside = True
            self.call(self.model)
            self.inside, self.calls = False, self.calls + 1

    on_test_batch_end = on_predict_batch_end = on_train_batch_end


CALLS = {
    "evaluate": lambda model: model.evaluate(X[:9], Y[:9], batch_size=4, verbose=0),
    "evaluate-batches": lambda model: model.evaluate(iter(batches(5)), verbose=0),
    "evaluate-with-callback": lambda model: model.evaluate(X, Y, verbose=0, callbacks=[Calling(CALLS["evaluate"])]),
    "test_on_batch": lambda model: model.test_on_batch(X[:7], Y[:7]),
    "predict": lambda model: model.predict(X, batch_size=8, verbose=0),
    "predict_on_batch": lambda model: model.predict_on_batch(X[:3]),
    "call": lambda model: model(X[:3]),
    "get_weights": lambda model: model.get_weights(),
    "state": lambda model: model.optimizer.state_dict(),
    "config": lambda model: model.to_json(),
}


def passes(data, call=None):
    """Logs, scores, outputs and weights of a training run, whose callback calls this."""
    model = network()
    callbacks = [] if call is None else [Calling(call)]
    given, size = ((X, Y), 8) if data == "arrays" else ((Batches(),), None)
    options = {"verbose": 0, "callbacks": callbacks}
    logs = model.fit(
        *given,
        batch_size=size,
        epochs=2,
        shuffle=False,
        validation_data=(X[:24], Y[:24]),
        validation_batch_size=8,
        **options,
    ).history
    scores = model.evaluate(*given, batch_size=size, **options)
    outputs = model.predict(X, batch_size=8, **options)
    if call is not None:
        assert callbacks[0].calls == 2 * (5 + 3) + 5 + 5
    return logs, scores, outputs.tobytes(), [weight.tobytes() for weight in model.get_weights()]


@pytest.mark.parametrize("data", ["arrays", "batches"])
def test_calls_in_batch_callbacks_leave_the_pass_as_it_was(data):
    alone = passes(data)
    assert 0 < alone[0]["auc"][0] < 1
    for name, call in CALLS.items():
        assert passes(data, call) == alone, name


def test_scores_within_a_pass_are_those_outside_of_it():
    model, seen = network(), []
    model.fit(X, Y, verbose=0, batch_size=8, callbacks=[Calling(lambda model: seen.append(CALLS["evaluate"](model)))])
    assert seen[-1] == CALLS["evaluate"](model)


def test_fit_in_a_callback_leaves_history_and_end_of_the_outer_one():
    model = network()
    inner = []

    class Nested(gs.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            stop = gs.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=10)
            inner.append(self.model.fit(X, Y, epochs=5, verbose=0, seed=epoch, callbacks=[stop]))

    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[Nested()])
    assert history is model.history
    assert history.epoch == [0, 1, 2]
    assert [one.epoch for one in inner] == [[0, 1]] * 3
    assert model.optimizer.iterations == 2 * (3 + 2 * 3)


def test_a_stop_that_was_asked_for_is_kept_over_a_fit_in_the_callback():
    model = network()

    class Stopping(gs.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1
            self.model.fit(X, Y, verbose=0)

    assert model.fit(X, Y, epochs=5, verbose=0, callbacks=[Stopping()]).epoch == [0, 1]
