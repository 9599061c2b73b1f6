"""Keras 3 on JAX: the case `overhead`."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

from .gradstep_overhead import Names


def versions() -> dict[str, str]:
    return {"keras": keras.__version__, "backend": keras.config.backend()}


class OnJax(Names):
    library = keras


CASES = {"overhead": {"on JAX": OnJax}}
