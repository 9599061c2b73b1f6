"""scikit-learn's base class, whose parameters are looked up once a class."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

__all__ = ["Estimator"]


class Estimator(BaseEstimator):
    """Base of estimators: `BaseEstimator`, which reads a signature whenever somebody asks for parameters.

    A search asks five times a fit, which took longer than fits of few rows.
    """

    @classmethod
    def _get_param_names(cls) -> list[str]:
        names: Any = vars(cls).get("_parameter_names")
        if names is None:
            names = cls._parameter_names = tuple(super()._get_param_names())
        return list(names)
