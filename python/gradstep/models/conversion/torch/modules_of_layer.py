"""The modules of PyTorch that stand for one layer, with its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .... import activations

__all__ = ["Modules"]

# Activations, by the module of the same formula with its defaults, or with these arguments.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "celu": ("CELU", {"alpha": "alpha"}),
    "elu": ("ELU", {"alpha": "alpha"}),
    "gelu": ("GELU", {}),
    "gelu_tanh": ("GELU", {}),
    "hard_shrink": ("Hardshrink", {"lambd": "threshold"}),
    "hard_sigmoid": ("Hardsigmoid", {}),
    "hard_silu": ("Hardswish", {}),
    "hard_tanh": ("Hardtanh", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": "negative_slope"}),
    "log_sigmoid": ("LogSigmoid", {}),
    "log_softmax": ("LogSoftmax", {}),
    "mish": ("Mish", {}),
    "relu": ("ReLU", {}),
    "relu6": ("ReLU6", {}),
    "selu": ("SELU", {}),
    "sigmoid": ("Sigmoid", {}),
    "silu": ("SiLU", {}),
    "soft_shrink": ("Softshrink", {"lambd": "threshold"}),
    "softmax": ("Softmax", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "tanh": ("Tanh", {}),
    "tanh_shrink": ("Tanhshrink", {}),
    "threshold": ("Threshold", {"threshold": "threshold", "value": "default_value"}),
}
MORE: dict[str, dict[str, Any]] = {
    "log_softmax": {"dim": -1},
    "softmax": {"dim": -1},
    "gelu_tanh": {"approximate": "tanh"},
}


class Modules:
    """The modules that stand for one layer, one after another.

    module_of: makes a module of a model, which some layers hold.
    """

    def __init__(self, torch: Any, layer: Any, module_of: Callable[[Any], Any]) -> None:
        from ....torch import modules

        self.torch, self.nn, self.own, self.module_of = torch, torch.nn, modules, module_of
        self.made: list[Any] = []
        self.layer = layer

    def refuse(self, condition: bool, what: str) -> None:
        """Raise the error of a layer that has no counterpart if a condition holds."""
        if condition:
            kind = type(self.layer).__name__
            raise ValueError(f"layer {self.layer.name!r}, a {kind}, must {what} to become a module of PyTorch.")

    def add(self, module: Any, *weights: tuple[str, np.ndarray]) -> None:
        """Add a module, and copy its weights."""
        self.copy(module, *weights)
        self.made.append(module)

    def copy(self, module: Any, *weights: tuple[str, np.ndarray]) -> None:
        """Copy weights into the tensors of a module, by their names."""
        for name, array in weights:
            with self.torch.no_grad():
                getattr(module, name).copy_(self.torch.from_numpy(np.array(array)))

    def activate(self, activation: Any, first: bool = False) -> None:
        """Add an activation, or what its specification means; first: whether channels are the first axis."""
        is_known = isinstance(activation, dict)
        spec = activation if is_known else activations.registry.specify(activation)
        kind = spec["kind"]
        if kind == "linear" and (is_known or not activations.registry.is_custom(activations.registry.get(activation))):
            return
        if kind == "rectifier" and spec["threshold"] == spec["negative_slope"] == 0:  # with a largest value
            self.add(self.nn.Hardtanh(0.0, spec["max_value"]))
            return
        self.refuse(kind not in ACTIVATIONS, f"have an activation that PyTorch has, not {kind!r},")
        name, settings = ACTIVATIONS[kind]
        arguments = {theirs: spec[ours] for theirs, ours in settings.items()} | MORE.get(kind, {})
        if first and "dim" in arguments:
            arguments["dim"] = 1
        self.add(getattr(self.nn, name)(**arguments))

    def moved(self, work: Callable[[], None], rank: int, first: bool) -> None:
        """Do something to values whose channels are their first axis."""
        if not first:
            self.add(self.own.Permute(0, rank - 1, *range(1, rank - 1)))
        work()
        if not first:
            self.add(self.own.Permute(0, *range(2, rank), 1))

    def weights(self) -> dict[str, np.ndarray]:
        """Of the layer, by their names."""
        return dict(zip(self.layer.weight_names, self.layer.weights, strict=True))
