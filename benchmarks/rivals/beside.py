"""gradstep beside others: steps in turns with NumPy's products, and fits that Ctrl-C ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from time import perf_counter
from typing import Any

import numpy as np
from cases import load

from .gradstep import Fit, versions

__all__ = ["CASES", "versions"]


class Batch:
    """`train_on_batch`; what happens between two steps is not timed."""

    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        fit = Fit(problem)
        self.checked = fit.checked
        x, y, self.model = fit.x[: fit.batch], fit.y[: fit.batch], fit.model
        self.run = lambda: self.model.train_on_batch(x, y)

    def between(self) -> None:
        pass

    def measure(self, seconds: float, repeats: int) -> list[float]:
        samples = []
        end = perf_counter() + seconds
        while True:
            self.between()
            begin = perf_counter()
            self.run()
            now = perf_counter()
            samples.append(now - begin)
            if now >= end:
                return samples


class AfterProduct(Batch):
    """The step begins while the threads of NumPy's BLAS still look out for work."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem)
        self.a, self.out = np.full((256, 256), 1 / 256, np.float32), np.empty((256, 256), np.float32)

    def between(self) -> None:
        np.matmul(self.a, self.a, out=self.out)


class AfterProductOnOne(AfterProduct):
    """The same product, so the same things in cache, but no thread of NumPy's."""

    def __init__(self, problem: dict[str, Any]) -> None:
        from threadpoolctl import threadpool_limits

        super().__init__(problem)
        self.limit = threadpool_limits(1, user_api="blas")


# Waits as long as a line says, sends the signal, and says when. perf_counter is one clock for all processes.
SENDER = """
import os, signal, sys, time
for line in sys.stdin:
    time.sleep(float(line))
    now = time.perf_counter()
    os.kill(int(sys.argv[1]), signal.SIGINT)
    print(now, flush=True)
"""


class Interrupted:
    """Seconds from a signal, sent by another process, until fit has raised KeyboardInterrupt."""

    steps_per_run = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        # A process started in the background of a shell may have been told to ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.fit = Fit(problem)
        self.checked = self.fit.checked
        self.random = random.Random(1)
        pipe = subprocess.PIPE
        self.sender = subprocess.Popen(
            [sys.executable, "-c", SENDER, str(os.getpid())], stdin=pipe, stdout=pipe, text=True, bufsize=1
        )

    def measure(self, seconds: float, repeats: int) -> list[float]:
        samples = []
        end = perf_counter() + seconds
        while perf_counter() < end or not samples:
            samples.append(self._interrupt())
        return samples

    def _interrupt(self) -> float:
        fit, sender = self.fit, self.sender
        assert sender.stdin
        assert sender.stdout
        try:
            print(self.random.uniform(0.02, 0.12), file=sender.stdin)
            fit.model.fit(fit.x, fit.y, batch_size=fit.batch, epochs=10**9, verbose=0)
        except KeyboardInterrupt:
            now = perf_counter()
        taken = fit.model.optimizer.iterations
        loss = fit.model.train_on_batch(fit.x[: fit.batch], fit.y[: fit.batch])
        if not (fit.model.optimizer.iterations == taken + 1 and np.isfinite(loss)):
            raise RuntimeError("the model cannot be trained on after Ctrl-C.")
        return now - float(sender.stdout.readline())


CASES = {
    "load": {
        load.USUAL: Batch,
        load.AFTER: AfterProduct,
        load.AFTER_ONE: AfterProductOnOne,
        load.CTRL_C: Interrupted,
    }
}
