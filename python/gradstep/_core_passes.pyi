"""Types of passes of the compiled engine that are run one by one. Private, as ``_core``."""

from collections.abc import Sequence
from typing import Any

from numpy import ndarray

from ._core import Given, Network, TrainLoop

class CurvatureLoop:
    """Gauss-Newton products of the loss of many rows, summed over chunks of them."""
    def __init__(
        self,
        network: Network,
        loss: Any,
        x: Given,
        y: Given,
        chunk: int,
        places: Sequence[int],
        weights: Given | None = None,
        mask: Given | None = None,
    ) -> None:
        """places: where each trained weight begins in the vectors."""

    def start(self, v: ndarray | None, sum: ndarray, ids: ndarray | None = None, number: int = 0) -> None:
        """Begin a pass: sum = G v, or, without v, an estimate of the diagonal of G; all float64."""

    def advance(self, seconds: float) -> bool:
        """Whole chunks until `seconds` have passed; True when the pass is over."""

class ForwardBackward:
    """Forward and backward passes on their own; RuntimeError where the network's weight attributes have changed since.
    Buffers of the last four batch sizes are kept."""

    def __init__(self, network: Network) -> None: ...
    def forward(
        self, x: Given, training: bool = False, number: int = 0, ids: ndarray | None = None, dx: bool = False
    ) -> Any:
        """x (rows, inputs) as `TrainLoop` takes it -> outputs (rows, outputs), new. training: `backward` may follow,
        which reads x again; dx: and gives its gradient. number, ids (rows,) int64: what is drawn follows from them."""

    @property
    def passes(self) -> int:
        """How many forward passes in training were made."""

    def backward(self, dy: Given) -> Any:
        """dy (rows, outputs), of the last forward in training -> dx (rows, inputs), a new array, where it is wanted;
        and `gradients`, those of the penalties in them. Once a forward. No GIL."""

    @property
    def gradients(self) -> list[ndarray]:
        """One for each weight that is trained, in order; overwritten by each `backward`."""

def shuffled(seed: int, stream: int, number: int, part: int, rows: int) -> ndarray:
    """0 to rows - 1 in a random order, int64: the permutation of NumPy's Generator over Philox with the key (seed,
    stream), from the counter (0, 0, part, number) on."""

class Passes:
    """Passes of training loops that wait, in a row for each member; a thread makes those of a member."""

    def __init__(self, members: int, threads: int) -> None: ...
    def add(
        self,
        member: int,
        loop: TrainLoop,
        order: ndarray | None = None,
        number: int = 0,
        ids: ndarray | None = None,
        key: tuple[int, int] | None = None,
    ) -> None:
        """Put a pass behind those of a member; order, number and ids: see `TrainLoop.start`.

        key: of the order, shuffled when the pass begins: of all rows, or of those in `order`, whose ids are then their
        places there.
        """

    def run(self, seconds: float) -> bool:
        """Make them, for about `seconds`; True when all are over. No GIL. Ctrl-C and what a pass raises leave each
        member after whole steps, and end the rest."""

    def drop(self, member: int) -> None:
        """Forget the passes of a member that are not over; `run` goes on with the others."""

    def take(self) -> list[list[tuple[int, int, float, list[float]]]]:
        """For each member the `TrainLoop.progress` of each pass that was made, when all are over; then none waits."""
    @property
    def together(self) -> int:
        """How many passes were made together with those of other members."""

    @property
    def failed(self) -> int | None:
        """The member whose pass raised."""
