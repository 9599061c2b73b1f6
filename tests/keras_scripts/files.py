"""A model goes to files and texts and comes back: whole, as weights, as a config."""

import os

import keras
import numpy as np

random = np.random.default_rng(7)
x = random.normal(size=(200, 6)).astype("float32")
y = x @ random.normal(size=(6, 2)).astype("float32")


def build():
    keras.utils.clear_session()
    return keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(10, activation=keras.activations.relu, name="first"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dense(2, kernel_initializer=keras.initializers.HeNormal(), name="last"),
        ],
        name="line",
    )


def train(model, folder):
    whole, weights = os.path.join(folder, "model.keras"), os.path.join(folder, "model.weights.h5")
    options = {"batch_size": 32, "verbose": 0, "shuffle": False}
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)), loss="mse"
    )
    answer = {"first": model.fit(x, y, epochs=3, **options).history}
    model.save(whole)
    model.save_weights(weights)

    again = keras.models.load_model(whole)
    answer["loaded"] = again.predict(x[:5], verbose=0)
    answer["goes on"] = again.fit(x, y, initial_epoch=3, epochs=5, **options).history
    answer["goes on here"] = model.fit(x, y, initial_epoch=3, epochs=5, **options).history

    described = keras.models.model_from_json(model.to_json())
    described.load_weights(weights)
    answer["described"] = described.predict(x[:5], verbose=0)
    made = keras.Sequential.from_config(model.get_config())
    made.set_weights(model.get_weights())
    made.compile("sgd", "mae")
    answer["made"] = made.evaluate(x, y, verbose=0)
    answer["copy"] = [list(w.shape) for w in keras.models.clone_model(model).get_weights()]
    answer["names"] = [layer.name for layer in model.layers]
    answer["counts"] = [model.count_params(), [layer.count_params() for layer in model.layers]]

    again.get_layer("first").trainable = False
    again.compile(optimizer="sgd", loss="mse")
    answer["frozen"] = again.fit(x, y, epochs=2, **options).history
    answer["normalized"] = keras.utils.normalize(x[:5], order=1)
    answer["weights"] = [len(again.trainable_weights), len(again.non_trainable_weights), *again.get_weights()]
    return answer
