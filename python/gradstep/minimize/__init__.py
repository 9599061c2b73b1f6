"""Minimization of any function, as `scipy.optimize.minimize` is called: descents, quasi-Newton methods."""

from .checking import check_grad
from .methods.multistart import MultiStart as multistart
from .minimizing import minimize
from .result import OptimizeResult

__all__ = ["OptimizeResult", "check_grad", "minimize", "multistart"]
