"""Published forms of rules where a rival's differs from ours by more than the place of epsilon, in float64.

As the oracles of tests/support/reference: from the start w and the gradients to the end, and no state.
"""

from __future__ import annotations

from typing import Any

import numpy as np

End = tuple[np.ndarray, dict[str, Any]]


def _adam_family(w, gradients, learning_rate, beta_1, beta_2, epsilon, ahead=False, largest=False) -> End:  # type: ignore[no-untyped-def]
    m, v, v_hat = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        v_hat = np.maximum(v_hat, v / (1 - beta_2**t)) if largest else v / (1 - beta_2**t)
        direction = m / (1 - beta_1**t)
        if ahead:
            direction = beta_1 * m / (1 - beta_1 ** (t + 1)) + (1 - beta_1) * g / (1 - beta_1**t)
        w = w - learning_rate * direction / (np.sqrt(v_hat) + epsilon)
    return w, {}


def nadam_constant(w, gradients, learning_rate, beta_1, beta_2, epsilon) -> End:  # type: ignore[no-untyped-def]
    """Dozat 2016, algorithm 2: momentum without a schedule."""
    return _adam_family(w, gradients, learning_rate, beta_1, beta_2, epsilon, ahead=True)


def amsgrad_corrected(w, gradients, learning_rate, beta_1, beta_2, epsilon) -> End:  # type: ignore[no-untyped-def]
    """The largest v after its bias correction."""
    return _adam_family(w, gradients, learning_rate, beta_1, beta_2, epsilon, largest=True)


def adan_complement(w, gradients, learning_rate, beta_1, beta_2, beta_3, epsilon) -> End:  # type: ignore[no-untyped-def]
    """optax: the change of the gradient weighs 1 - beta_2, where beta_2 is what is kept."""
    m, v, n, previous = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w), gradients[0]
    for t, g in enumerate(gradients, 1):
        change, previous = g - previous, g
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * change
        n = beta_3 * n + (1 - beta_3) * (g + (1 - beta_2) * change) ** 2
        direction = m / (1 - beta_1**t) + (1 - beta_2) * v / (1 - beta_2**t)
        w = w - learning_rate * direction / (np.sqrt(n / (1 - beta_3**t)) + epsilon)
    return w, {}


def rprop_late(w, gradients, learning_rate, eta_minus, eta_plus, step_size_min, step_size_max) -> End:  # type: ignore[no-untyped-def]
    """optax: a gradient moves w in the step after it, unless it turns there."""
    step_size, waiting = np.full_like(w, learning_rate), np.zeros_like(w)
    for g in gradients:
        turn = np.sign(g * waiting)
        grown = np.clip(step_size * np.where(turn > 0, eta_plus, eta_minus), step_size_min, step_size_max)
        step_size = np.where(turn == 0, step_size, grown)
        w = w - np.where(turn < 0, 0, waiting)
        waiting = np.where(turn < 0, 0, step_size * np.sign(g))
    return w, {}


# By the name of our rule.
OTHERS = {
    "Nadam": (nadam_constant,),
    "AMSGrad": (amsgrad_corrected,),
    "Adan": (adan_complement,),
    "Rprop": (rprop_late,),
}
