"""Update rules in plain float64 NumPy, from the papers and Keras's documentation: what the C++ ones must equal.

An oracle takes the start w, the gradients of the steps in order, and the rule's hyperparameters by name; it gives the
end of w and the state by slot.
"""

from functools import partial

import numpy as np
from reference import averaged_optimizers, torch_optimizers
from reference.matrix_rules import adafactor, curvature, muon
from reference.norms import lamb, lars, novograd, prodigy


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


def adadelta(w, gradients, learning_rate, rho, epsilon):
    v, u = np.zeros_like(w), np.zeros_like(w)
    for g in gradients:
        v = rho * v + (1 - rho) * g**2
        delta = -np.sqrt(u + epsilon) / np.sqrt(v + epsilon) * g
        u = rho * u + (1 - rho) * delta**2
        w = w + learning_rate * delta
    return w, {"v": v, "u": u}


def rmsprop(w, gradients, learning_rate, rho, epsilon, momentum=0.0, centered=False):
    v, m, velocity = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for g in gradients:
        v = rho * v + (1 - rho) * g**2
        m = rho * m + (1 - rho) * g
        velocity = momentum * velocity + learning_rate * g / np.sqrt(v - centered * m**2 + epsilon)
        w = w - velocity
    return w, {"v": v, "m": m, "velocity": velocity}


def adam(w, gradients, learning_rate, beta_1, beta_2, epsilon, weight_decay=0.0, amsgrad=False):
    m, v, v_hat = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        v_hat = np.maximum(v_hat, v)
        rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - learning_rate * weight_decay * w
        w = w - rate * m / (np.sqrt(v_hat if amsgrad else v) + epsilon)
    return w, {"m": m, "v": v, "v_hat": v_hat}


def adamax(w, gradients, learning_rate, beta_1, beta_2, epsilon):
    m, u = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        u = np.maximum(beta_2 * u, np.abs(g))
        w = w - learning_rate / (1 - beta_1**t) * m / (u + epsilon)
    return w, {"m": m, "u": u}


def nadam(w, gradients, learning_rate, beta_1, beta_2, epsilon):
    m, v, product = np.zeros_like(w), np.zeros_like(w), 1.0
    for t, g in enumerate(gradients, 1):
        now, after = (beta_1 * (1 - 0.5 * 0.96**i) for i in (t, t + 1))
        product *= now
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        ahead = after * m / (1 - product * after) + (1 - now) * g / (1 - product)
        w = w - learning_rate * ahead / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return w, {"m": m, "v": v}


def radam(w, gradients, learning_rate, beta_1, beta_2, epsilon):
    m, v, last = np.zeros_like(w), np.zeros_like(w), 2 / (1 - beta_2) - 1
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        step, now = learning_rate * m / (1 - beta_1**t), last - 2 * t * beta_2**t / (1 - beta_2**t)
        if now > 5:
            step = step * np.sqrt((now - 4) * (now - 2) * last / ((last - 4) * (last - 2) * now))
            step = step * np.sqrt(1 - beta_2**t) / (np.sqrt(v) + epsilon)
        w = w - step
    return w, {"m": m, "v": v}


def ftrl(
    w,
    gradients,
    learning_rate,
    initial_accumulator_value,
    l1_regularization_strength,
    l2_regularization_strength,
    l2_shrinkage_regularization_strength,
    beta,
    learning_rate_power=-0.5,
):
    n, z, l1 = np.full_like(w, initial_accumulator_value), np.zeros_like(w), l1_regularization_strength
    for g in gradients:
        before, n = n**-learning_rate_power, n + g**2
        sigma = (n**-learning_rate_power - before) / learning_rate
        z = z + g + 2 * l2_shrinkage_regularization_strength * w - sigma * w
        curvature = (n**-learning_rate_power + beta) / learning_rate + 2 * l2_regularization_strength
        w = np.where(np.abs(z) <= l1, 0, (np.sign(z) * l1 - z) / curvature)
    return w, {"accumulator": n, "linear": z}


def lion(w, gradients, learning_rate, beta_1, beta_2):
    m = np.zeros_like(w)
    for g in gradients:
        w = w - learning_rate * np.sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g
    return w, {"m": m}


def signum(w, gradients, learning_rate, momentum):
    m = np.zeros_like(w)
    for g in gradients:
        m = momentum * m + (1 - momentum) * g
        w = w - learning_rate * np.sign(m)
    return w, {"m": m}


def adabelief(w, gradients, learning_rate, beta_1, beta_2, epsilon):
    m, s = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        s = beta_2 * s + (1 - beta_2) * (g - m) ** 2 + epsilon
        w = w - learning_rate * m / (1 - beta_1**t) / (np.sqrt(s / (1 - beta_2**t)) + epsilon)
    return w, {"m": m, "s": s}


def yogi(w, gradients, learning_rate, beta_1, beta_2, epsilon, initial_accumulator_value):
    m, v = np.zeros_like(w), np.full_like(w, initial_accumulator_value)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = v - (1 - beta_2) * np.sign(v - g**2) * g**2
        rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w - rate * m / (np.sqrt(v) + epsilon)
    return w, {"m": m, "v": v}


def adan(w, gradients, learning_rate, beta_1, beta_2, beta_3, epsilon):
    m, v, n, previous = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w), gradients[0]
    for t, g in enumerate(gradients, 1):
        change, previous = g - previous, g
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * change
        n = beta_3 * n + (1 - beta_3) * (g + beta_2 * change) ** 2
        direction = m / (1 - beta_1**t) + beta_2 * v / (1 - beta_2**t)
        w = w - learning_rate * direction / (np.sqrt(n / (1 - beta_3**t)) + epsilon)
    return w, {"m": m, "v": v, "n": n, "previous": previous}


def ademamix(w, gradients, learning_rate, beta_1, beta_2, beta_3, alpha, alpha_warmup, beta_3_warmup, epsilon):
    m, v, m_slow = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    first, last = (np.log(0.5) / np.log(beta) for beta in (beta_1, beta_3))  # half-lives
    for t, g in enumerate(gradients, 1):
        share = t / beta_3_warmup if t < beta_3_warmup else 1
        kept = 0.5 ** (1 / ((1 - share) * first + share * last))
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_slow = kept * m_slow + (1 - kept) * g
        direction = m / (1 - beta_1**t) + alpha * (t / alpha_warmup if t < alpha_warmup else 1) * m_slow
        w = w - learning_rate * direction / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return w, {"m": m, "v": v, "m_slow": m_slow}


def rprop(w, gradients, learning_rate, eta_minus, eta_plus, step_size_min, step_size_max):
    previous, step_size = np.zeros_like(w), np.full_like(w, learning_rate)
    for g in gradients:
        turn = np.sign(g) * np.sign(previous)
        step_size = step_size * np.where(turn > 0, eta_plus, np.where(turn < 0, eta_minus, 1))
        step_size = np.clip(step_size, step_size_min, step_size_max)
        previous = np.where(turn < 0, 0, g)
        w = w - np.sign(previous) * step_size
    return w, {"previous": previous, "step_size": step_size}


def asgd(w, gradients, learning_rate, lambd, alpha, t0):
    ax = np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        rate = learning_rate / (1 + lambd * learning_rate * (t - 1)) ** alpha
        share = 1 / max(1, t - 1 - t0)
        w = w - rate * (g + lambd * w)
        ax = ax + share * (w - ax)
    return w, {"ax": ax}


FACTORS = ("a", "g", "a_inverse", "g_inverse")  # of K-FAC, outside of a model without elements
# By the name of the rule in C++.
ORACLES = {
    **torch_optimizers.ORACLES,
    **averaged_optimizers.ORACLES,
    "SGD": sgd,
    "Momentum": momentum,
    "Nesterov": nesterov,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "RMSprop": rmsprop,
    "RMSpropCentered": partial(rmsprop, centered=True),
    "RMSpropMomentum": rmsprop,
    "RMSpropCenteredMomentum": partial(rmsprop, centered=True),
    "Adam": adam,
    "AMSGrad": partial(adam, amsgrad=True),
    "AdamW": adam,
    "AMSGradW": partial(adam, amsgrad=True),
    "Adamax": adamax,
    "Nadam": nadam,
    "RAdam": radam,
    "Ftrl": ftrl,
    "FtrlPower": ftrl,
    "Lion": lion,
    "Signum": signum,
    "AdaBelief": adabelief,
    "Yogi": yogi,
    "Adan": adan,
    "AdEMAMix": ademamix,
    "Rprop": rprop,
    "ASGD": asgd,
    "Lamb": lamb,
    "Lars": lars,
    "NovoGrad": novograd,
    "Prodigy": prodigy,
    "Muon": muon,
    "MuonHeavyBall": partial(muon, nesterov=False),
    "TorchMuon": partial(muon, torch=True),
    "TorchMuonHeavyBall": partial(muon, nesterov=False, torch=True),
    "KFAC": partial(curvature, factors=FACTORS),
    "KFACEmpirical": partial(curvature, factors=FACTORS),
    "DiagonalNaturalGradient": curvature,
    "DiagonalNaturalGradientEmpirical": curvature,
    "Adafactor": adafactor,
    "AdafactorFreeRate": partial(adafactor, form="free"),
    "TorchAdafactor": partial(adafactor, form="torch"),
}
