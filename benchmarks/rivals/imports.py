"""gradstep with other libraries, imported in the order that the form's name says; nothing of them is used."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from typing import Any

import numpy as np
from cases import load
from cases.adam import ADAM


def versions() -> dict[str, str]:
    # Before the libraries, which this module must not import by itself.
    return {"numpy": np.__version__}


class Imported:
    steps_per_run = 1

    def __init__(self, order: str, problem: dict[str, Any]) -> None:
        early = {"gradstep", "scipy", "sklearn", "torch"} & sys.modules.keys()
        if early:
            raise RuntimeError(f"{', '.join(early)} was imported too early.")
        for name in order.split(", "):
            importlib.import_module(name)
        self.loop = load.Loop()
        self.bound = sys.modules["gradstep"].optimizers.Adam(**ADAM).bind(self.loop.w)

    def run(self) -> None:
        self.loop.gradients()
        self.bound.step(self.loop.dw)

    def checked(self) -> np.ndarray:
        for _ in range(load.CHECKED_STEPS):
            self.run()
        return self.loop.w


CASES = {"load": {order: partial(Imported, order) for order in load.ORDERS}}
