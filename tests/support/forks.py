"""Runs programs in children of a process that has imported slow libraries once: `python -m forks "import keras"`.

A program comes as a line of JSON; its exit status, what it printed and its errors go back as another.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import traceback
from typing import IO, Any

__all__ = ["serve"]


def serve(imports: str, patience: int) -> None:
    """Answer each line of the standard input. A program that hangs is ended after `patience` seconds."""
    exec(imports, {})
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            child = os.fork()
            if child == 0:
                signal.alarm(patience)
                run(json.loads(line), out, errors)
            _, status = os.waitpid(child, 0)
            said = [read_again(file) for file in (out, errors)]
        print(json.dumps([os.waitstatus_to_exitcode(status), *said]), flush=True)


def run(program: str, out: IO[Any], errors: IO[Any]) -> None:
    """Become a process that does the program and nothing else."""
    failed = True
    try:
        with open(os.devnull) as nothing:
            for here, number in ((nothing, 0), (out, 1), (errors, 2)):
                os.dup2(here.fileno(), number)
        exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
        failed = False
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(failed)  # what the parent is to do when it ends is not for its children


def read_again(file: IO[Any]) -> str:
    file.seek(0)
    return str(file.read())


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
