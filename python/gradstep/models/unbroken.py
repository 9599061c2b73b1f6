"""Ctrl-C waits for the end of a batch of which Python does a part."""

from __future__ import annotations

from types import FrameType
from typing import Any

__all__ = ["Unbroken"]


class Unbroken:
    """What runs within ``with Unbroken():`` is not left in its midst by Ctrl-C, but by a second one.

    Notes
    -----
    Only the main thread gets signals, so it does nothing in others.
    """

    def __enter__(self) -> None:
        import signal  # here: not for every import of the package
        from threading import current_thread, main_thread

        self._before: Any = signal.getsignal(signal.SIGINT) if current_thread() is main_thread() else None
        self._came = False
        if callable(self._before):
            signal.signal(signal.SIGINT, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._came:
            self._before(number, frame)
        self._came = True

    def __exit__(self, *error: object) -> None:
        if not callable(self._before):
            return
        import signal

        signal.signal(signal.SIGINT, self._before)
        if self._came:
            self._before(signal.SIGINT, None)
