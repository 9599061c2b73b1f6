"""Update rules in PyTorch's forms, in plain float64 NumPy, from the pseudocode in its documentation.

As in reference.optimizers: an oracle takes the start w, the gradients of the steps in order, and the rule's
hyperparameters by name; it gives the end of w and the state by slot.
"""

from functools import partial

import numpy as np


def sgd(w, gradients, learning_rate, momentum=0.0, dampening=0.0, nesterov=False):
    b = None
    for g in gradients:
        b = g if b is None else momentum * b + (1 - dampening) * g
        w = w - learning_rate * (g + momentum * b if nesterov else b)
    return w, {"velocity": b}


def adagrad(w, gradients, learning_rate, initial_accumulator_value, epsilon, lr_decay):
    total = np.full_like(w, initial_accumulator_value)
    for t, g in enumerate(gradients, 1):
        total = total + g**2
        w = w - learning_rate / (1 + (t - 1) * lr_decay) * g / (np.sqrt(total) + epsilon)
    return w, {"accumulator": total}


def rmsprop(w, gradients, learning_rate, rho, epsilon, momentum=0.0, centered=False):
    v, mean, b = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for g in gradients:
        v = rho * v + (1 - rho) * g**2
        mean = mean * rho + (1 - rho) * g
        b = momentum * b + g / (np.sqrt(v - mean**2 if centered else v) + epsilon)
        w = w - learning_rate * b
    return w, {"v": v, "m": mean, "velocity": b}


def adam(w, gradients, learning_rate, beta_1, beta_2, epsilon, weight_decay=0.0, amsgrad=False):
    m, v, v_max = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        v_max = np.maximum(v_max, v)
        w = w - learning_rate * weight_decay * w
        root = np.sqrt((v_max if amsgrad else v) / (1 - beta_2**t))
        w = w - learning_rate * m / (1 - beta_1**t) / (root + epsilon)
    return w, {"m": m, "v": v, "v_hat": v_max}


def adamax(w, gradients, learning_rate, beta_1, beta_2, epsilon):
    m, u = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        u = np.maximum(beta_2 * u, np.abs(g) + epsilon)
        w = w - learning_rate * m / ((1 - beta_1**t) * u)
    return w, {"m": m, "u": u}


def nadam(w, gradients, learning_rate, beta_1, beta_2, epsilon, momentum_decay):
    m, v, product = np.zeros_like(w), np.zeros_like(w), 1.0
    for t, g in enumerate(gradients, 1):
        mu = beta_1 * (1 - 0.96 ** (t * momentum_decay) / 2)
        mu_next = beta_1 * (1 - 0.96 ** ((t + 1) * momentum_decay) / 2)
        product *= mu
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        w = w - learning_rate * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return w, {"m": m, "v": v}


def adadelta(w, gradients, learning_rate, rho, epsilon):
    v, u = np.zeros_like(w), np.zeros_like(w)
    for g in gradients:
        v = v * rho + g**2 * (1 - rho)
        step = np.sqrt(u + epsilon) / np.sqrt(v + epsilon) * g
        u = u * rho + step**2 * (1 - rho)
        w = w - learning_rate * step
    return w, {"v": v, "u": u}


# By the name of the rule in C++.
ORACLES = {
    "TorchSGD": sgd,
    "TorchMomentum": sgd,
    "TorchNesterov": partial(sgd, nesterov=True),
    "TorchAdagrad": adagrad,
    "TorchAdadelta": adadelta,
    "TorchRMSprop": rmsprop,
    "TorchRMSpropCentered": partial(rmsprop, centered=True),
    "TorchRMSpropMomentum": rmsprop,
    "TorchRMSpropCenteredMomentum": partial(rmsprop, centered=True),
    "TorchAdam": adam,
    "TorchAMSGrad": partial(adam, amsgrad=True),
    "TorchAdamW": adam,
    "TorchAMSGradW": partial(adam, amsgrad=True),
    "TorchAdamax": adamax,
    "TorchNadam": nadam,
}
