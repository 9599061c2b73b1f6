"""What computes a model for inputs of certain sizes; and a table of them, for a model of inputs of variable size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..data.columns import arrays_of
from .network import weight_settings

if TYPE_CHECKING:
    from .. import _core
    from .network import Step

__all__ = ["MOST_SIZES", "Row", "SizeTable", "Sized", "rows_given"]

Row: TypeAlias = tuple[int | None, ...]

# Networks of a model that are kept, of the sizes used last. They hold no values: those are the runs', of which few are.
MOST_SIZES = 128


class Sized(NamedTuple):
    """A model's network for inputs of certain sizes.

    steps: the calls of layers that it is made of; rows: the shape of a row of each output.
    """

    network: _core.Network
    steps: list[Step]
    rows: list[tuple[int, ...]]


def rows_given(rows: Sequence[Row], x: Any) -> tuple[tuple[int, ...], ...]:
    """Shape of a row of each input as data has it; rows: the model's, where None is any size."""
    each = zip(rows, arrays_of(x), strict=True)
    return tuple(array.shape[1:] if None in row else row for row, array in each)  # type: ignore[misc]


class SizeTable:
    """The networks of a model whose inputs have sizes that are not known, over one set of weights.

    Parameters
    ----------
    rows : list of tuple
        Shape of a row of each input; None is any size.
    make : function
        Makes the network for shapes of rows without None, with settings of the weights. It raises ValueError where
        layers cannot take them. It must take no lock that a caller of `of` may hold: two threads would wait for each
        other.
    first : Sized
        One that was made, for any sizes.
    """

    def __init__(
        self, rows: Sequence[Row], make: Callable[[Sequence[tuple[int, ...]], list[Any]], Sized], first: Sized
    ) -> None:
        self.rows, self._make, self._lock = list(rows), make, Lock()
        self._known: dict[Any, Sized] = {}  # by the sizes, those used last at the end
        self.renew(first.network, first.steps)

    def renew(self, network: _core.Network, steps: Sequence[Step]) -> None:
        """Tell networks that are made from now on which weights are to be trained, as the first one was told."""
        with self._lock:
            self._settings: list[Any] = weight_settings(network, steps)
            self._known.clear()

    def of(self, x: Any) -> Sized:
        """The network for data as a run has it."""
        rows = rows_given(self.rows, x)
        with self._lock:
            known = self._known.pop(rows, None)
            if known is None:
                known = self._make(rows, self._settings)
            self._known[rows] = known
            if len(self._known) > MOST_SIZES:
                del self._known[next(iter(self._known))]
            return known
