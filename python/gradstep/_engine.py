"""Loads the compiled engine; to be imported before anything else of the package."""

from __future__ import annotations

import os

# NumPy's BLAS has threads of its own. If ours, once idle, went on spinning on their cores (libgomp's default), a loop
# that calls both in turn would run tens of times slower than either alone. libgomp reads this setting once, when it is
# loaded, which importing the engine does; whoever set a waiting policy keeps it, and so does every other library.
_short_wait = not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys()
if _short_wait:
    os.environ["GOMP_SPINCOUNT"] = "1000"
try:
    from . import _core
finally:
    if _short_wait:
        del os.environ["GOMP_SPINCOUNT"]

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_core.after_fork_in_child)
