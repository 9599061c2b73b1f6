"""Settings of the process that the compiled core needs."""

from __future__ import annotations

import os

from . import _core

if hasattr(os, "register_at_fork"):
    # A child works on one thread, as its siblings do beside it, until it asks for more.
    os.register_at_fork(after_in_child=_core.after_fork_in_child)
