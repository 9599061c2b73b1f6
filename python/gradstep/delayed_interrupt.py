"""Delay Ctrl-C until the end of what must be done as a whole, in Python."""

from __future__ import annotations

from types import FrameType
from typing import Any

from . import _core

__all__ = ["DelayedInterrupt"]


class DelayedInterrupt:
    """Context manager that delays the first Ctrl-C until its block has ended; a second one interrupts at once.

    Parameters
    ----------
    at_calls : bool, default True
        Whether a long call into the engine may end it, which then has done nothing. What is done in several calls must
        be undone in that case, or not be left there.

    Notes
    -----
    Only the main thread gets signals, so it does nothing in others.
    """

    def __init__(self, at_calls: bool = True) -> None:
        self._at_calls = at_calls

    def __enter__(self) -> None:
        import signal  # here: not for every import of the package
        from threading import current_thread, main_thread

        self._before: Any = signal.getsignal(signal.SIGINT) if current_thread() is main_thread() else None
        self._came = False
        if callable(self._before):
            signal.signal(signal.SIGINT, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._came or (self._at_calls and _core.is_polling()):
            self._before(number, frame)
        self._came = True

    def __exit__(self, *error: object) -> None:
        if not callable(self._before):
            return
        import signal

        signal.signal(signal.SIGINT, self._before)
        if self._came:
            self._before(signal.SIGINT, None)
