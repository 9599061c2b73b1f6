"""Scripts that several processes run, started by mpiexec."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["PATIENCE", "mpiexec", "ran"]

PATIENCE = 300  # seconds; ends what hangs


def mpiexec(ranks: int, script: str | Path, *arguments: str) -> dict[str, Any]:
    """Arguments for `subprocess` that run a script in so many processes of one thread each."""
    beside = Path(sys.executable).with_name("mpiexec")
    starter = str(beside) if beside.exists() else shutil.which("mpiexec")
    assert starter is not None, "mpiexec comes with the package mpich, of the extra mpi"
    path = [str(Path(__file__).parent), *sys.path]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in path if entry),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # A process that waits lets go of its core at once: there may be more of them than cores.
        "MPIR_CVAR_ENABLE_HEAVY_YIELD": "1",
        "MPIR_CVAR_POLLS_BEFORE_YIELD": "1",
    }
    run = [sys.executable, "-m", "gradstep", str(script), *arguments]
    return {"args": [starter, "-n", str(ranks), *run], "env": environment, "text": True}


def ran(ranks: int, script: str | Path, *arguments: str) -> str:
    """What a script printed in all processes; an AssertionError with its errors if it failed."""
    done = subprocess.run(**mpiexec(ranks, script, *arguments), capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
