"""Python programs in processes of their own, which may import the helpers of the tests too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# Ends a child that hangs, and nothing else: no test is about time.
PATIENCE = 1200  # seconds; Keras on JAX compiles for a minute, and machines are busy


def command(program: str) -> dict[str, Any]:
    """Arguments for `subprocess` that run a program in this interpreter, with gradstep as this process has it."""
    path = [str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in path if entry)}
    # Python 3.12 warns that a process with threads forks: that is what is tested.
    arguments = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    return {"args": arguments, "env": environment, "text": True}


def said(program: str) -> str:
    """What a program printed; an AssertionError with its errors if it failed."""
    done = subprocess.run(**command(program), capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()
