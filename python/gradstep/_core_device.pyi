"""Types of what the compiled engine has for arrays on a GPU, in a build with CUDA: a part of ``_core``.

Addresses are of the device's memory.
"""

from collections.abc import Callable, Sequence
from typing import Any

from numpy import ndarray

from ._core import Network, Optimizer

class DeviceReader:
    """Finds where arrays on a GPU lie."""

    def __init__(self, type: Any = None, source: Any = None) -> None:
        """type, source: PyTorch's class of tensors and its table of DLPack's functions, or None."""

    def read(self, array: Any, name: str) -> tuple[int, tuple[int, ...], str, int]:
        """Address, shape, dtype and device. TypeError or ValueError if it cannot be stepped as it lies."""

class DeviceOptimizer:
    """The arrays of an optimizer on one GPU, with their state."""

    def __init__(self, optimizer: Optimizer, device: int) -> None: ...
    def add(
        self,
        arrays: Sequence[Any],
        labels: Sequence[str],
        groups: Sequence[int],
        decays: Sequence[bool],
        reader: DeviceReader,
        /,
    ) -> None: ...
    def truncate(self, length: int, /) -> None: ...
    def state(self, index: int, /) -> list[tuple[Any, ...]]:
        """Name, address, shape and dtype of each slot; name and array (int64, in CPU memory) of the count of steps."""

    def scalars(self) -> list[tuple[Any, ...]]: ...
    def set_steps(self, count: int, /) -> None: ...
    def set_decays(self, index: int, decays: bool, /) -> None: ...
    def group_of(self, index: int, /) -> int: ...
    def __len__(self) -> int: ...

class DeviceBound:
    """Steps of some of the arrays."""

    def __init__(
        self,
        optimizer: DeviceOptimizer,
        indices: Sequence[int],
        labels: Sequence[str],
        arrays: Sequence[Any],
        reader: DeviceReader,
        stream: Callable[[], int] | None,
        /,
    ) -> None:
        """stream: gives the one that steps are queued on; None: that of the gradients."""

    def step(self, gradients: Any, /) -> None: ...
    def check(self, gradients: Any, /) -> None: ...

def device_read(device: int, to: ndarray, address: int, /) -> None:
    """Waits for the device, and copies."""

def device_write(device: int, address: int, values: ndarray, /) -> None: ...
def device_copy(device: int, to: int, address: int, bytes: int, /) -> None: ...

class DeviceLoop:
    """A run over data on a GPU, used as a `TrainLoop`; data are copied there."""

    def __init__(
        self,
        network: Network,
        loss: Any,
        metrics: Any,
        x: Any,
        y: Any,
        batch_size: int,
        optimizers: Sequence[Optimizer] = ...,
        places: Sequence[tuple[int, int]] = ...,
        weights: Any = None,
        mask: Any = None,
        outputs: bool = False,
    ) -> None: ...
    def take(self, x: Any, y: Any, weights: Any = None, mask: Any = None) -> None: ...
    def release(self) -> None: ...
    def start(self, order: ndarray | None, number: int = 0, ids: ndarray | None = None) -> None: ...
    def advance(self, seconds: float, /) -> bool: ...
    @property
    def batches(self) -> int: ...
    @property
    def progress(self) -> tuple[int, int, float, list[float]]: ...
    @property
    def outputs(self) -> ndarray: ...
    @property
    def masks(self) -> list[None]: ...
    @property
    def over(self) -> bool: ...

def device_predict(network: Network, x: Any, out: Any, batch_size: int, begin: int, seconds: float, /) -> int:
    """As `Network.predict`."""

def device_problem(network: Network, loss: Any = None, metrics: Any = None) -> tuple[int | None, str] | None:
    """Which layer keeps a model from a GPU, or None for the model itself, and why; None: nothing does."""

def device_missing() -> str:
    """Why there is no GPU for models; empty: there is one."""
