"""Python programs in processes of their own, which may import the helpers of the tests too."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from subprocess import PIPE
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


def said(program: str, after: str = "") -> str:
    """What a program printed; an AssertionError with its errors if it failed.

    after: imports that take seconds. They are done once, in a process whose children run all programs after the same.
    """
    if after:
        parent = forks(after)
        parent.stdin.write(json.dumps(program) + "\n")
        parent.stdin.flush()
        answer = parent.stdout.readline()
        assert answer, f"{after!r} failed"
        status, out, errors = json.loads(answer)
    else:
        done = subprocess.run(**command(program), capture_output=True, timeout=PATIENCE, check=False)
        status, out, errors = done.returncode, done.stdout, done.stderr
    assert status == 0, f"exit status {status}\n{out}\n{errors}"
    return out.strip()


@cache
def forks(imports: str) -> Any:
    call = command("")
    call["args"][-2:] = ["-m", "forks", imports, str(PATIENCE)]
    process = subprocess.Popen(**call, stdin=PIPE, stdout=PIPE)
    atexit.register(process.communicate)  # at the end of its input it ends
    return process
