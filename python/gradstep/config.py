"""Settings of the process: default dtype, threads, and the build."""

from __future__ import annotations

import os

from . import _core
from .checks import check_choice, check_int
from .console import show

__all__ = [
    "epsilon",
    "floatx",
    "get_device",
    "get_num_threads",
    "image_data_format",
    "set_device",
    "set_floatx",
    "set_image_data_format",
    "set_num_threads",
    "show_config",
]

FLOATS = {"float32": "float32", "float64": "float64"}

DEVICES = {"cpu": "cpu", "cuda": "cuda"}

# Where layers take other orders of the axes, they have an argument for it.
IMAGE_FORMATS = {"channels_last": "channels_last"}

_floatx = "float32"
_device = "cpu"


def floatx() -> str:
    """Default dtype of layers: "float32", or what `set_floatx` set.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.config.floatx()
    'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default dtype of layers.

    Parameters
    ----------
    value : {"float32", "float64"}
        With "float64" all weights, sums and outputs are float64; inputs are converted to it.

    Raises
    ------
    TypeError, ValueError
        Not one of these names.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.config.set_floatx("float64")
    >>> gs.layers.Dense(3).dtype
    'float64'
    >>> gs.config.set_floatx("float32")
    """
    global _floatx
    _floatx = check_choice("floatx", value, FLOATS)


def epsilon() -> float:
    """Small number that keeps divisions and logarithms finite, in losses and metrics: 1e-7, as Keras's.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.config.epsilon()
    1e-07
    """
    return 1e-7


def image_data_format() -> str:
    """Default order of the axes of images: "channels_last", (rows, height, width, channels).

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.config.image_data_format()
    'channels_last'
    """
    return "channels_last"


def set_image_data_format(data_format: str) -> None:
    """Set the default order of the axes of images, of which there is one here; Keras's scripts say which they need.

    Parameters
    ----------
    data_format : {"channels_last"}
        Layers over images of another order take ``data_format="channels_first"``.

    Raises
    ------
    TypeError, ValueError
        Not this name.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.config.set_image_data_format("channels_last")
    """
    check_choice("data_format", data_format, IMAGE_FORMATS)


def get_device() -> str:
    """Where models compute: "cpu", or what `set_device` set.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.config.get_device()
    'cpu'
    """
    return _device


def set_device(device: str) -> None:
    """Set where ``fit``, ``evaluate``, ``predict`` and the calls on single batches compute.

    With "cuda" that is the first GPU that is visible to the process. Data are copied to it once for each call. Weights
    and the state of the optimizer stay in CPU memory: they are copied to the GPU when some batches begin, and back
    when these end, so that callbacks, ``weights`` and ``save`` see them as on the CPU. Results are those of the CPU up
    to rounding; shuffles and dropout are the same.

    The GPU computes chains of ``Dense``, ``Activation``, ``Dropout``, ``Rescaling``, ``Flatten`` and ``Reshape`` layers
    without regularizers and constraints, with the losses that see a row at a time and any optimizer that moves
    elements or takes norms. Calls with something else raise an error that names it. Products of matrices are cuBLAS's,
    in full float32 or float64.

    The code for GPUs has been compiled, and tested in loops on the CPU. It has not been run on a GPU yet.

    Parameters
    ----------
    device : {"cpu", "cuda"}

    Raises
    ------
    TypeError, ValueError
        Not one of these names.
    RuntimeError
        This build of gradstep has no CUDA code, or there is no GPU, or no cuBLAS.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.config.set_device("cpu")
    """
    global _device
    chosen = check_choice("device", device, DEVICES)
    if chosen == "cuda":
        _check_gpu()
    _device = chosen


def _check_gpu() -> None:
    """Raise RuntimeError if there is no GPU for models."""
    if not _core.build_info()["cuda"]:
        raise RuntimeError(
            "this build of gradstep has no CUDA code; pip install gradstep --no-binary gradstep "
            "-C cmake.define.GRADSTEP_CUDA=ON builds it, with nvcc."
        )
    missing = _core.device_missing()
    if missing:
        raise RuntimeError(
            f"{missing}; models compute on a GPU where NVIDIA's driver and cuBLAS are installed and found by the "
            "system (LD_LIBRARY_PATH), or were loaded by another package before."
        )


def get_num_threads() -> int:
    """Number of threads that computations may use.

    OpenMP obeys ``OMP_NUM_THREADS``, the process's CPU affinity and threadpoolctl. There are at most four threads for
    each processor, or 16 if that is more, and a computation takes no more than it has chunks of work.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.get_num_threads() >= 1
    True
    """
    return _core.get_num_threads()


def set_num_threads(threads: int) -> None:
    """Set the number of threads. Results have the same bits for every number.

    More than the processors gain nothing; `get_num_threads` says how many there may be at most.

    Raises
    ------
    TypeError
        Not an int.
    ValueError
        Less than 1.

    Examples
    --------
    >>> import gradstep as gs
    >>> before = gs.get_num_threads()
    >>> gs.set_num_threads(1)
    >>> gs.get_num_threads()
    1
    >>> gs.set_num_threads(before)
    """
    _core.set_num_threads(check_int("threads", threads, 1))


def show_config() -> None:
    """Print version, compiler, instruction sets, threads and OpenMP runtimes, for bug reports.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.show_config()  # doctest: +ELLIPSIS
    gradstep ...
    """
    import platform

    import numpy as np

    info = _core.build_info()
    entries = {
        "gradstep": info["version"],
        "compiler": info["compiler"],
        "instruction set": f"{info['isa']} (usable here: {', '.join(info['isas'])})",
        "threads": f"{info['threads']} (of {os.cpu_count()} processors)",
        "OpenMP": f"{info['openmp']} ({', '.join(_openmp_runtimes()) or 'runtime unknown'})"
        if info["openmp"]
        else "none",
        "CUDA loops": {"": "not built", "host": "built for tests, without a GPU"}.get(info["cuda"], "built"),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "system": platform.platform(),
    }
    width = max(map(len, entries))
    for name, value in entries.items():
        show(f"{name:<{width}}  {value}")


def _openmp_runtimes() -> list[str]:
    """File names of the OpenMP libraries in this process; none where the system has no /proc."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
    except OSError:
        return []
    names = {os.path.basename(path) for path in paths}
    return sorted(name for name in names if name.startswith(("libgomp", "libomp", "libiomp")))
