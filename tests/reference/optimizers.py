"""Update rules in plain float64 NumPy, from the papers and Keras's documentation: what the C++ ones must equal.

An oracle takes the start w, the gradients of the steps in order, and the rule's hyperparameters by name; it gives the
end of w and the state by slot.
"""

import numpy as np


def sgd(w, gradients, learning_rate):
    for g in gradients:
        w = w - learning_rate * g
    return w, {}


def momentum(w, gradients, learning_rate, momentum):
    velocity = np.zeros_like(w)
    for g in gradients:
        velocity = momentum * velocity - learning_rate * g
        w = w + velocity
    return w, {"velocity": velocity}


def nesterov(w, gradients, learning_rate, momentum):
    velocity = np.zeros_like(w)
    for g in gradients:
        velocity = momentum * velocity - learning_rate * g
        w = w + momentum * velocity - learning_rate * g
    return w, {"velocity": velocity}


def adagrad(w, gradients, learning_rate, initial_accumulator_value, epsilon):
    accumulator = np.full_like(w, initial_accumulator_value)
    for g in gradients:
        accumulator = accumulator + g**2
        w = w - learning_rate * g / np.sqrt(accumulator + epsilon)
    return w, {"accumulator": accumulator}


def rmsprop(w, gradients, learning_rate, rho, epsilon):
    v = np.zeros_like(w)
    for g in gradients:
        v = rho * v + (1 - rho) * g**2
        w = w - learning_rate * g / np.sqrt(v + epsilon)
    return w, {"v": v}


def adam(w, gradients, learning_rate, beta_1, beta_2, epsilon, weight_decay=0.0):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - learning_rate * weight_decay * w
        w = w - rate * m / (np.sqrt(v) + epsilon)
    return w, {"m": m, "v": v}


def lion(w, gradients, learning_rate, beta_1, beta_2):
    m = np.zeros_like(w)
    for g in gradients:
        w = w - learning_rate * np.sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g
    return w, {"m": m}


# By the name of the rule in C++.
ORACLES = {
    "SGD": sgd,
    "Momentum": momentum,
    "Nesterov": nesterov,
    "Adagrad": adagrad,
    "RMSprop": rmsprop,
    "Adam": adam,
    "AdamW": adam,
    "Lion": lion,
}
