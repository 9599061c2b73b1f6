"""Gradient descent for NumPy users: fused C++ optimizers and dense networks behind Keras's names.

Examples
--------
>>> import numpy as np, gradstep as gs
>>> w = np.array([1.0, -2.0])
>>> gs.optimizers.SGD(learning_rate=0.25).step(w, 2 * w); w
array([ 0.5, -1. ])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import (
    _engine,  # noqa: F401
    activations,
    backend,
    callbacks,
    config,
    constraints,
    distribution,
    initializers,
    layers,
    losses,
    metrics,
    minimizers,
    models,
    optimizers,
    problems,
    regularizers,
    saving,
    utils,
)
from ._core import __version__
from .config import get_num_threads, set_num_threads, show_config
from .hints import no_such
from .initializers import Initializer
from .layers import Input, Layer
from .losses import Loss
from .metrics import Metric
from .minimize import OptimizeResult, check_grad, minimize, minimize_many, multistart, scipy_method
from .models import Model, Sequential
from .optimizers import Optimizer
from .optimizers.base.sparse import RowSparse
from .regularizers import Regularizer

if TYPE_CHECKING:
    from . import plot, scalers, tune
    from .many import fit_many

__all__ = [
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "OptimizeResult",
    "Optimizer",
    "Regularizer",
    "RowSparse",
    "Sequential",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "check_grad",
    "config",
    "constraints",
    "distribution",
    "fit_many",
    "get_num_threads",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "minimize",
    "minimize_many",
    "minimizers",
    "models",
    "multistart",
    "optimizers",
    "plot",
    "problems",
    "regularizers",
    "saving",
    "scalers",
    "scipy_method",
    "set_num_threads",
    "show_config",
    "tune",
    "utils",
]


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Loaded when they are asked for: `plot`, `scalers`, `tune` and `fit_many`; `sklearn` and `torch`, with extras."""
    if name == "plot":
        from .plot import figures  # noqa: F401
    elif name == "sklearn":
        from .sklearn import estimator  # noqa: F401
    elif name == "torch":
        from .torch import classes  # noqa: F401
    elif name == "scalers":
        from .scalers import base  # noqa: F401
    elif name == "tune":
        from .tune import results  # noqa: F401
    elif name == "fit_many":
        from .many import fit_many

        globals()[name] = fit_many
    else:
        raise no_such(__name__, __all__, "module or class", name)

    return globals()[name]
