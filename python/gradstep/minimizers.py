"""Methods of `minimize` as objects: with settings, in a `Sequence`, or asked and told in a loop of one's own.

Examples
--------
>>> import gradstep as gs
>>> res = gs.minimize(lambda x: float((x**2).sum()), [3.0, 1.0], method=gs.minimizers.BFGS(c2=0.5))
>>> res.success
True
"""

from .hints import complete
from .minimize.methods.annealing import SimulatedAnnealing
from .minimize.methods.base import Method
from .minimize.methods.bfgs import BFGS
from .minimize.methods.cg import ConjugateGradient
from .minimize.methods.cma_es import CMAES
from .minimize.methods.differential_evolution import DifferentialEvolution
from .minimize.methods.first_order import FirstOrder
from .minimize.methods.genetic import GeneticAlgorithm
from .minimize.methods.hessian_free import HessianFree
from .minimize.methods.lbfgs import LBFGS
from .minimize.methods.lbfgsb import LBFGSB
from .minimize.methods.least_squares import GaussNewton, LevenbergMarquardt, NaturalGradient
from .minimize.methods.multistart import MultiStart
from .minimize.methods.newton import NewtonCG
from .minimize.methods.openai_es import OpenAIES
from .minimize.methods.owlqn import OWLQN
from .minimize.methods.population import Population
from .minimize.methods.sequence import Sequence
from .minimize.methods.trust_region import TrustExact, TrustNCG
from .minimize.methods.variance_reduced import SARAH, SVRG

__all__ = [
    "BFGS",
    "CMAES",
    "LBFGS",
    "LBFGSB",
    "OWLQN",
    "SARAH",
    "SVRG",
    "ConjugateGradient",
    "DifferentialEvolution",
    "FirstOrder",
    "GaussNewton",
    "GeneticAlgorithm",
    "HessianFree",
    "LevenbergMarquardt",
    "Method",
    "MultiStart",
    "NaturalGradient",
    "NewtonCG",
    "OpenAIES",
    "Population",
    "Sequence",
    "SimulatedAnnealing",
    "TrustExact",
    "TrustNCG",
]

__getattr__ = complete(__name__, globals(), "method")
