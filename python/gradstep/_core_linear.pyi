"""Types of the stochastic descent of linear models (csrc/bindings/linear.cpp)."""

from collections.abc import Callable
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
