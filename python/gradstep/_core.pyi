"""Types of the compiled engine. Private: the public API is ``gradstep`` itself."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from numpy import ndarray

from ._core_device import DeviceBound as DeviceBound
from ._core_device import DeviceLoop as DeviceLoop
from ._core_device import DeviceOptimizer as DeviceOptimizer
from ._core_device import DeviceReader as DeviceReader
from ._core_device import device_copy as device_copy
from ._core_device import device_missing as device_missing
from ._core_device import device_predict as device_predict
from ._core_device import device_problem as device_problem
from ._core_device import device_read as device_read
from ._core_device import device_write as device_write
from ._core_linear import LinearDescent as LinearDescent
from ._core_linear import LinearObjective as LinearObjective
from ._core_linear import coordinate_descent as coordinate_descent
from ._core_linear import dual_descent as dual_descent
from ._core_linear import linear_epochs as linear_epochs
from ._core_linear import linear_losses as linear_losses
from ._core_linear import linear_step_lengths as linear_step_lengths
from ._core_losses import activation as activation
from ._core_losses import activation_backward as activation_backward
from ._core_losses import activations as activations
from ._core_losses import check_loss as check_loss
from ._core_losses import constrained as constrained
from ._core_losses import loss as loss
from ._core_losses import losses as losses
from ._core_losses import metrics as metrics
from ._core_losses import penalize as penalize
from ._core_losses import penalty as penalty
from ._core_losses import reduce as reduce
from ._core_losses import whole_batch_losses as whole_batch_losses
from ._core_matrices import add_bfloat16 as add_bfloat16
from ._core_matrices import cholesky as cholesky
from ._core_matrices import cholesky_inverse as cholesky_inverse
from ._core_matrices import cholesky_solve as cholesky_solve
from ._core_matrices import divide_bfloat16 as divide_bfloat16
from ._core_matrices import matmul as matmul
from ._core_matrices import read_bfloat16 as read_bfloat16
from ._core_matrices import scale_to_bfloat16 as scale_to_bfloat16
from ._core_minimize import BFGS as BFGS
from ._core_minimize import CMA as CMA
from ._core_minimize import LBFGS as LBFGS
from ._core_minimize import REASONS as REASONS
from ._core_minimize import CMAMethod as CMAMethod
from ._core_minimize import Descent as Descent
from ._core_minimize import DescentMethod as DescentMethod
from ._core_minimize import MachineCode as MachineCode
from ._core_minimize import Many as Many
from ._core_minimize import Memory as Memory
from ._core_minimize import descend as descend
from ._core_minimize import largest as largest
from ._core_minimize import line_search as line_search
from ._core_minimize import open_capsule as open_capsule
from ._core_passes import CurvatureLoop as CurvatureLoop
from ._core_passes import ForwardBackward as ForwardBackward
from ._core_passes import Passes as Passes
from ._core_passes import shuffled as shuffled
from ._core_torch import TensorGroups as TensorGroups
from ._core_train_loop import TrainLoop as TrainLoop

__version__: str

# -- what was built, and where it runs (csrc/bindings/build_info.cpp) --------------------------------------------------

def build_info() -> dict[str, Any]:
    """version, compiler, isas (compiled and usable here, best last), isa (in use), openmp, threads, caches (bytes of
    the first, second and third, as a core sees them), cuda ("", "built", or "host" for its
    loops on the CPU), debug."""

def set_isa(name: str) -> None:
    """Use this instruction set from now on; ValueError if it was not compiled or the CPU lacks it."""

def get_num_threads() -> int: ...
def set_num_threads(threads: int) -> None: ...
def is_polling() -> bool:
    """Whether a call into the engine handles signals now, and ends if one raises."""

def after_fork_in_child() -> None:
    """One thread from now on, until set_num_threads is called."""

def address(array: ndarray) -> int:
    """Where its first element lies in memory, by which all views of it are known as one."""

def aligned_zeros(shape: tuple[int, ...], dtype: str) -> ndarray:
    """A C-ordered array of zeros whose first element lies on a 64-byte border."""

# -- one optimizer over many arrays (csrc/bindings/optimizers/optimizers.cpp) ------------------------------------------

def rules() -> dict[str, dict[str, Any]]:
    """Every update rule of csrc/optimizers/all.hpp by name:
    ``{"fields": ((name, default, doc, low, high, low_open, high_open), ...), "common": the same for those that every
    rule has (csrc/optimizers/every.hpp), "slots": (name, ...),
    "measures": bool, whether it sums over all elements before it moves the first; "global_sums": bool, over all
    parameters; "scalars": (name, ...), numbers that it keeps, for each parameter or with global sums once;
    "matrices": bool, whether slots have shapes of their own}``."""

def rule(name: str) -> dict[str, Any]:
    """One of them; or TorchNadamWithProduct, for gradstep.torch."""

class Optimizer:
    """A rule with its hyperparameters, its step counter, and the arrays it moves with their state."""

    def __init__(self, rule: str, values: dict[str, float], options: dict[str, Any] = ...) -> None: ...
    @property
    def rule(self) -> str: ...
    iterations: int
    accumulated: int
    """Gradients of the next step that are already summed."""
    skipped: int
    """Steps that were not made because a gradient was not finite."""
    seed: int
    """Of stochastic rounding."""
    def get(self, field: str, group: int = 0) -> float: ...
    def set(self, field: str, value: float, group: int = 0) -> None:
        """A group's value is its own from then on."""
    def is_own(self, field: str, group: int) -> bool: ...
    def add_group(self, values: dict[str, float]) -> int:
        """A group with values of its own for some fields; its number."""
    def truncate_groups(self, length: int) -> None: ...
    @property
    def groups(self) -> int: ...
    def group_of(self, index: int) -> int: ...
    def schedule(self, field: str, make: Callable[[int, int], ndarray], group: int = 0) -> None:
        """From now on make(first, count) gives the field's values: float64, at least `count` of them, for the steps
        taken after `first` others. A step whose value is out of bounds is a ValueError that names it."""
    def starts(self) -> dict[str, float]:
        """What every slot holds before the first step."""

    def __len__(self) -> int:
        """How many parameters have been added."""

    def add(
        self,
        arrays: Sequence[ndarray],
        labels: Sequence[str],
        groups: Sequence[int] = ...,
        decays: Sequence[bool] = ...,
        fallbacks: Sequence[bool] = ...,
        layers: Sequence[tuple[int, int]] = ...,
    ) -> list[int]:
        """Register arrays (all or none) and make their state; labels name them in errors: ``[3]`` or ``['w']``.
        layers: inputs (of a kernel, with the bias's) and outputs of the Dense layer of each, or (0, 0)."""
    def layer_sizes(self, index: int) -> tuple[int, int]:
        """What `add` was told of the layer of a parameter, where the rule finds its curvature."""

    def set_decays(self, index: int, decays: bool) -> None:
        """Whether weight_decay counts for a parameter."""

    def decays(self, index: int) -> bool: ...
    def uses_fallback(self, index: int) -> bool:
        """Whether a parameter of two axes counts as no matrix to a rule that makes matrices orthogonal."""

    def is_abandoned(self, index: int, held: int = 1) -> bool:
        """Whether nobody but the optimizer holds an array or its base; False if no ndarray lends the memory."""

    def check_unmoved(self, index: int, label: str) -> None:
        """Raise if an array was resized, reshaped, reallocated, made read-only or given another dtype since."""

    def replace(self, index: int, array: ndarray, label: str) -> None:
        """Go on with another array of the same shape and dtype in the place of one."""

    def truncate(self, length: int) -> None:
        """Forget the parameters added after the first `length`, and their state."""

    def flush(self) -> None:
        """Have the rows of all parameters take the steps that row-sparse gradients made them miss. Without the GIL."""

    def flush_rows(self, index: int, rows: ndarray) -> None:
        """The same for some rows (int64, contiguous) of one parameter."""

    def find(self, array: ndarray) -> int:
        """Index of the parameter with the same memory, shape, strides and dtype; -1 if there is none."""

    def parameter(self, index: int) -> ndarray: ...
    def scalars(self) -> dict[str, ndarray]:
        """Name to number of what the rule keeps for all parameters: the state itself, shape (), writable."""
    def state(self, index: int) -> dict[str, ndarray]:
        """Slot name to array, shape of the parameter, C order, writable: the state itself, not a copy."""

    def numbers(self, index: int, slot: str) -> ndarray:
        """A copy of a slot of the rule as numbers, whatever it is kept in."""

    halted: str
    """Why no step may be taken now; empty if one may."""

class Bound:
    """Some parameters of an optimizer in a fixed order: nothing is looked up per step."""

    def __init__(
        self, optimizer: Optimizer, indices: Sequence[int], labels: Sequence[str], convert: Callable[[Any, str], Any]
    ) -> None:
        """convert(object, name) makes an ndarray of a gradient that is not exactly a numpy.ndarray, or a RowSparse:
        shape of the dense gradient; rows int64 (n,); values (n, ...) of its dtype; both in C order."""

    def step(self, gradients: Any, /) -> None:
        """One step. gradients: a sequence in order, or one array if bound to one with the label ""; None skips its
        parameter; with nothing but None no step is made and iterations stays."""

    def check(self, gradients: Any, /) -> None:
        """Raises what `step` would raise before it writes anything."""

# -- what is around optimizers (csrc/bindings/optimizers/stepper.cpp) --------------------------------------------------

def meet(arrays: Sequence[ndarray], slow: Sequence[ndarray], part: float) -> None:
    """slow, in C order, float64 for float64 arrays, else float32, goes part of the way to arrays, which then are where
    it is."""

def climb(arrays: Sequence[ndarray], gradients: Sequence[ndarray], rho: float, adaptive: bool) -> None:
    """arrays move uphill, all together by the distance rho; adaptive: in units of their numbers."""

def norm(arrays: Sequence[ndarray]) -> float:
    """Root of the sum of squares of all their numbers, in double."""

# -- dense networks (csrc/bindings/models/network.cpp) -----------------------------------------------------------------

def weight_shapes(inputs: Sequence[tuple[int, ...]], layer: dict[str, Any], /) -> list[list[int]]:
    """The shapes that the weights of a layer would have, for inputs of rows of these shapes. Nothing is allocated."""

class Guard:
    """A lock of weights, for ``with``: held while they change. Whoever predicts with the networks that have it, or
    steps their weights, holds it too, and several may predict at once. Threads get it in the order in which they ask;
    the one that has it may enter again. A copy is another lock."""

    def __init__(self, other: Guard = ...) -> None:
        """other: one that this is joined with."""

    def join(self, other: Guard) -> None:
        """From now on both are one lock."""

    def __enter__(self) -> None: ...
    def __exit__(self, *error: object) -> None: ...

class Network:
    """Calls of layers on each other's outputs; parameters in one 64-byte-aligned arena, or in arrays that are given.

    Where there are several inputs or outputs, arguments and results of its methods, and of those of what runs it, are
    lists of what they are for one."""
    def __init__(
        self,
        inputs: int | Sequence[tuple[int, ...]],
        layers: Sequence[dict[str, Any]],
        dtype: str,
        kept: Sequence[Sequence[ndarray]] | None = None,
        guard: Guard | None = None,
        nodes: Sequence[Any] | None = None,
        outputs: Sequence[int] | None = None,
        masks: Sequence[int | None] | None = None,
    ) -> None:
        """inputs: shapes of a row of each; or how many numbers are in those of the only one. layers: ``{"kind": name}``
        and settings as its header in csrc/layers has them; "weights": of each, whether "trainable", "updated", its
        "penalty", "constraint". kept: arrays that weights are; guard: their lock. nodes: calls, each of a layer's
        number and the values that it reads, or of None, a value, and the shape that it is to have; values are the
        inputs, then what the nodes give. None: the layers in a row. outputs: values; None: the last. masks: for each
        output the value that is 0 where it is not scored, or None."""
    @property
    def outputs(self) -> list[int]:
        """Numbers a row of each."""
    @property
    def parameters(self) -> list[list[ndarray]]:
        """A list per layer: kernel (in, out) and bias (out,), zeros at the start; views of the arena, writable."""
    @property
    def penalty(self) -> float:
        """What the penalties of all weights add to a loss."""
    @property
    def numbers(self) -> int:
        """How many numbers all layers give for a row."""
    @property
    def masked(self) -> list[bool]:
        """Whether a value of the network says which rows of each output count."""
    @property
    def takes_sparse(self) -> list[bool]:
        """Whether the rows of each input may be sparse: only Dense layers read it, each of which is called once."""
    @property
    def batch(self) -> int:
        """Rows that each batch must have where layers keep states between batches; 0: any."""
    @property
    def trained(self) -> list[list[bool]]:
        """Whether each weight is trained, a list per layer."""
    @property
    def dense_weights(self) -> list[tuple[int, int, int, bool, bool]]:
        """Of each trained weight, in order: inputs (of a kernel, with the bias's), outputs and calls of its Dense
        layer, whether it has a penalty; all 0 of other layers, and where some weights of the layer are not trained."""

    def set_weight_attributes(self, weights: Sequence[Sequence[dict[str, Any] | None]]) -> None:
        """New attributes of weights, as in "weights" of layers; training loops that were made before keep theirs."""

    def predict(self, x: Given, out: Given, batch_size: int, begin: int, seconds: float) -> int:
        """Fill rows of out (rows, outputs) from x (rows, inputs), batch by batch from row begin, until about
        `seconds` have passed; the row to go on from. Without the GIL."""

    @property
    def passes(self) -> int:
        """How many `value_and_grad` made."""

    def value_and_grad(
        self,
        loss: Any,
        x: Given,
        y: Given,
        number: int = 0,
        weights: Given | None = None,
        mask: Given | None = None,
        dx: bool = False,
    ) -> tuple[float, list[ndarray], list[ndarray]]:
        """The loss, as `loss` takes it; its gradients by the weights that are trained, in order; and, if `dx` asks for
        them, by each x, (rows, inputs)."""

    def row_jacobian(self, x: Given, ids: ndarray, number: int, places: Sequence[int], to: ndarray) -> None:
        """x (rows, inputs) -> to (rows * numbers of all outputs, n), float64: gradients of each number of each row by
        the trained weights, in training; places: where each begins in n. ids (rows,) int64, number: as `forward`."""

    def jvp(
        self,
        x: Given,
        directions: Moves | None = None,
        dx: Moves | None = None,
        number: int = 0,
        training: bool = False,
    ) -> tuple[list[ndarray], list[ndarray]]:
        """Outputs, and how they move along directions of the trained weights, in order, and of the inputs."""

    def gauss_newton_product(
        self, loss: Any, x: Given, y: Given, directions: Moves, number: int = 0, weights: Any = None, mask: Any = None
    ) -> list[ndarray]:
        """J^T H J v of the trained weights, in order, and what their penalties add."""

# An array, or a list of one for each input or output; None where there is nothing to be said.
Given: TypeAlias = ndarray | Sequence[ndarray | None]
Moves: TypeAlias = Sequence[ndarray | None]  # directions of what moves

# -- C functions -------------------------------------------------------------------------------------------------------
def step_api() -> Any:
    """Capsule "gradstep.step_api": the C functions behind gradstep.cython (csrc/bindings/c_api.hpp)."""
