"""Models of several inputs and outputs, made alike of gradstep or of Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["GRAPHS", "arrays"]

D = {"dtype": "float64"}


def two_heads(of: Any) -> Any:
    x = of.Input((4,), name="x")
    h = of.layers.Dense(6, "tanh", name="trunk", kernel_regularizer=of.regularizers.L2(0.02), **D)(x)
    a = of.layers.Dense(2, name="a", **D)(h)
    b = of.layers.Dense(3, "softmax", name="b", **D)(h)
    return of.Model(x, [a, b])


def siamese(of: Any) -> Any:
    """A layer called twice, with a penalty and a constraint, and twice again behind itself."""
    left, right = of.Input((4,), name="left"), of.Input((4,), name="right")
    twice = of.layers.Dense(
        4,
        "tanh",
        name="twice",
        kernel_regularizer=of.regularizers.L1L2(0.01, 0.02),
        kernel_constraint=of.constraints.MaxNorm(0.8),
        **D,
    )
    one, other = twice(twice(left)), twice(right)
    apart = of.layers.Subtract(name="apart", **D)([one, other])
    alike = of.layers.Dot(axes=1, normalize=True, name="alike", **D)([one, other])
    both = of.layers.Concatenate(name="both", **D)([apart, alike, left])
    return of.Model([left, right], of.layers.Dense(1, "sigmoid", name="same", **D)(both))


def mixed(of: Any) -> Any:
    """Every merging layer; branches of different lengths; an output that others read."""
    x, z = of.Input((4,), name="x"), of.Input((3,), name="z")
    u = of.layers.Dense(5, "relu", name="u", **D)(x)
    v = of.layers.Dense(5, use_bias=False, name="v", **D)(z)  # a bias would move by noise alone
    v = of.layers.BatchNormalization(name="norm", momentum=0.8, **D)(v)
    gate = of.layers.Activation("sigmoid", name="gate", **D)(v)
    gated = of.layers.Multiply(name="gated", **D)([u, gate, u])
    most = of.layers.Maximum(name="most", **D)([u, v, gated])
    least = of.layers.Minimum(name="least", **D)([u, v])
    mean = of.layers.Average(name="mean", **D)([most, least, gated])
    scale = of.layers.Dense(1, name="scale", **D)(mean)
    total = of.layers.Add(name="total", **D)([mean, scale])
    a = of.layers.Dense(2, name="a", **D)(total)
    b = of.layers.Dense(3, "softmax", name="b", **D)(of.layers.Concatenate(name="end", **D)([a, total]))
    return of.Model([x, z], {"a": a, "b": b})


def nested(of: Any) -> Any:
    """Models as layers, one of them twice."""
    encoder = of.Sequential(
        [of.Input((4,)), of.layers.Dense(5, "tanh", name="e1", **D), of.layers.Dense(3, name="e2", **D)], name="encoder"
    )
    code = of.Input((3,), name="code")
    decoder = of.Model(code, of.layers.Dense(4, name="d1", **D)(code), name="decoder")
    x = of.Input((4,), name="x")
    again = decoder(encoder(x))
    end = [of.layers.Activation("linear", name=name, **D) for name in ("first", "second")]
    return of.Model(x, [end[0](again), end[1](decoder(encoder(again)))])


GRAPHS = {
    "two heads": (
        two_heads,
        {
            "loss": ["mse", "sparse_categorical_crossentropy"],
            "loss_weights": [0.5, 2.0],
            "metrics": [["mae", "mse"], "accuracy"],
            "weighted_metrics": {"b": ["accuracy"]},
        },
    ),
    "weights by output": (
        two_heads,
        {"loss": {"b": "sparse_categorical_crossentropy", "a": "huber"}, "weighted_metrics": [["mae"], ["accuracy"]]},
    ),
    "one loss": (two_heads, {"loss": [None, "sparse_categorical_crossentropy"], "metrics": [["mae"], None]}),
    "siamese": (siamese, {"loss": "binary_crossentropy", "loss_weights": [0.3], "metrics": ["accuracy"]}),
    "mixed": (
        mixed,
        {
            "loss": {"a": "mse", "b": "sparse_categorical_crossentropy"},
            "loss_weights": {"a": 1.5, "b": 0.5},
            "metrics": {"b": ["accuracy"], "a": ["mae"]},
        },
    ),
    "nested": (nested, {"loss": "mse"}),
}


def arrays(name: str) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights of the rows, or None, for a model of GRAPHS."""
    random = np.random.default_rng(3)
    x, z, other = random.normal(size=(21, 4)), random.normal(size=(21, 3)), random.normal(size=(21, 4))
    a, b, same = random.normal(size=(21, 2)), random.integers(0, 3, 21), random.integers(0, 2, (21, 1)).astype(float)
    weights = [random.random(21), random.random(21) + 0.5]
    return {
        "two heads": (x, [a, b], None),
        "weights by output": (x, [a, b], weights),
        "one loss": (x, [a, b], weights[0]),
        "siamese": ([x, other], same, weights[0]),
        "mixed": ({"x": x, "z": z}, {"a": a, "b": b}, None),
        "nested": (x, [x, x], None),
    }[name]
