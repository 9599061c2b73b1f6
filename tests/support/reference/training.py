"""A training loop in plain NumPy, in float64 or in the dtype that its arrays have: what `fit` must equal."""

from reference import layers
from reference.optimizers import ORACLES


def train(network, loss, x, y, batch, epochs, rule, options):
    """The weights and the loss of each epoch, without shuffling. network: a list of (kernel, bias, activation)."""
    start = [w.copy() for layer in network for w in layer[:2]]
    activations = [layer[2] for layer in network]
    gradients, history = [[] for _ in start], []
    weights = start
    for _ in range(epochs):
        total = 0.0
        for i in range(0, len(x), batch):
            now = list(zip(weights[::2], weights[1::2], activations, strict=True))
            value, slopes = layers.value_and_grad(now, loss, y[i : i + batch], x[i : i + batch])
            total += value * len(x[i : i + batch])
            for past, slope in zip(gradients, slopes, strict=True):
                past.append(slope)
            # The oracle of the rule goes through all steps again: it takes the start, and the gradients so far.
            weights = [ORACLES[rule](w, past, **options)[0] for w, past in zip(start, gradients, strict=True)]
        history.append(total / len(x))
    return weights, history
