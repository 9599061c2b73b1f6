"""Types of linear models (csrc/bindings/linear/linear.cpp, linear_objective.cpp, coordinates.cpp)."""

from collections.abc import Callable, Sequence
from typing import Any

from numpy import ndarray

linear_step_lengths: tuple[str, ...]

def linear_losses(loss: str, setting: float, y: ndarray, p: ndarray) -> ndarray:
    """Losses (rows,) of predictions p (rows,) for targets y (rows,), which are made float64; classes are -1 and 1."""

class LinearDescent:
    """x (rows, features), or (data, indices, indptr) of a CSR matrix with int32 indices; y, sample_weight (rows,);
    left_out (rows,) of bool, or None; coef (features,), and average_coef or None, are moved in place. All of one dtype,
    float32 or float64. settings: those of DescentSettings (csrc/linear/descent.hpp) by name."""

    def __init__(
        self,
        x: Any,
        y: ndarray,
        sample_weight: ndarray,
        left_out: ndarray | None,
        coef: ndarray,
        average_coef: ndarray | None,
        settings: dict[str, Any],
    ) -> None: ...
    def epoch(self, seed: int | None) -> None:
        """Step along each row once, shuffled by a seed. Without the interpreter's lock."""
    def epoch_of_batches(
        self, seed: int | None, batch: int, outside: tuple[ndarray, ndarray, ndarray, Callable[[], None]] | None
    ) -> None:
        """Step by the mean gradient of `batch` rows at a time. outside: what steps in place of the settings' rule, as
        arrays for the gradient (features,), the intercept (1,) and its gradient (1,), and a function that moves coef
        and the intercept by these. Without the interpreter's lock, but for the function; on all threads."""
    def settle(self) -> None:
        """Make coef and average_coef what they are: of sparse rows they are kept divided by a scale meanwhile."""
    intercept: float
    average_intercept: float
    t: float
    eta: float
    @property
    def loss(self) -> float: ...
    @property
    def objective(self) -> float: ...

def linear_epochs(descents: Sequence[LinearDescent], seeds: Sequence[int | None]) -> None:
    """An epoch of each descent, as its `epoch` does with its seed, side by side on this thread: steps of one are done
    while another's wait for their sums."""

class LinearObjective:
    """x (rows, columns), or (data, indices, indptr) of a CSR matrix with int32 indices, float32 or float64; y (rows,),
    and sample_weight or None, float64. settings: those of ObjectiveSettings (csrc/linear/objective.hpp) by name."""

    def __init__(
        self, x: Any, columns: int, y: ndarray, sample_weight: ndarray | None, settings: dict[str, Any]
    ) -> None: ...
    def value(self, w: ndarray) -> tuple[float, ndarray]:
        """The value and its gradient."""
    def hessian_product(self, v: ndarray) -> ndarray:
        """The Hessian at the w of the last value, times v."""
    def margins(self, w: ndarray) -> ndarray:
        """The sums of the rows with w, (outputs * rows,)."""
    def transposed(self, r: ndarray) -> ndarray:
        """x' r, (columns,)."""
    def gram(self, d: Any, extra: ndarray | None, extras: int, centre: ndarray) -> ndarray:
        """z' diag(d) z, z = [x, extra] - centre. d: None for the sample weights, True for the curvature, or (rows,);
        extra (rows, extras), or None for ones."""
    def lbfgs(
        self, w: ndarray, gtol: float, ftol: float, maxiter: float, memory: int
    ) -> tuple[ndarray, float, int, int, str]:
        """The minimum, its value, iterations, evaluations, and the reason of the end."""

def coordinate_descent(
    gram: ndarray,
    q: ndarray,
    l1: ndarray,
    l2: float,
    yy: float,
    positive: bool,
    w: ndarray,
    passes: int,
    tol: float,
    gap: float,
    random: bool,
    seed: int,
) -> tuple[int, float, bool]:
    """Move w in place to the minimum of w' gram w / 2 - q' w + l1' |w| + l2 |w|^2 / 2: passes, the duality gap (nan
    where `gap` is negative), and whether it converged."""

def dual_descent(
    x: Any,
    columns: int,
    y: ndarray,
    upper: ndarray,
    epsilon: float,
    bias: float,
    beta: ndarray,
    w: ndarray,
    passes: int,
    tol: float,
    seed: int,
) -> tuple[int, float, bool]:
    """Move beta (rows,) and w (columns + 1,) in place to the solution of a support vector machine: passes, nan, and
    whether it converged."""
