"""Schedule-free rules in plain float64 NumPy, with all three sequences of the paper: z, x and y.

As in reference.optimizers: an oracle takes the start w, the gradients of the steps in order, and the rule's
hyperparameters by name; it gives the end of w and the state by slot.
"""

import numpy as np


def schedule_free(w, directions, learning_rate, beta, weight_decay, warmup_steps, r, weight_lr_power):
    """directions: what z goes against in step t, from 1; the largest rate so far is the rate of the step."""
    x, y, z, total = w, w, w, 0.0
    for t, direction in enumerate(directions, 1):
        rate = learning_rate * min(1.0, t / warmup_steps if warmup_steps else 1.0)
        weight = t**r * (rate / learning_rate) ** weight_lr_power
        total += weight
        z = z - rate * (direction + weight_decay * y)
        x = (1 - weight / total) * x + weight / total * z
        y = (1 - beta) * z + beta * x
    return y, {"ahead": z - y, "x": x}


def schedule_free_sgd(w, gradients, learning_rate, momentum, weight_decay, warmup_steps, r, weight_lr_power):
    return schedule_free(w, gradients, learning_rate, momentum, weight_decay, warmup_steps, r, weight_lr_power)


def schedule_free_adamw(
    w, gradients, learning_rate, beta_1, beta_2, epsilon, weight_decay, warmup_steps, r, weight_lr_power
):
    v, directions = np.zeros_like(w), []
    for t, g in enumerate(gradients, 1):
        v = beta_2 * v + (1 - beta_2) * g**2
        directions.append(g / (np.sqrt(v / (1 - beta_2**t)) + epsilon))
    y, state = schedule_free(w, directions, learning_rate, beta_1, weight_decay, warmup_steps, r, weight_lr_power)
    return y, {"v": v, **state}


# By the name of the rule in C++.
ORACLES = {"ScheduleFreeSGD": schedule_free_sgd, "ScheduleFreeAdamW": schedule_free_adamw}
