"""Rare frauds among transactions: class weights, BatchNormalization, and counts of what was found and missed."""

import keras
import numpy as np

random = np.random.default_rng(1)
features = random.normal(size=(1500, 12)).astype("float32") * np.geomspace(0.1, 50, 12, dtype="float32")
risk = (features / np.geomspace(0.1, 50, 12)) @ random.normal(size=12)
targets = (risk + 0.5 * random.normal(size=1500) > np.quantile(risk, 0.9)).astype("uint8")[:, None]

held_out = 300
train_features, train_targets = features[:-held_out], targets[:-held_out]
val_features, val_targets = features[-held_out:], targets[-held_out:]

negative, positive = np.bincount(train_targets[:, 0])
total = negative + positive
class_weight = {0: total / (2 * negative), 1: total / (2 * positive)}

mean, std = train_features.mean(axis=0), train_features.std(axis=0)
train_features = (train_features - mean) / std
val_features = (val_features - mean) / std


def build():
    return keras.Sequential(
        [
            keras.Input(shape=train_features.shape[1:]),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.Dense(32, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3)),
            keras.layers.Dropout(0.0),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def train(model, folder):
    options = {
        "batch_size": 256,  # which leaves a last batch of 176
        "class_weight": class_weight,
        "shuffle": False,
        "verbose": 0,
    }
    metrics = [
        keras.metrics.BinaryCrossentropy(name="cross entropy"),
        keras.metrics.MeanSquaredError(name="Brier score"),
        keras.metrics.BinaryAccuracy(name="accuracy"),
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"),
        keras.metrics.AUC(name="auc"),
        keras.metrics.AUC(name="prc", curve="PR"),
    ]
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy", metrics=metrics)
    history = model.fit(train_features, train_targets, epochs=6, validation_data=(val_features, val_targets), **options)
    answer = {"history": history.history, "predictions": model.predict(val_features, verbose=0)}

    counts = [
        keras.metrics.FalseNegatives(name="fn"),
        keras.metrics.FalsePositives(name="fp"),
        keras.metrics.TrueNegatives(name="tn"),
        keras.metrics.TruePositives(name="tp"),
    ]
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss=keras.losses.BinaryCrossentropy(), metrics=counts)
    answer["found and missed"] = model.fit(train_features, train_targets, epochs=2, **options).history
    answer["scores"] = model.evaluate(val_features, val_targets, batch_size=100, verbose=0, return_dict=True)
    return answer
