"""The engine's threads are its own: no other library's settings of OpenMP change how they wait."""

from __future__ import annotations

import sys

import pytest
from children import said

COUNT = """
import os
def threads():
    return len(os.listdir("/proc/self/task"))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
def test_threads_begin_with_the_first_work_that_wants_them_and_stay():
    program = (
        COUNT
        + """
import numpy as np
alone = threads()
import gradstep as gs
print(threads() - alone)
optimizer, w = gs.optimizers.SGD(), np.zeros(1 << 21, np.float32)
gs.set_num_threads(1)
optimizer.step(w, w + 1)
print(threads() - alone)
gs.set_num_threads(3)
for _ in range(5):
    optimizer.step(w, w + 1)
print(threads() - alone)
"""
    )
    assert said(program).split() == ["0", "0", "2"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_idle_threads_take_no_time_and_no_signals():
    program = """
import os, time
import numpy as np
import gradstep as gs
gs.set_num_threads(3)
optimizer, w = gs.optimizers.SGD(), np.zeros(1 << 21, np.float32)
optimizer.step(w, w + 1)
time.sleep(0.2)
others = [task for task in os.listdir("/proc/self/task") if int(task) != os.getpid()]
def ticks():
    return sum(int(open(f"/proc/self/task/{t}/stat").read().rpartition(")")[2].split()[11]) for t in others)
before = ticks()
time.sleep(0.5)
blocked = [line for t in others for line in open(f"/proc/self/task/{t}/status") if line.startswith("SigBlk")]
# The signal of an interrupt is number 2: the second bit.
print(ticks() - before, sum(int(line.split()[1], 16) >> 1 & 1 for line in blocked) >= 2)
"""
    assert said(program).split() == ["0", "True"]
