"""scikit-learn's base class, whose parameters are looked up once a class."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

__all__ = ["Estimator"]


class Estimator(BaseEstimator):
    """scikit-learn's `BaseEstimator` that reads the names of the parameters from the signature once a class.

    scikit-learn's reads them whenever somebody asks: five times a fit of a search, longer than a fit of few rows takes.
    """

    @classmethod
    def _get_param_names(cls) -> list[str]:
        names: Any = vars(cls).get("_parameter_names")
        if names is None:
            names = cls._parameter_names = tuple(super()._get_param_names())
        return list(names)
