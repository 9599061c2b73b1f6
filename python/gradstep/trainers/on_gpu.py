"""Models on a GPU: what `config.set_device("cuda")` makes of runs over data, in a build with CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core
from ..config import get_device
from ..optimizers import Optimizer
from ..optimizers.base.wrappers import Wrapper
from .losses_and_metrics import Targets
from .network import Step, computing_layers

__all__ = ["check_cpu", "device_loop", "predict"]

CPU = "call gradstep.config.set_device('cpu') first"

# What the engine has in a build with CUDA; nothing is one of them in others.
DeviceLoop: Any = getattr(_core, "DeviceLoop", ())


def check_cpu(who: str) -> None:
    """Raise ValueError if models are set to compute on a GPU."""
    if get_device() != "cpu":
        raise ValueError(f"{who} compute in CPU memory only; {CPU}.")


def _check(network: _core.Network, steps: Sequence[Step], *scoring: Any) -> None:
    """Raise ValueError, with the name of the layer, for a model that a GPU cannot compute."""
    problem = _core.device_problem(network, *scoring)
    if problem is None:
        return
    number, why = problem
    layers = computing_layers(steps)
    # Some calls become layers of the engine that the program has no name for.
    of = "the model" if number is None or number >= len(layers) else f"layer {layers[number].name!r}"
    raise ValueError(f"{of} {why}: the GPU computes chains of simple layers only; {CPU}.")


def _check_dense(xs: Sequence[Any]) -> None:
    """Raise TypeError for sparse inputs."""
    if not all(isinstance(x, np.ndarray) for x in xs):
        raise TypeError(f"x must be dense arrays for a model on the GPU; {CPU}.")


def device_loop(
    network: _core.Network,
    steps: Sequence[Step],
    scoring: tuple[list[Any], list[list[str]]],
    xs: list[Any],
    targets: Targets,
    batch: int,
    optimizer: Optimizer | None,
    attached: tuple[list[Any], list[tuple[int, int]]],
    gradients: bool,
    outputs: bool,
) -> Any:
    """The engine's run over rows, which it copies to the GPU.

    Parameters
    ----------
    scoring : tuple of list
        Losses as the compiled core takes them, and the names of the metrics that it measures, for each output.
    attached : tuple of list
        The engine's optimizers, and the places of the weights in them.
    gradients : bool
        Whether gradients of batches will be read.
    outputs : bool
        Whether outputs of batches will be read.
    """
    if gradients:
        raise ValueError(f"gradients of a model, and what asks for them, are computed in CPU memory only; {CPU}.")
    _check(network, steps, *scoring)
    _check_dense(xs)
    if isinstance(optimizer, Wrapper):
        raise ValueError(f"{type(optimizer).__name__} trains models in CPU memory only; {CPU}.")
    return _core.DeviceLoop(
        network, *scoring, xs, targets.values, batch, *attached, targets.weights, targets.masks, outputs
    )


def predict(
    network: _core.Network,
    steps: Sequence[Step],
    xs: list[Any],
    outs: list[np.ndarray],
    batch: int,
    begin: int,
    seconds: float,
) -> int:
    """As `Network.predict`, wherever models compute: outputs of the rows from `begin` on; how far it got."""
    if get_device() == "cpu":
        return network.predict(xs, outs, batch, begin, seconds)
    _check(network, steps)
    _check_dense(xs)
    return _core.device_predict(network, xs, outs, batch, begin, seconds)
