"""Rows that count differently, penalties and constraints on the weights, going on with training, part of the epochs."""

import keras
import numpy as np

random = np.random.default_rng(5)
x = random.normal(size=(330, 6)).astype("float32")
y = (np.abs(x[:, 0]) + x[:, 1] > 0.8).astype("int64") + (x[:, 2] > 1)
sample_weight = random.uniform(0.1, 3, 330).astype("float32")
sample_weight[::7] = 0


def build():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(12, kernel_regularizer="l2", bias_regularizer=keras.regularizers.L1(1e-3)),
            layers.Activation("elu"),
            layers.BatchNormalization(gamma_regularizer=keras.regularizers.L1L2(1e-4, 1e-3)),
            layers.Dense(12, activation="swish", kernel_constraint="unit_norm"),
            layers.Dense(3, kernel_regularizer=keras.regularizers.OrthogonalRegularizer(0.01)),
        ]
    )


def train(model, folder):
    model.compile(
        optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.01, clipnorm=0.5, use_ema=True, ema_momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")],
        weighted_metrics=["accuracy", keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="ce")],
    )
    options = {"batch_size": 64, "verbose": 0, "shuffle": False}
    answer = {}
    validation = (x[250:], y[250:], sample_weight[250:])
    first = model.fit(
        x[:250], y[:250], sample_weight=sample_weight[:250], epochs=3, validation_data=validation, **options
    )
    answer["rows weighted"] = first.history
    more = model.fit(
        x,
        y,
        class_weight={0: 1.0, 1: 2.0, 2: 0.5},
        initial_epoch=3,
        epochs=6,
        validation_freq=2,
        validation_data=validation[:2],
        validation_batch_size=30,
        **options,
    )
    answer["classes weighted"] = more.history
    answer["epochs"] = more.epoch
    part = model.fit(x, y, epochs=2, steps_per_epoch=3, **options)
    answer["three steps"] = part.history
    whole = model.fit(x, y, epochs=1, steps_per_epoch=5, shuffle=False, verbose=0)  # of all rows: 66 each
    answer["five steps"] = whole.history
    answer["in two steps"] = model.evaluate(x, y, steps=2, verbose=0, return_dict=True)
    answer["one step of 40"] = model.predict(x, batch_size=40, steps=1, verbose=0)
    answer["predicted"] = model.predict(x, steps=3, verbose=0)
    answer["scores"] = model.evaluate(x, y, sample_weight=sample_weight, verbose=0, return_dict=True)
    answer["batch"] = model.test_on_batch(x[:9], y[:9], sample_weight=sample_weight[:9], return_dict=True)
    answer["weights"] = model.get_weights()
    return answer
