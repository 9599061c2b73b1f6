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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
@pytest.mark.parametrize("ask", ["os.environ['OMP_NUM_THREADS'] = '3000'", "gs.set_num_threads(10**6)"])
def test_no_more_threads_than_the_processors_and_the_work_are_worth(ask):
    before, after = (ask, "") if "environ" in ask else ("", ask)
    program = f"""
import os
{before}
import numpy as np
import gradstep as gs
{after}
def new_threads(work):
    alone = len(os.listdir("/proc/self/task"))
    work()
    return len(os.listdir("/proc/self/task")) - alone
w = np.zeros(1 << 20, np.float32)
few = new_threads(lambda: gs.optimizers.SGD().step(w[: 1_000_000], w[: 1_000_000] + 1))
most = max(16, 4 * os.cpu_count())
w = np.zeros(1 << 25, np.float32)
many = new_threads(lambda: gs.optimizers.SGD().step(w, w + 1))
print(gs.get_num_threads() == most, few < 1 + 1_000_000 // 2**15, few + many == most - 1)
"""
    assert said(program).split() == ["True"] * 3


SUBINTERPRETER = """
import sys
interpreters = __import__("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
one = interpreters.create(*["legacy"][: sys.version_info >= (3, 13)])
program = f"import sys; sys.path[:] = {sys.path!r}; import gradstep._core"
try:
    error = interpreters.run_string(one, program)
except Exception as raised:
    error = raised
print(error)
"""


def test_a_subinterpreter_is_refused_and_does_not_hang():
    assert "gradstep must be imported in the main interpreter" in said(SUBINTERPRETER)
