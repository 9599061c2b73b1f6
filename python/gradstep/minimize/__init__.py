"""Minimization of any function, as `scipy.optimize.minimize` is called: descents, quasi-Newton methods."""

from .checking import check_grad
from .many import minimize_many
from .methods.multistart import MultiStart as multistart
from .minimizing import minimize
from .result import OptimizeResult
from .scipy_method import scipy_method

__all__ = ["OptimizeResult", "check_grad", "minimize", "minimize_many", "multistart", "scipy_method"]
