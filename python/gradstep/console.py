"""Text for people: written where standard output takes it; what it does not take is no error.

Standard output may be None (a program without a console), closed, a pipe that nobody reads any more, or an object of
the user's with no more than ``write``. No training ends because of it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["is_live", "is_terminal", "show", "terminal_width", "write"]

WIDTH = 80  # columns where nobody knows


def show(line: object = "") -> None:
    """Print a line, as `print` does."""
    write(f"{line}\n")


def write(text: str, stream: Any = None) -> None:
    """Write text to a stream, standard output by default, at once and as far as the stream can."""
    stream = sys.stdout if stream is None else stream
    put, flush = getattr(stream, "write", None), getattr(stream, "flush", None)
    if put is None:
        return
    try:
        try:
            put(text)
        except UnicodeEncodeError as error:
            put(text.encode(error.encoding, "replace").decode(error.encoding))
        if flush is not None:
            flush()
    except (OSError, ValueError):  # a full disk, a pipe without a reader; closed
        pass


def is_terminal(stream: Any) -> bool:
    """Whether a person sits behind a stream."""
    asked = getattr(stream, "isatty", None)
    try:
        return asked is not None and bool(asked())
    except (OSError, ValueError):  # closed
        return False


def is_live(stream: Any) -> bool:
    """Whether a line can be drawn again there: a terminal, or a notebook, which knows \\r too."""
    return is_terminal(stream) or type(stream).__module__.startswith("ipykernel.")


def terminal_width(stream: Any) -> int | None:
    """Columns of the terminal behind a stream; None where there is none."""
    if not is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH
    except (AttributeError, OSError, ValueError):  # it only says that it is one
        return WIDTH
