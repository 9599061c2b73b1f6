"""scikit-learn's base class, without what it does anew for each fit of a search."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

__all__ = ["Estimator"]

PLAIN = (bool, int, float, str, type(None))
MOST = 1000  # of a class: settings that are known to be valid


class Estimator(BaseEstimator):
    """scikit-learn's `BaseEstimator` that remembers the names of its parameters and which of their values are valid.

    The `BaseEstimator` of scikit-learn reads the signature five times for each fit of a search, checks the same values
    again, and copies numbers one by one. That takes longer than a fit of few rows.
    """

    @classmethod
    def _get_param_names(cls) -> list[str]:
        names: Any = vars(cls).get("_parameter_names")
        if names is None:
            names = cls._parameter_names = tuple(super()._get_param_names())
        return list(names)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; deep: with those of estimators among them."""
        found = {name: getattr(self, name) for name in self._get_param_names()}
        if deep and not all(type(value) in PLAIN for value in found.values()):
            found = super().get_params(deep)
        return found

    def _plain_parameters(self) -> dict[str, Any] | None:
        """The parameters where all of them are numbers, strings or None; else None."""
        found: dict[str, Any] = self.get_params(deep=False)
        return found if all(type(value) in PLAIN for value in found.values()) else None

    def _validate_params(self) -> None:
        found = self._plain_parameters()
        if found is None:
            return super()._validate_params()
        known: Any = vars(type(self)).get("_valid_parameters")
        if known is None:
            known = type(self)._valid_parameters = set()
        key = tuple((type(value), value) for value in found.values())
        if key not in known:
            super()._validate_params()
            if len(known) < MOST:
                known.add(key)
        return None

    def __sklearn_clone__(self) -> Any:
        found, others = self._plain_parameters(), ("_metadata_request", "_sklearn_output_config", "_skl_callbacks")
        if found is not None and not any(hasattr(self, name) for name in others):
            made = type(self)(**found)
            taken = made.get_params(deep=False)
            if all(taken[name] is value for name, value in found.items()):
                return made
        return super().__sklearn_clone__()
