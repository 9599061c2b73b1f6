"""Progress on standard output: a live bar in a terminal, a line an epoch in a file or pipe."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

import numpy as np

from ..console import WIDTH, is_live, show, terminal_width, write
from ..distribution.active import is_writer
from .base import Callback, Logs

__all__ = ["Bar", "ProgbarLogger", "say"]

INTERVAL = 0.05  # seconds between two pictures of a bar
SHORTEST, LONGEST = 8, 24  # columns of a bar
NAME = 8  # columns that a name keeps at least

_drawn: list[Bar] = []  # the bars that stand on their line now


def say(message: str) -> None:
    """Print what a callback has to say, on its own line: a bar steps aside until it is drawn again.

    Of the processes of a distribution the first one prints.
    """
    if not is_writer():
        return
    for bar in _drawn:
        bar.erase()
    show(message)


def seconds_text(seconds: float) -> str:
    """A time as a person reads it: "0.52 s", "12 s", "3:05", "2:00:00"."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def logs_parts(logs: Logs | None, room: int | None = None) -> list[str]:
    """Losses and metrics, each as wide as the last time: the lines of several epochs are a table.

    room: columns that each has at most; the names of those that are longer are shortened in the middle.
    """
    parts = []
    for name, value in (logs or {}).items():
        if isinstance(value, int):  # a count
            number = str(value)
        else:
            value = value if isinstance(value, float) else float(np.mean(value))  # of a metric of many numbers
            plain = value == 0 or 1e-3 <= abs(value) < 1e3
            number = f"{value:.4f}" if plain else f"{value:.2e}"
        parts.append(f"  {_shortened(name, room and room - 3 - len(number))} {number:<8}")
    return parts


def _shortened(name: str, room: int | None) -> str:
    """A name in so many columns, as far as that says anything."""
    if room is None or len(name) <= max(room, NAME):
        return name
    kept = max(room, NAME) - 2
    return f"{name[: kept - kept // 2]}..{name[-(kept // 2) :]}"


def folded(head: str, logs: Logs | None, width: int, indent: int) -> list[str]:
    """Lines of at most `width` columns: the head, then losses and metrics, those of validation on separate lines.

    indent: of all lines but the first.
    """
    parts = logs_parts(logs, width - indent)
    line = f"{head}{''.join(parts)}".rstrip()
    if len(line) <= width:
        return [line]
    lines, begins_anew = [head], False
    for name, part in zip(logs or {}, parts, strict=True):
        is_first = name.startswith("val_") and not begins_anew
        begins_anew = begins_anew or is_first
        if (is_first and len(lines[-1]) > indent) or len(f"{lines[-1]}{part}".rstrip()) > width:
            lines.append(" " * indent)
        lines[-1] += part
    return [line.rstrip() for line in lines]


class Bar:
    """One line that is drawn again and again in a terminal, and once, when it is done, anywhere else.

    Parameters
    ----------
    title : str
        In front of it all.
    total : int, optional
        How many batches there are, if that is known.
    live : bool, default True
        Whether it may be drawn before it is done.
    stream : object with ``write``, default `sys.stdout`
    """

    def __init__(self, title: str, total: int | None, live: bool = True, stream: Any = None) -> None:
        self._title, self._total = title, total
        self._stream = sys.stdout if stream is None else stream
        self._live = live and is_live(self._stream)
        self._begin = perf_counter()
        self._next = self._begin + INTERVAL
        self._drawn = 0  # columns now on the line

    def update(self, done: int, logs: Logs | None = None) -> None:
        """Draw the bar as it stands after this many batches, if that was not done just now."""
        if self._live and perf_counter() >= self._next:
            self.draw(done, logs)

    def draw(self, done: int, logs: Logs | None = None) -> None:
        """Draw the bar, without what the line has no room for."""
        if not self._live:
            return
        now = perf_counter()
        self._next = now + INTERVAL
        spent = now - self._begin
        # The last column stays free: some terminals wrap there.
        width = (terminal_width(self._stream) or WIDTH) - 1
        parts = [f" {done}" if self._total is None else f" {done}/{self._total}"]
        if done:
            parts += [part.rstrip() for part in logs_parts(logs)]
            if self._total is not None:
                parts += [f"  ETA {seconds_text(spent / done * max(self._total - done, 0))}"]
            parts += [f"  {done / spent:,.{0 if done > 10 * spent else 1}f} batches/s"]
        # A short bar says more than the last of the numbers.
        while len(parts) > 1 and self._room(parts, width) < SHORTEST:
            del parts[-1]
        room = self._room(parts, width)
        length = min(room, LONGEST)
        full = min(length * done // self._total, length) if self._total else 0
        bar = f" [{'=' * full}{'.' * (length - full)}]" if self._total and room >= SHORTEST else ""
        self._redraw(f"{self._title}{bar}{''.join(parts)}"[:width])

    def _room(self, parts: list[str], width: int) -> int:
        """Columns that are left for the bar, without its brackets and the space before them."""
        return width - len(self._title) - sum(map(len, parts)) - 3

    def finish(self, logs: Logs | None = None) -> None:
        """Replace the bar by what came of it, and end the line. In a terminal no line is longer than the terminal."""
        head = f"{self._title}  {seconds_text(perf_counter() - self._begin)}"
        width = terminal_width(self._stream)
        if width is None:
            lines = [f"{head}{''.join(logs_parts(logs))}".rstrip()]
        else:
            # Below each other, unless that takes more lines.
            indents = len(head), min(len(self._title), width // 4)
            lines = min((folded(head, logs, width - 1, indent) for indent in indents), key=len)
        if self._drawn:
            self._redraw(lines[0])
        else:
            write(lines[0], self._stream)
        for line in lines[1:]:
            write(f"\n{line}", self._stream)
        self._end()

    def close(self) -> None:
        """End the line if the bar is still on it."""
        if self._drawn:
            self._end()

    def erase(self) -> None:
        """Take the bar off its line, until it is drawn again."""
        if self._drawn:
            self._redraw("")
            write("\r", self._stream)
            self._set_drawn(0)

    def _end(self) -> None:
        self._live = False
        self._set_drawn(0)
        write("\n", self._stream)

    def _redraw(self, line: str) -> None:
        write(f"\r{line.ljust(self._drawn)}", self._stream)
        self._set_drawn(len(line))

    def _set_drawn(self, columns: int) -> None:
        self._drawn = columns
        if columns and self not in _drawn:
            _drawn.append(self)
        elif not columns and self in _drawn:
            _drawn.remove(self)


class ProgbarLogger(Callback):
    """Progress bar of `fit`, with a line for each finished epoch.

    `fit` makes its own, by `verbose`: 1 draws the bar where standard output is a terminal or a notebook, 2 never does.

    Parameters
    ----------
    live : bool, default True
        Whether to draw the bar at all.

    Notes
    -----
    Keras's bar says the time of a step; ours says how many batches a second. Its lines are longer by a count of the
    steps, which are the same in every epoch. Where losses and metrics of an epoch need more columns than the terminal
    has, those of the validation stand on the next line.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> bar = gs.callbacks.ProgbarLogger()
    >>> history = model.fit(np.ones((8, 2)), np.ones(8), verbose=0, callbacks=[bar])  # doctest: +ELLIPSIS
    Epoch 1/1 ... loss ...
    """

    def __init__(self, live: bool = True) -> None:
        super().__init__()
        self._live = live
        self._bar: Bar | None = None
        self._idle = (ProgbarLogger.on_train_batch_end,)  # `fit` says how far it is without it

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin a line."""
        total = self.params.get("epochs") or 1
        title = f"Epoch {epoch + 1:{len(str(total))}d}/{total}"
        self._bar = Bar(title, self.params.get("steps"), self._live)
        self._bar.draw(0)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Draw the bar in a custom training loop."""
        self.on_train_progress(batch + 1, logs)

    def on_train_progress(self, batches: int, logs: Logs | None = None) -> None:
        """Draw the bar."""
        if self._bar is not None:
            self._bar.update(batches, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """End the line."""
        if self._bar is not None:
            self._bar.finish(logs)
            self._bar = None

    def close(self) -> None:
        """End the line when an epoch was interrupted."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
