"""Types of the stochastic descent of linear models (csrc/bindings/linear.cpp)."""

from typing import Any

from numpy import ndarray

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
