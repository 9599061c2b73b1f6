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
from .hessian_free import HessianFree
from .lbfgs import LBFGS
from .lbfgsb import LBFGSB
from .least_squares import GaussNewton, LevenbergMarquardt, NaturalGradient
from .multistart import MultiStart
from .newton import NewtonCG
from .openai_es import OpenAIES
from .owlqn import OWLQN
from .sequence import Sequence
from .trust_region import TrustExact, TrustNCG
from .variance_reduced import SARAH, SVRG

__all__ = ["METHODS", "deserialize", "is_name", "method_of", "names", "serialize", "trainer_of"]

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
# Of the methods that are asked for by name to train a model: weights of magnitudes are those of the layers' L1 alone.
TRAINING: dict[str, dict[str, Any]] = {"owl-qn": {"l1": 0.0}}
# Methods that train models only; newton-cg has products with the Gauss-Newton matrix there.
TRAINERS: dict[str, type[Method]] = {"newton-cg": HessianFree, HessianFree.name: HessianFree}
CLASSES: dict[str, type[Method]] = {
    cls.__name__: cls for cls in (*METHODS.values(), *TRAINERS.values(), FirstOrder, Sequence)
}
# Names of other libraries, and of the same thing.
ALIASES: dict[str, str] = {
    "lm": "levenberg-marquardt",
    "de": "differential-evolution",
    "newton": "trust-exact",
    "cma": "cma-es",
    "hf": "hessian-free",
    "gradient-descent": "gd",
}
# Descents by the articles' names, as optimizers of the package.
DESCENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "gd": ("sgd", {}),
    "momentum": ("sgd", {"momentum": 0.9}),
    "nesterov": ("sgd", {"momentum": 0.9, "nesterov": True}),
}

# Methods that SciPy alone has, and what comes nearest here.
OF_SCIPY_ALONE = {
    "cobyla": "cma-es",
    "cobyqa": "cma-es",
    "dogleg": "trust-exact",
    "nelder-mead": "cma-es",
    "powell": "cma-es",
    "slsqp": "l-bfgs-b",
    "tnc": "l-bfgs-b",
    "trust-constr": "l-bfgs-b",
    "trust-krylov": "trust-ncg",
}
# Options that are no method's: see arguments.py.
OF_ALL = ("maxiter", "maxfun", "gtol", "ftol", "xtol", "disp", "eps", "return_all")


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
        hint = " By position it comes behind jac; give both by name." if callable(given) else ""
        raise TypeError(f"method must be a name, a method or an optimizer; got {describe(given)}.{hint}")
    name = _method_name(given)
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
        near = OF_SCIPY_ALONE.get(name)
        hint = f' scipy.optimize.minimize has it; "{near}" is nearest to it.' if near else closest(name, names())
        raise ValueError(f"method must be one of {', '.join(names())}; got {given!r}.{hint}")
    settings = {**found[1], **options}
    rate = first_order.get("learning_rate")
    search = settings.pop("line_search", first_order.get("line_search"))
    if rate is not None:
        settings["learning_rate"] = rate
    elif name == "gd" and search is None and "learning_rate" not in settings:
        search = "barzilai-borwein"
    return FirstOrder(optimizers[found[0]](**settings), line_search=search)


def trainer_of(given: Any) -> Optimizer | Method:
    """What trains a model: an optimizer, or a method of minimization that can.

    Parameters
    ----------
    given : str, dict, Optimizer or Method
        A name of either, what `serialize` gives, or an object.

    Raises
    ------
    TypeError, ValueError
        Something else, an unknown name, or a method that does not train models.
    """
    found: Optimizer | Method
    if isinstance(given, str) and (name := _method_name(given)) in TRAINERS:
        found = TRAINERS[name]()
    elif isinstance(given, str) and name in METHODS:
        found = METHODS[name](**TRAINING.get(name, {}))
    elif isinstance(given, Mapping) and given.get("class_name") in CLASSES:
        found = deserialize(given)
    elif isinstance(given, Method):
        found = given
    elif isinstance(given, type) and issubclass(given, Method):
        raise TypeError(f"optimizer must be an object; got the class {given.__name__}: call it.")
    else:
        return registry.get(given)
    if not found.trains_models:
        able = [name for name, cls in (METHODS | TRAINERS).items() if cls.trains_models]
        raise ValueError(f"{found!r} trains no models; {', '.join(able)} do, every optimizer, and a Sequence of them.")
    return found


def is_name(given: str) -> bool:
    """Whether ``method=`` takes this name."""
    name = _method_name(given)
    return name in METHODS or name in DESCENTS or name.replace("-", "") in registry.classes()


def _method_name(given: str) -> str:
    """The name as it is here: in any case of letters, and whatever stands between its words."""
    name = given.lower().replace("_", "-").replace(" ", "-")
    if name in ALIASES:
        return ALIASES[name]
    plain = name.replace("-", "")
    same = (known for known in (*METHODS, *TRAINERS, *ALIASES, *OF_SCIPY_ALONE) if known.replace("-", "") == plain)
    found = next(same, name)
    return ALIASES.get(found, found)


def serialize(method: Any) -> dict[str, Any]:
    """``{"class_name": ..., "config": ...}``, of a method or an optimizer."""
    if isinstance(method, Method):
        return {"class_name": type(method).__name__, "config": method.get_config()}
    return registry.serialize(method)


def deserialize(config: Mapping[str, Any], custom_objects: Any = None) -> Any:
    """An equal method or optimizer, from the dict that `serialize` gives."""
    cls = CLASSES.get(config.get("class_name", "")) if isinstance(config, Mapping) else None
    if cls is None:
        return registry.deserialize(config, custom_objects)
    return cls.from_config(config["config"], custom_objects)


def _checked(cls: type[Method], options: Mapping[str, Any]) -> dict[str, Any]:
    known = list(inspect.signature(cls).parameters)
    renamed = {cls.scipy_names.get(key, key): value for key, value in options.items()}
    for key in renamed:
        if key not in known:
            raise unknown_argument(cls, key, OF_ALL)
    return renamed
