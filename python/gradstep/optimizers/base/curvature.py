"""What optimizers that find the curvature of layers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...checks import check_choice
from ...seeds import fresh_key, word
from ..schedules.base import LearningRateSchedule
from .attached import Attached
from .bound import Step

__all__ = ["CurvatureOptimizer"]

FISHERS = {"true": "", "empirical": "Empirical"}  # what they add to the name of a rule


class CurvatureOptimizer(Attached):
    """Mixin, before `Optimizer` among the bases: the engine finds directions in the pass of a model's step."""

    _follows_curvature = True
    _takes_convolutions = False  # or steps them as other arrays

    def __init__(
        self, rule: str, name: str, options: Mapping[str, Any], **hyperparameters: float | LearningRateSchedule
    ) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        super().__init__(rule, name, options, **hyperparameters)

    @staticmethod
    def _rule(base: str, fisher: str) -> str:
        return base + check_choice("fisher", fisher, FISHERS)

    @property
    def fisher(self) -> str:
        """Which gradients the curvature is made of."""
        return "empirical" if self._core.rule.endswith("Empirical") else "true"

    def _draws(self) -> bool:
        return self.fisher == "true" and self.seed is not None

    def _take_layers(self, weights: Mapping[str, tuple[int, int, int, bool, bool]]) -> None:
        weights = {name: one for name, one in weights.items() if self._takes_convolutions or not one[4]}
        if weights and self.gradient_accumulation_steps:
            raise ValueError(
                f"gradient_accumulation_steps must be None where {type(self).__name__} steps layers by their "
                f"curvature; got {self.gradient_accumulation_steps}. Use larger batches."
            )
        for name, (_, _, calls, is_penalized, _) in weights.items():
            if calls > 1:
                raise ValueError(
                    f"{type(self).__name__} steps layers that a model calls once; that of {name!r} is called "
                    f"{calls} times. Use another optimizer, or layers that do not share weights."
                )
            if is_penalized:
                raise ValueError(
                    f"{type(self).__name__} steps layers without regularizers; {name!r} has one. Use the "
                    "optimizer's weight_decay."
                )
        if self.fisher == "true" and self.seed is None:
            self._options["seed"] = self._core.seed = word(fresh_key())
        self._layers = {name: weight[:2] for name, weight in weights.items()}

    def _layer_sizes(self, name: str) -> tuple[int, int]:
        return self._layers.get(name, (0, 0))

    def _make_bound(self, indices: list[int], labels: list[str]) -> Step:
        for index in indices:
            if self._core.layer_sizes(index)[1]:
                raise ValueError(
                    f"{type(self).__name__} steps the layers of its model in fit and train_on_batch alone, which "
                    f"find their curvature; {self._names[index]!r} is of one."
                )
        return super()._make_bound(indices, labels)

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "fisher": self.fisher}
