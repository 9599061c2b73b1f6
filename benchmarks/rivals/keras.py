"""Keras 3 on JAX."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

from .gradstep_cnn import Fit as FitImages
from .gradstep_embedding import Fit as FitTable
from .gradstep_graph import Fit
from .gradstep_overhead import Names
from .gradstep_recurrent import Fit as FitSequences
from .gradstep_transformer import Fit as FitBlock


def versions() -> dict[str, str]:
    return {"keras": keras.__version__, "backend": keras.config.backend()}


class FitOnJax(Fit):
    library = keras


class OnJax(Names):
    library = keras
    graph = FitOnJax
    file = "model.keras"


class FitImagesOnJax(FitImages):
    library = keras


class FitSequencesOnJax(FitSequences):
    library = keras


class FitTableOnJax(FitTable):
    library = keras


class FitBlockOnJax(FitBlock):
    library = keras


CASES = {"overhead": {"on JAX": OnJax}, "graph": {"on JAX": FitOnJax}, "cnn": {"on JAX": FitImagesOnJax}}
CASES |= {case: {"on JAX": FitSequencesOnJax} for case in ("lstm", "gru", "bilstm", "stacked")}
CASES |= {"transformer": {"on JAX": FitBlockOnJax}, "embedding": {"on JAX": FitTableOnJax}}
