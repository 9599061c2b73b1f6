"""The child's side of the harness: `python -m rivals.worker NAME THREADS`, then requests and answers in JSON lines."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


def main(name: str, threads: int) -> None:
    # Libraries may print: their stdout becomes stderr, and answers go where stdout went.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # Some libraries count cores, and obey no variable.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    try:
        rival = importlib.import_module(f"rivals.{name}")
    except ImportError as missing:
        print(json.dumps({"error": f"not installed ({missing})"}), file=answers)
        return
    print(json.dumps({"versions": rival.versions()}), file=answers)
    contestant: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "check":
                contestant = None  # frees the one before
                contestant = rival.CASES[request["case"]][request["variant"]](request["problem"])
                np.save(request["file"], contestant.checked())
                answer = {"blas": blas_kernels(), "facts": getattr(contestant, "facts", {})}
            else:
                # One that times only a part of what it does has a `measure` of its own.
                times = getattr(contestant, "measure", partial(measure, getattr(contestant, "run", None)))
                seconds = times(request["seconds"], request["repeats"])
                answer = {"seconds": [s / contestant.steps_per_run for s in seconds]}
        except NotImplementedError as lack:  # this library has no such thing: it does not take part
            answer = {"absent": str(lack)}
        except Exception as error:  # the parent leaves this rival out, and says why
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers)


def measure(run: Callable[[], None], seconds: float, repeats: int) -> list[float]:
    """Seconds a run took, again and again for about `seconds`; a sample is the mean of `repeats` runs."""
    samples = []
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + seconds
        while True:
            begin = time.perf_counter()
            for _ in range(repeats):
                run()
            now = time.perf_counter()
            samples.append((now - begin) / repeats)
            if now >= end:
                return samples
    finally:
        gc.enable()


def blas_kernels() -> list[str]:
    """Library, version and kernel of every BLAS loaded here."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ["unknown: threadpoolctl is not installed"]
    return sorted(
        f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')} {pool['num_threads']} threads"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
