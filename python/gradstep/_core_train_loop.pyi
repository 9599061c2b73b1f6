"""Types of runs of the compiled engine over data. Private, as ``_core``."""

from collections.abc import Callable, Sequence
from typing import Any

from numpy import ndarray

from ._core import Given, Network, Optimizer

class TrainLoop:
    """Passes over the rows of x and y: training steps with an optimizer, scores without one."""

    def __init__(
        self,
        network: Network,
        loss: Any,
        metrics: Sequence[Any],
        x: Given,
        y: Given,
        batch_size: int,
        optimizers: Sequence[Optimizer] = (),
        places: Sequence[tuple[int, int]] = (),
        around: Callable[[], tuple[Sequence[Any], Any]] | None = None,
        gradients: bool = False,
        weights: Given | None = None,
        mask: Given | None = None,
        outputs: bool = False,
        in_shards: bool = False,
    ) -> None:
        """x (rows, inputs) C-contiguous, float32, float64, uint8, int32 or int64, or an object whose `csr` is values of
        the network's dtype, int32 columns, and int64 numbers of the first entry of each row and of all; y (rows,
        outputs) of the network's dtype, or int64 (rows,) for sparse losses. loss, weights, mask: as `loss` takes them;
        None: there is no loss; or a function of row numbers and outputs, both of the batch, that gives what the loss
        adds to that of the batch, the loss itself, and its gradient by the outputs; y is then any array with rows,
        unless a metric looks at it. metrics: names, or a list of them for each in a list of losses. places: which of
        the optimizers steps each weight that is trained, and its number there, in the order of network.parameters.
        around: asked whenever the loop goes on, what is done around their steps: (optimizers whose steps count, the one
        that knows the arrays, slow arrays, period, part) for each walk, those inside others first; and (the one that
        knows the arrays, rho, adaptive) or None. gradients, outputs: leave those of each batch for somebody else.
        in_shards: batches are shards of larger ones, see `due`. ValueError for a label out of range (names row and
        value)."""

    def take(self, x: Given, y: Given, weights: Given | None = None, mask: Given | None = None) -> None:
        """Other data, of which passes go from now on; schedules and buffers of batches of the same size stay."""

    def release(self) -> None:
        """Let go of the data, until the next `take`."""

    def start(
        self, order: ndarray | None, number: int = 0, ids: ndarray | None = None, by_buckets: bool = False
    ) -> None:
        """Begin a pass: rows in this order (int64), None: as they lie. What is drawn follows from number < 2**32 and
        from the rows' numbers, or from what ids has for each in their place. by_buckets: of a loop with in_shards,
        `advance` also ends in the midst of a batch where the gradients of a bucket are complete, see `buckets`."""

    def sum_gradients(self, x: ndarray, sum: ndarray, places: Sequence[int]) -> None:
        """After `start`, of a loop with gradients: sets the trained weights to x (n,) of the network's dtype, and sum
        (n,), float64, to 0; each batch of the pass then adds its share of the gradient of the mean over the rows.
        places: where each trained weight begins in both, in the order of network.parameters."""

    def is_at(self, x: ndarray, places: Sequence[int]) -> bool:
        """Whether the trained weights are x, by their places there."""

    def advance(self, seconds: float) -> bool:
        """Whole batches until about `seconds` have passed (at least one); True when the pass is over. No GIL."""

    def update(self) -> None:
        """Of a loop with optimizers and gradients, whose batches leave their gradients and change no weight: a step by
        what is in the gradients now. FloatingPointError if the optimizer refuses it."""
    @property
    def due(self) -> ndarray | None:
        """Of a loop with in_shards, where `advance` ended in the midst of a batch: a copy of numbers, float64, whose
        sum over all shards is to be given to `take_sum` before the next `advance`, which goes on. None: the batch is
        done."""
    @property
    def exchanges(self) -> list[tuple[int, bool]]:
        """Of each sum that a batch needs, in their order: how many numbers, and whether they follow from gradients, of
        the mean over the rows of the shard."""
    @property
    def buckets(self) -> list[tuple[int, int]]:
        """Of a loop with in_shards: of each bucket of gradients that is complete before the backward pass is over, how
        many of the exchanges come before that, and the number of its first weight; it ends where the one before it
        begins, the first one with the last weight."""

    def take_sum(self, number: int, total: ndarray, moves: bool) -> None:
        """The sum for the exchange of this number, also where this loop has no rows of the batch; moves: whether
        statistics of layers are moved by it, which one loop of a process does."""

    @property
    def totals(self) -> tuple[float, list[float], list[float], list[float], list[float]]:
        """Of this pass so far, sums over the rows: of the loss; of each output's loss, where there are several; of the
        metrics; and how many rows of each output the metrics count. And what the loss of each output was divided by in
        the last batch."""
    @property
    def over(self) -> bool:
        """Whether the pass is over."""
    @property
    def asks_python(self) -> bool:
        """Whether a layer or loss is computed in Python, so that `Passes` does not take it."""
    @property
    def gradients(self) -> list[ndarray]:
        """Those of the last batch, in the order of the weights; overwritten by the next."""
    @property
    def gradient_memory(self) -> ndarray:
        """The memory of all of them as one vector, with zeros between."""
    @property
    def outputs(self) -> Any:
        """A copy of those of the last batch, (its rows, outputs), from before its step; no rows before the first."""
    @property
    def masks(self) -> list[ndarray | None]:
        """For each output which rows of the last batch count: (its rows, vectors of a row) of bool; None: all."""

    def profile(self, seconds: float) -> list[tuple[str, float]]:
        """As advance, and the seconds that full batches spent in each stage of a step: (what it does, seconds)."""
    @property
    def batches(self) -> int:
        """How many are done of this pass."""
    @property
    def progress(self) -> tuple[int, int, float, list[float]]:
        """Of this pass so far: batches done, rows done, mean loss; and mean losses of the outputs without their
        factors, where several have one, and metrics, output by output; weighted by rows."""
