"""One small network, trained by many optimizers under schedules, and on many losses."""

import keras
import numpy as np

random = np.random.default_rng(6)
x = random.normal(size=(96, 5)).astype("float32")
kind = np.argmax(x[:, :3], axis=1)
one_hot = keras.utils.to_categorical(kind, 3)
share = np.abs(x[:, :3]) / np.abs(x[:, :3]).sum(axis=1, keepdims=True)
signs = 2 * one_hot - 1

schedules, optimizers, losses = keras.optimizers.schedules, keras.optimizers, keras.losses
RULES = {
    "SGD": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.02, momentum=0.9),
    "Nesterov": lambda: optimizers.SGD(0.02, momentum=0.9, nesterov=True),
    "RMSprop": lambda: optimizers.RMSprop(0.005),
    "RMSprop centered": lambda: optimizers.RMSprop(0.005, momentum=0.5, centered=True),
    "Adam": lambda: optimizers.Adam(0.01),
    "AMSGrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "Adamax": lambda: optimizers.Adamax(0.01),
    "Nadam": lambda: optimizers.Nadam(0.01),
    "Adagrad": lambda: optimizers.Adagrad(0.05),
    "Adadelta": lambda: optimizers.Adadelta(1.0),
    "Ftrl": lambda: optimizers.Ftrl(0.1, l1_regularization_strength=0.001, l2_regularization_strength=0.001),
    "Lamb": lambda: optimizers.Lamb(0.01),
    "Lion": lambda: optimizers.Lion(0.001),
    "Adafactor": lambda: optimizers.Adafactor(0.01),
    "clipvalue": lambda: optimizers.Adam(0.01, clipvalue=0.01),
    "global_clipnorm": lambda: optimizers.SGD(0.1, global_clipnorm=0.3),
    "accumulation": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "average": lambda: optimizers.SGD(0.05, use_ema=True, ema_momentum=0.8),
    "ExponentialDecay": lambda: optimizers.SGD(schedules.ExponentialDecay(0.1, 4, 0.8)),
    "CosineDecay": lambda: optimizers.Adam(schedules.CosineDecay(0.001, 15, warmup_target=0.01, warmup_steps=5)),
    "PolynomialDecay": lambda: optimizers.SGD(schedules.PolynomialDecay(0.1, 12, 0.01, power=2.0)),
    "PiecewiseConstantDecay": lambda: optimizers.SGD(schedules.PiecewiseConstantDecay([3, 7], [0.1, 0.05, 0.01])),
    "InverseTimeDecay": lambda: optimizers.SGD(schedules.InverseTimeDecay(0.1, 3, 0.5)),
}
LOSSES = {
    "mse": (lambda: "mse", one_hot),
    "mae": (lambda: "mae", x[:, :3]),
    "mape": (lambda: losses.MeanAbsolutePercentageError(), np.abs(x[:, :3]) + 1),
    "msle": (lambda: "msle", np.abs(x[:, :3])),
    "Huber": (lambda: losses.Huber(0.5), x[:, :3]),
    "LogCosh": (lambda: losses.LogCosh(), x[:, :3]),
    "cosine": (lambda: losses.CosineSimilarity(), share),
    "KLDivergence": (lambda: losses.KLDivergence(), share),
    "Poisson": (lambda: losses.Poisson(), one_hot),
    "binary crossentropy": (lambda: losses.BinaryCrossentropy(label_smoothing=0.1), one_hot),
    "binary focal": (lambda: losses.BinaryFocalCrossentropy(gamma=3.0), one_hot),
    "crossentropy": (lambda: losses.CategoricalCrossentropy(label_smoothing=0.1), one_hot),
    "focal": (lambda: losses.CategoricalFocalCrossentropy(), one_hot),
    "sparse": (lambda: "sparse_categorical_crossentropy", kind),
    "generalized": (lambda: losses.CategoricalGeneralizedCrossEntropy(0.6), kind),
    "hinge": (lambda: losses.Hinge(), signs),
    "squared hinge": (lambda: losses.SquaredHinge(), signs),
    "categorical hinge": (lambda: losses.CategoricalHinge(), one_hot),
    "Dice": (lambda: losses.Dice(), one_hot),
    "Tversky": (lambda: losses.Tversky(0.3, 0.7), one_hot),
    "sum": (lambda: losses.MeanSquaredError(reduction="sum"), one_hot),
}


def network():
    hidden = keras.layers.Dense(8, activation="tanh")
    return keras.Sequential([keras.Input((5,)), hidden, keras.layers.Dense(3, activation="softmax")])


def build():
    return [network() for _ in [*RULES, *LOSSES]]


def train(models, folder):
    answer = {}
    for name, rule in RULES.items():
        model = models.pop(0)
        model.compile(rule(), "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, kind, batch_size=40, epochs=5, shuffle=False, verbose=0, validation_data=(x, kind))
        answer[name] = [history.history, model.predict(x[:8], verbose=0)]
    for name, (loss, y) in LOSSES.items():
        model = models.pop(0)
        model.compile(optimizers.Adam(0.01), loss())
        history = model.fit(x, y, batch_size=40, epochs=3, shuffle=False, verbose=0, validation_data=(x[:50], y[:50]))
        answer[name] = [history.history, model.evaluate(x, y, verbose=0)]
    return answer
