"""Data that come batch by batch: a PyDataset for training and for validation, and a generator without end."""

import keras
import numpy as np

random = np.random.default_rng(8)
x = random.normal(size=(230, 7)).astype("float32")
y = (x[:, 0] * x[:, 1] > 0.1).astype("float32")


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, **options):
        super().__init__(**options)
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, index):
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return self.x[rows], self.y[rows]


def endless(batch_size):
    begin = 0
    while True:
        rows = np.arange(begin, begin + batch_size) % len(x)
        yield x[rows], y[rows], 0.5 + np.abs(x[rows, 2])
        begin += batch_size


def build():
    hidden = keras.layers.Dense(20, activation="relu", kernel_initializer="he_uniform")
    return keras.Sequential([keras.Input((7,)), hidden, keras.layers.Dense(1, activation="sigmoid")])


def train(model, folder):
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(name="auc")])
    dataset, held_out = Batches(x[:200], y[:200], 48), Batches(x[200:], y[200:], 8)
    answer = {}
    history = model.fit(dataset, epochs=4, validation_data=held_out, shuffle=False, verbose=0)
    answer["dataset"] = history.history
    answer["steps"] = history.params["steps"]
    history = model.fit(dataset, epochs=2, class_weight={0: 0.7, 1: 1.5}, shuffle=False, verbose=0)
    answer["classes"] = history.history
    history = model.fit(endless(50), steps_per_epoch=3, epochs=3, validation_data=(x, y), validation_steps=2, verbose=0)
    answer["endless"] = history.history
    answer["scores"] = model.evaluate(held_out, verbose=0, return_dict=True)
    answer["scores of steps"] = model.evaluate(endless(64), steps=2, verbose=0, return_dict=True)
    answer["predictions"] = model.predict(held_out, verbose=0)
    answer["predicted steps"] = model.predict(endless(16), steps=3, verbose=0).shape
    return answer
