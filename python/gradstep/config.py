"""Settings of the process: default dtype, threads, and the build."""

from __future__ import annotations

import os

from . import _core
from .checks import check_choice, check_int
from .console import show

__all__ = ["floatx", "get_num_threads", "set_floatx", "set_num_threads", "show_config"]

FLOATS = {"float32": "float32", "float64": "float64"}

_floatx = "float32"


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
