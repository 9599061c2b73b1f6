"""Code as articles about Keras have it, with only the import changed."""

from __future__ import annotations

import gradstep
import numpy as np
import pytest

random = np.random.default_rng(0)
X_train = random.normal(size=(120, 8))
y_binary = (X_train[:, 0] + X_train[:, 1] > 0).astype(int)
y_classes = np.argmax(X_train[:, :3], axis=1)


def test_sgd_with_momentum(capsys):
    from gradstep.layers import Dense
    from gradstep.models import Sequential
    from gradstep.optimizers import SGD
    from gradstep.utils import to_categorical

    y_train = to_categorical(y_classes, num_classes=3)
    model = Sequential()
    model.add(Dense(16, input_dim=8, activation="relu"))
    model.add(Dense(3, activation="softmax"))
    optimizer = SGD(learning_rate=0.01, momentum=0.9)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(X_train, y_train, epochs=10, batch_size=32)
    assert capsys.readouterr().out.count("\n") == 10
    loss, accuracy = model.evaluate(X_train, y_train)
    assert loss < 1.1
    assert accuracy > 0.5


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "adagrad", "adamw", "lion", "Adam", "SGD"])
def test_names_of_optimizers(optimizer):
    from gradstep.layers import Dense
    from gradstep.models import Sequential

    model = Sequential([Dense(12, input_shape=(8,), activation="relu"), Dense(1, activation="sigmoid")])
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(X_train, y_binary, epochs=10, batch_size=32, validation_split=0.2, verbose=0)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    predictions = (model.predict(X_train) > 0.5).astype(int)
    assert predictions.shape == (120, 1)


def test_metric_is_a_type_error_that_says_metrics():
    model = gradstep.Sequential([gradstep.layers.Dense(1)])
    with pytest.raises(TypeError, match="metrics"):
        model.compile(optimizer="sgd", loss="binary_crossentropy", metric=["accuracy"])


def test_a_plain_keras_script():
    import gradstep as keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input(shape=(8,)),
            keras.layers.Dense(32, activation="relu", kernel_initializer="he_normal"),
            keras.layers.Dense(16),
            keras.layers.Activation("tanh"),
            keras.layers.Dense(3),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.summary()
    history = model.fit(
        x=X_train, y=y_classes, batch_size=16, epochs=30, validation_data=(X_train, y_classes), verbose=2, shuffle=True
    )
    assert history.history["accuracy"][-1] > 0.9
    results = model.evaluate(X_train, y_classes, verbose=0)
    assert results[1] > 0.9
    assert model.predict(X_train[:5]).shape == (5, 3)
    weights = model.get_weights()
    model.set_weights(weights)
    assert model.layers[0].get_weights()[0].shape == (8, 32)


def test_learning_rates_of_articles():
    """The optimizer in a loop of one's own, as written in the issue."""
    for make in (lambda: np.ones(5), lambda: np.ones(10)[::2], lambda: np.ones(5, np.float32)):
        w = make()
        opt = gradstep.optimizers.Adam(learning_rate=0.1)
        [opt.step(w, 2 * w) for _ in range(500)]
        assert abs(w).max() < 1e-6
    for pack, grads in ((lambda w: [w], lambda w: [2 * w]), (lambda w: {"w": w}, lambda w: {"w": 2 * w})):
        w = np.ones(5)
        opt = gradstep.optimizers.Adam(learning_rate=0.1)
        [opt.step(pack(w), grads(w)) for _ in range(500)]
        assert abs(w).max() < 1e-6
