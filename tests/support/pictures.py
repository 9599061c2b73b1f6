"""Data that pictures are drawn of, and what is read in them."""

from __future__ import annotations

from typing import Any

import gradstep as gs
import numpy as np
from gradstep import layers

X = np.random.default_rng(0).normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)


def three_layers() -> gs.Sequential:
    """Of 8, 5 and 3 units, for `X`."""
    gs.utils.set_random_seed(0)
    sizes = {"first": 8, "second": 5, "last": 3}
    model = gs.Sequential([gs.Input((2,)), *(layers.Dense(n, "tanh", name=name) for name, n in sizes.items())])
    model.compile("sgd", "mse")
    return model


def legend(figure: Any) -> list[str]:
    """The words of the figure's legend."""
    return [text.get_text() for text in figure.legends[0].get_texts()]
