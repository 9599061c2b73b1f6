"""Ctrl-C in the midst of a call, as users press it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

AGAIN = 5.0  # seconds


@contextmanager
def ctrl_c(after: float = 0.3) -> Iterator[None]:
    """The block must end with KeyboardInterrupt. SIGINT comes after so many seconds, and again if that was not heard:
    Python drops what is raised within a callback of its garbage collection, and Hypothesis has one."""
    over = threading.Event()

    def press() -> None:
        wait = after
        while not over.wait(wait):
            os.kill(os.getpid(), signal.SIGINT)
            wait = AGAIN

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    presses = threading.Thread(target=press, daemon=True)
    try:
        presses.start()
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        over.set()
        presses.join()
        signal.signal(signal.SIGINT, handler)
