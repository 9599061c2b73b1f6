"""Recurrent layers step by step in float64 NumPy, from the papers and Keras's rules for masks."""

import numpy as np
from reference.layers import ACTIVATIONS

__all__ = ["states_of", "unrolled"]


def states_of(kind):
    """How many states a kind of layer has."""
    return 2 if kind == "LSTM" else 1


def _step(kind, x, states, weights, activation, recurrent_activation, reset_after):
    """The states after a step."""
    w, u, b = (*weights, 0.0)[:3]
    f, g = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]
    h, n = states[0], u.shape[0]
    if kind == "SimpleRNN":
        return [f(x @ w + h @ u + b)]
    if kind == "LSTM":
        i, forget, candidate, out = np.split(x @ w + h @ u + b, 4, axis=1)
        c = g(forget) * states[1] + g(i) * f(candidate)
        return [g(out) * f(c), c]
    own, inner = b if np.ndim(b) == 2 else (b, 0.0)
    by_x = x @ w + own
    if reset_after:
        by_h = h @ u + inner
        z, r = g(by_x[:, :n] + by_h[:, :n]), g(by_x[:, n : 2 * n] + by_h[:, n : 2 * n])
        candidate = f(by_x[:, 2 * n :] + r * by_h[:, 2 * n :])
    else:
        by_h = h @ u[:, : 2 * n]
        z, r = g(by_x[:, :n] + by_h[:, :n]), g(by_x[:, n : 2 * n] + by_h[:, n:])
        candidate = f(by_x[:, 2 * n :] + (r * h) @ u[:, 2 * n :])
    return [z * h + (1 - z) * candidate]


def unrolled(
    kind,
    x,
    weights,
    activation="tanh",
    recurrent_activation="sigmoid",
    reset_after=True,
    go_backwards=False,
    mask=None,
    zero_output=False,
    initial=None,
):
    """Outputs of all steps, (rows, steps, units), in the order in which they are computed, and the last states."""
    x = np.asarray(x, float)
    weights = [np.asarray(weight, float) for weight in weights]
    units = weights[1].shape[0]
    states = [np.zeros((len(x), units)) for _ in range(states_of(kind))] if initial is None else list(initial)
    output, outputs = np.zeros((len(x), units)), []
    for t in reversed(range(x.shape[1])) if go_backwards else range(x.shape[1]):
        after = _step(kind, x[:, t], states, weights, activation, recurrent_activation, reset_after)
        counts = np.ones((len(x), 1), bool) if mask is None else np.asarray(mask)[:, t, None].astype(bool)
        states = [np.where(counts, new, old) for new, old in zip(after, states, strict=True)]
        output = np.where(counts, after[0], 0 if zero_output else output)
        outputs.append(output)
    return np.stack(outputs, 1), states
