"""Types of the compiled engine's activations, penalties and losses: a part of ``_core``, not a module of its own."""

from typing import Any

from numpy import ndarray

def activations() -> dict[str, tuple[tuple[str, float, str, float, float, bool, bool], ...]]:
    """Fields of each activation: (name, default, doc, low, high, low_open, high_open)."""

def activation(use: str | dict[str, Any], x: ndarray) -> ndarray:
    """use: a name, or ``{"kind": name}`` with values of its fields. x (..., n), float32 or float64 -> new array of the
    same shape; softmax, log_softmax and sparsemax over the last axis."""

def activation_backward(use: str | dict[str, Any], x: ndarray, dy: ndarray) -> ndarray:
    """dx for dy, the gradient with respect to activation(use, x)."""

def penalty(w: ndarray, settings: dict[str, Any]) -> float:
    """Of w (n,) or (rows, n) by settings["penalty"]: l1, proximal, l2, orthogonal (floats) and of_rows (bool)."""

def penalize(w: ndarray, settings: dict[str, Any], g: ndarray) -> float:
    """The same; and adds its gradient at w to g, of the shape and dtype of w, both in C order."""

def constrained(w: ndarray, settings: dict[str, Any], amount: float = 0.0) -> ndarray:
    """w shrunk by amount, then within settings["constraint"]: ``{"kind": "non_negative"}`` or ``{"kind": "norm", "low":
    float, "high": float, "rate": float, "axis": "first" | "last" | "all"}``; a new array."""

def losses() -> dict[str, tuple[tuple[Any, ...], ...]]:
    """Every loss of csrc/losses/all.hpp by name: its fields, as `rules` gives them."""

def check_loss(loss: dict[str, Any]) -> None:
    """Whether the engine can make this of a loss: ``{"kind": name, "of_logits": bool, "reduction": name, "factor":
    float}`` and settings by the names of fields; ValueError or TypeError that names what is wrong."""

def loss(
    loss: dict[str, Any],
    y_true: ndarray,
    y_pred: ndarray,
    weights: ndarray | None = None,
    mask: ndarray | None = None,
    gradient: bool = True,
) -> tuple[float, ndarray, ndarray | None]:
    """y_true (rows, n) of y_pred's dtype, or int64 (rows,) for sparse losses; y_pred (rows, n); weights (rows,)
    float64; mask (rows,) bool -> the loss; values (rows,) float64, of each row without its weight; and with
    gradient d loss / d y_pred (rows, n). The reduction "none" is a sum."""

def reduce(reduction: str, values: ndarray, weights: ndarray | None, mask: ndarray | None) -> tuple[float, ndarray]:
    """values (rows,) float64 -> what they are together, and the gradient of that by each (rows,)."""

def whole_batch_losses() -> tuple[str, ...]:
    """The losses whose rows depend on the others of a batch."""

def metrics() -> tuple[str, ...]:
    """binary_accuracy, categorical_accuracy, sparse_categorical_accuracy, and every name of losses()."""
