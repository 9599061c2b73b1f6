"""Scripts that several processes run: ``mpiexec -n 4 python -m gradstep train.py``."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from .data_parallel import world

__all__ = ["run_script"]


def run_script(path: str, arguments: Sequence[str] = ()) -> None:
    """Run a script as ``python path arguments`` does; an exception in one process ends all that mpiexec started.

    Without that, the others would wait for ever for the one that failed.
    """
    sys.argv = [path, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    comm = world()
    if comm is None or comm.size == 1:
        runpy.run_path(path, run_name="__main__")
        return
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        if end.code in (None, 0):
            raise
        _abort(comm, str(end.code) if isinstance(end.code, str) else f"exit {end.code}")
    except BaseException:
        _abort(comm, traceback.format_exc())


def _abort(comm: Any, text: str) -> None:
    """End all processes, and say which one failed."""
    rank, size = comm.rank, comm.size
    sys.stdout.flush()
    print(f"rank {rank} of {size} failed, and ends all:\n{text}", file=sys.stderr, flush=True)
    comm.Abort(1)
