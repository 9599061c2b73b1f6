"""Methods by name: those of this folder, and every optimizer of the package."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ...checks import describe
from ...hints import closest, unknown_argument
from ...optimizers import Optimizer, registry
from .annealing import SimulatedAnnealing
from .base import Method
from .bfgs import BFGS
from .cg import ConjugateGradient
from .cma_es import CMAES
from .differential_evolution import DifferentialEvolution
from .first_order import FirstOrder
from .genetic import GeneticAlgorithm
from .lbfgs import LBFGS
from .lbfgsb import LBFGSB
from .least_squares import GaussNewton, LevenbergMarquardt, NaturalGradient
from .multistart import MultiStart
from .newton import NewtonCG
from .openai_es import OpenAIES
from .owlqn import OWLQN
from .trust_region import TrustExact, TrustNCG
from .variance_reduced import SARAH, SVRG

__all__ = ["METHODS", "method_of", "names"]

METHODS: dict[str, type[Method]] = {
    cls.name: cls
    for cls in (
        *(BFGS, ConjugateGradient, LBFGS, LBFGSB, OWLQN),
        *(NewtonCG, TrustExact, TrustNCG),
        *(GaussNewton, LevenbergMarquardt, NaturalGradient),
        *(CMAES, DifferentialEvolution, GeneticAlgorithm, OpenAIES, SimulatedAnnealing),
        *(SVRG, SARAH),
        MultiStart,
    )
}
# Names of other libraries, and of the same thing.
ALIASES: dict[str, str] = {
    "lbfgs": "l-bfgs",
    "lbfgsb": "l-bfgs-b",
    "lm": "levenberg-marquardt",
    "owlqn": "owl-qn",
    "de": "differential-evolution",
    "newton": "trust-exact",
    "cmaes": "cma-es",
}
# Descents by the articles' names, as optimizers of the package.
DESCENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "gd": ("sgd", {}),
    "momentum": ("sgd", {"momentum": 0.9}),
    "nesterov": ("sgd", {"momentum": 0.9, "nesterov": True}),
}


def names() -> list[str]:
    """Every name that ``method=`` takes."""
    return [*METHODS, *DESCENTS, *registry.classes()]


def method_of(given: Any, options: Mapping[str, Any], first_order: Mapping[str, Any]) -> Method:
    """The method of a name or object.

    Parameters
    ----------
    given : str, Method or Optimizer
    options : dict
        Arguments of its class, by our names or SciPy's.
    first_order : dict
        ``learning_rate`` and ``line_search``, those that were given.

    Raises
    ------
    TypeError, ValueError
        An unknown name or option, or options beside an object.
    """
    if isinstance(given, Method):
        if options or first_order:
            name = next(iter({**options, **first_order}))
            raise TypeError(f"{name} must be given to the object {type(given).__name__}, not beside it.")
        return given
    if isinstance(given, Optimizer):
        return FirstOrder(given, **{**options, **first_order})
    if not isinstance(given, str):
        raise TypeError(f"method must be a name, a method or an optimizer; got {describe(given)}.")
    name = given.lower().replace("_", "-")
    name = ALIASES.get(name, name)
    if name in METHODS:
        cls = METHODS[name]
        known = inspect.signature(cls).parameters
        for key in first_order:
            if key not in known:
                raise TypeError(f"{key} is of first-order methods; {name} has none.")
        return cls(**_checked(cls, {**options, **first_order}))
    found = DESCENTS.get(name, (name.replace("-", ""), {}))
    optimizers = registry.classes()
    if found[0] not in optimizers:
        raise ValueError(f"method must be one of {', '.join(names())}; got {given!r}.{closest(name, names())}")
    settings = {**found[1], **options}
    rate = first_order.get("learning_rate")
    search = settings.pop("line_search", first_order.get("line_search"))
    if rate is not None:
        settings["learning_rate"] = rate
    elif name == "gd" and search is None and "learning_rate" not in settings:
        search = "barzilai-borwein"
    return FirstOrder(optimizers[found[0]](**settings), line_search=search)


def _checked(cls: type[Method], options: Mapping[str, Any]) -> dict[str, Any]:
    known = list(inspect.signature(cls).parameters)
    renamed = {cls.scipy_names.get(key, key): value for key, value in options.items()}
    for key in renamed:
        if key not in known:
            raise unknown_argument(cls, key)
    return renamed
