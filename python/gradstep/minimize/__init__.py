"""Minimization of any function, as `scipy.optimize.minimize` is called: descents, quasi-Newton methods.

`minimizing` has `minimize`. What is minimized is in `objectives`, how in `methods`; `loop` runs a method, `stop` and
`ending` say why a run ended, `diagnosis` what went wrong; `many` has thousands of small problems at once.
"""

from .checking import check_grad
from .many.minimizing import minimize_many
from .methods.multistart import MultiStart as multistart
from .minimizing import minimize
from .result import OptimizeResult
from .scipy_method import scipy_method

__all__ = ["OptimizeResult", "check_grad", "minimize", "minimize_many", "multistart", "scipy_method"]
