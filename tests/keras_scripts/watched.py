"""Callbacks, given and of one's own, and what they leave in a folder."""

import csv
import os

import keras
import numpy as np

random = np.random.default_rng(4)
x = random.normal(size=(400, 8)).astype("float32")
y = (np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * random.normal(size=400)).astype("float32")


class LossHistory(keras.callbacks.Callback):
    def __init__(self, log):
        super().__init__()
        self.log = log

    def on_train_begin(self, logs=None):
        self.log.append(["begin", sorted(self.params), len(self.model.get_weights())])

    def on_epoch_end(self, epoch, logs=None):
        self.log.append([epoch, sorted(logs), float(self.model.optimizer.learning_rate)])

    def on_train_batch_end(self, batch, logs=None):
        if batch % 4 == 0:
            self.log.append([batch, float(logs["loss"])])

    def on_test_end(self, logs=None):
        self.log.append(["test", float(logs["mae"])])


def warm_up(epoch, lr):
    return 0.002 * (epoch + 1) if epoch < 5 else lr * 0.9


def build():
    return keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(16, activation="tanh", kernel_constraint=keras.constraints.MaxNorm(2.0)),
            keras.layers.Dense(16, activation="tanh"),
            keras.layers.Dense(1),
        ]
    )


def train(model, folder):
    log, batches = [], []
    path = os.path.join(folder, "best.weights.h5")
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=keras.losses.Huber(), metrics=["mae"])
    history = model.fit(
        x,
        y,
        batch_size=50,
        epochs=40,
        verbose=0,
        shuffle=False,
        validation_split=0.25,
        callbacks=[
            LossHistory(log),
            keras.callbacks.LearningRateScheduler(warm_up),
            keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True, save_weights_only=True),
            keras.callbacks.CSVLogger(os.path.join(folder, "log.csv")),
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=4, min_delta=1e-3, restore_best_weights=True),
            keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: batches.append(batch)),
        ],
    )
    with open(os.path.join(folder, "log.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    answer = {
        "history": history.history,
        "epochs": history.epoch,
        "log": log,
        "batches": batches,
        "csv": {name: [float(row[name]) for row in rows] for name in rows[0]},
        "restored": model.get_weights(),
    }

    model.load_weights(path)
    answer["checkpoint"] = model.evaluate(x[300:], y[300:], verbose=0)

    model.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.5), loss="mse", weighted_metrics=["mae"])
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.3, patience=1, cooldown=1, min_lr=0.01)
    history = model.fit(x, y, batch_size=64, epochs=12, verbose=0, shuffle=False, callbacks=[plateau])
    answer["plateau"] = history.history
    answer["predictions"] = model.predict(x[:20], verbose=0)
    return answer
