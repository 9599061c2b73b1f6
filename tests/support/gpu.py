"""Arrays that say they are on a GPU, for builds whose CUDA loops run on the CPU (``GRADSTEP_CUDA=HOST``)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gradstep import _core

__all__ = ["OnGPU", "host_build"]

# The same code as on a GPU, launches aside: `make asan` has such a build.
host_build = pytest.mark.skipif(_core.build_info()["cuda"] != "host", reason="not a build with GRADSTEP_CUDA=HOST")


class OnGPU:
    """What lends the memory of a NumPy array as CuPy lends that of a GPU."""

    def __init__(self, array: np.ndarray, device: int = 0, stream: int | None = 1, read_only: bool = False) -> None:
        self.array, self.device, self.stream, self.read_only = array, device, stream, read_only
        self.dtype = array.dtype

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        contiguous = self.array.flags.c_contiguous
        return {
            "shape": self.array.shape,
            "typestr": self.array.dtype.str,
            "data": (self.array.ctypes.data, self.read_only),
            "strides": None if contiguous else self.array.strides,
            "version": 3,
            "stream": self.stream,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.device
