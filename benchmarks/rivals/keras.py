"""Keras 3 on JAX: the cases `overhead` and `graph`."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

from .gradstep_graph import Fit
from .gradstep_overhead import Names


def versions() -> dict[str, str]:
    return {"keras": keras.__version__, "backend": keras.config.backend()}


class OnJax(Names):
    library = keras


class FitOnJax(Fit):
    library = keras


CASES = {"overhead": {"on JAX": OnJax}, "graph": {"on JAX": FitOnJax}}
