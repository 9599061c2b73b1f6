"""Arrays on a GPU: CuPy's, PyTorch's and others', which an optimizer steps where they lie.

Only a build with CUDA has the code for it (``-C cmake.define.GRADSTEP_CUDA=ON``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import _core
from ...checks import describe

__all__ = ["BUILD", "DeviceArray", "DeviceCore", "as_device_array", "is_on_gpu", "refusal"]

BUILD: str = _core.build_info()["cuda"]  # "": no CUDA; "host": its loops on the CPU, for tests
GPU = 2  # kDLCUDA of the DLPack standard
UNCOPIED = (
    "arrays on a GPU cannot be copied or pickled with their optimizer; keep state_dict(), whose arrays are NumPy's, "
    "and load_state_dict() it."
)


def _torch_tensor() -> Any:
    """PyTorch's class of tensors if it was imported; nobody else has one of them."""
    torch = sys.modules.get("torch")
    return getattr(torch, "Tensor", None)


def is_on_gpu(value: Any) -> bool:
    """Whether an array lies on a CUDA device."""
    if isinstance(value, (np.ndarray, type)):
        return False
    tensor = _torch_tensor()
    if tensor is not None and isinstance(value, tensor):
        return bool(value.is_cuda)
    if hasattr(value, "__cuda_array_interface__"):
        return True
    return hasattr(value, "__dlpack_device__") and value.__dlpack_device__()[0] == GPU


def refusal(name: str) -> str:
    """What to say of an array on a GPU in a build without CUDA."""
    return (
        f"{name} must be in CPU memory; it is on a GPU, and this build of gradstep has no CUDA code. "
        "pip install gradstep --no-binary gradstep -C cmake.define.GRADSTEP_CUDA=ON builds it, with nvcc."
    )


def _reader() -> Any:
    tensor = _torch_tensor()
    if tensor is None:
        return _core.DeviceReader()
    source = getattr(tensor, "__dlpack_c_exchange_api__", None) or sys.modules["torch"].utils.dlpack.to_dlpack
    return _core.DeviceReader(tensor, source)


def _float32_of_bfloat16(words: np.ndarray) -> np.ndarray:
    return (words.astype(np.uint32) << 16).view(np.float32)


def _bfloat16_of_float32(numbers: np.ndarray) -> np.ndarray:
    """The words nearest to numbers, ties to even."""
    bits = np.ascontiguousarray(numbers, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return np.where(np.isnan(numbers), bits >> 16 | 0x40, rounded).astype(np.uint16)


class DeviceArray:
    """An array on a GPU, in C order: a parameter, or state of one.

    ``cupy.asarray`` and others take it as it is, by ``__cuda_array_interface__``; ``copy()`` brings it to NumPy, and
    ``array[...] = values`` sets it. Both wait for all that the GPU does.
    """

    def __init__(self, owner: Any, address: int, shape: tuple[int, ...], dtype: str, device: int) -> None:
        self._owner = owner  # whose memory it is
        self.address, self.shape, self.device = address, shape, device
        self._is_bfloat16 = dtype == "bfloat16"
        self._stored = np.dtype(np.uint16 if self._is_bfloat16 else dtype)
        self.dtype: Any = dtype if self._is_bfloat16 else self._stored
        self.ndim, self.size = len(shape), int(np.prod(shape, dtype=np.int64))

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        typestr = "<V2" if self._is_bfloat16 else self._stored.str
        return {"shape": self.shape, "typestr": typestr, "data": (self.address, False), "strides": None, "version": 3}

    def __dlpack_device__(self) -> tuple[int, int]:
        return GPU, self.device

    def __repr__(self) -> str:
        return f"DeviceArray(shape={self.shape}, dtype={self.dtype}, device={self.device})"

    def __reduce__(self) -> Any:
        raise TypeError(UNCOPIED)

    def copy(self) -> np.ndarray:
        """A copy in CPU memory; of bfloat16, as float32."""
        found = np.empty(self.shape, self._stored)
        if self.size:
            _core.device_read(self.device, found, self.address)
        return _float32_of_bfloat16(found) if self._is_bfloat16 else found

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.copy() if dtype is None else self.copy().astype(dtype)

    def __float__(self) -> float:
        return float(self.copy())

    def __setitem__(self, key: Any, values: Any) -> None:
        if key is not Ellipsis:
            raise TypeError(f"only array[...] can be set; got {key!r}.")
        if isinstance(values, DeviceArray):
            if (values.dtype, values.shape, values.device) == (self.dtype, self.shape, self.device):
                if self.size:
                    _core.device_copy(self.device, self.address, values.address, self.size * self._stored.itemsize)
                return
            values = values.copy()
        stored = _bfloat16_of_float32(np.asarray(values)) if self._is_bfloat16 else np.asarray(values, self._stored)
        if self.size:
            host = np.ascontiguousarray(np.broadcast_to(stored, self.shape))
            _core.device_write(self.device, self.address, host)


def as_device_array(value: Any, name: str) -> DeviceArray:
    """A parameter on a GPU: its memory. TypeError or ValueError if it cannot be stepped in place."""
    if not BUILD:
        raise TypeError(refusal(name))
    if getattr(value, "requires_grad", False):
        raise TypeError(f"{name} must be detached from its graph; pass {name}.detach().")
    return DeviceArray(value, *_reader().read(value, name))


NUMBERS = ("iterations", "accumulated", "skipped", "seed", "halted")  # of an engine, that may be set


class DeviceCore:
    """The engine's optimizer over arrays on one GPU, in place of `_core.Optimizer`, to which it leaves all numbers.

    Parameters
    ----------
    host : _core.Optimizer
        Hyperparameters, groups, schedules and the step count; it has no arrays.
    device : int
        Number of the GPU.
    """

    def __init__(self, host: _core.Optimizer, device: int) -> None:
        self.host, self.device = host, device
        self._core = _core.DeviceOptimizer(host, device)
        self._arrays: list[DeviceArray] = []
        self._places: dict[tuple[int, tuple[int, ...], str], int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.host, name)

    def __len__(self) -> int:
        return len(self._arrays)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in NUMBERS:
            return super().__setattr__(name, value)
        setattr(self.host, name, value)
        if name == "iterations":
            self._core.set_steps(value)
        return None

    def find(self, array: Any) -> int:
        if not isinstance(array, DeviceArray):
            return -1
        if not array.size:  # which has no place
            same = (i for i, other in enumerate(self._arrays) if other._owner is array._owner)
            return next(same, -1)
        return self._places.get((array.address, array.shape, str(array.dtype)), -1)

    def add(
        self,
        arrays: Sequence[Any],
        labels: Sequence[str],
        groups: Sequence[int],
        decays: Sequence[bool],
        fallbacks: Sequence[bool],
        layers: Sequence[tuple[int, int]],
    ) -> list[int]:
        self._core.add([array._owner for array in arrays], list(labels), list(groups), list(decays), _reader())
        first = len(self._arrays)
        for array in arrays:
            self._places[array.address, array.shape, str(array.dtype)] = len(self._arrays)
            self._arrays.append(array)
        return list(range(first, len(self._arrays)))

    def truncate(self, length: int) -> None:
        self._core.truncate(length)
        del self._arrays[length:]
        self._places = {place: index for place, index in self._places.items() if index < length}

    def parameter(self, index: int) -> DeviceArray:
        return self._arrays[index]

    def is_abandoned(self, index: int, held: int = 1) -> bool:
        """Others may hold an array on a GPU in ways that are not seen here."""
        return False

    def state(self, index: int) -> dict[str, Any]:
        return {name: self._state_array(*found) for name, *found in self._core.state(index)}

    def numbers(self, index: int, slot: str) -> np.ndarray:
        """A copy of a slot in CPU memory, as numbers."""
        found: np.ndarray = self.state(index)[slot].copy()
        return _float32_of_bfloat16(found) if found.dtype == np.uint16 else found

    def scalars(self) -> dict[str, Any]:
        return {name: self._state_array(*found) for name, *found in self._core.scalars()}

    def _state_array(self, *found: Any) -> Any:
        if len(found) == 1:
            return found[0]
        address, shape, dtype = found
        return DeviceArray(self._core, address, shape, dtype, self.device)

    def set_decays(self, index: int, decays: bool) -> None:
        self._core.set_decays(index, decays)

    def group_of(self, index: int) -> int:
        return self._core.group_of(index)

    def flush(self) -> None:
        """There are no row-sparse gradients on a GPU, and so no rows that are behind."""

    def bound(self, indices: list[int], labels: list[str]) -> Any:
        """The step over some of the arrays."""
        owners = [self._arrays[index]._owner for index in indices]
        return _core.DeviceBound(self._core, indices, labels, owners, _reader(), _stream_of(owners, self.device))


def _stream_of(owners: Sequence[Any], device: int) -> Callable[[], int] | None:
    """What gives the caller's present stream: PyTorch's, of its tensors; arrays of others say it themselves."""
    tensor = _torch_tensor()
    if tensor is None or not any(isinstance(owner, tensor) for owner in owners):
        return None
    torch = sys.modules["torch"]

    def stream() -> int:
        return int(torch.cuda.current_stream(device).cuda_stream)

    return stream


def core_for(core: Any, array: Any, name: str, has_others: bool) -> Any:
    """The engine for an array, on a GPU or not. TypeError if it has others, in another memory."""
    device = array.device if isinstance(array, DeviceArray) else None
    known = core.device if isinstance(core, DeviceCore) else None
    if device == known or (has_others and device is not None and known is not None):
        return core
    if has_others and device is None:
        raise TypeError(f"{name} must be on GPU {known}, as the others; got {describe(array)}.")
    if has_others:
        raise TypeError(f"{name} must be in CPU memory, as the others; it is on GPU {device}.")
    host = core if known is None else core.host
    return host if device is None else DeviceCore(host, device)
