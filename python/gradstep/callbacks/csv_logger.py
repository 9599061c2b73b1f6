"""The logs of every epoch as a table in a file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from ..checks import check_bool, describe
from ..distribution.active import is_writer
from .base import Callback, Logs

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Write the loss and metrics of every epoch to a CSV file.

    Parameters
    ----------
    filename : str or path
    separator : str, default ","
        What stands between two columns; one character.
    append : bool, default False
        Whether to write behind what is in the file, instead of over it.

    Raises
    ------
    TypeError, ValueError
        An argument of a wrong type; a separator that is no character.
    OSError
        When training begins: the file cannot be written.

    Notes
    -----
    Columns as in Keras: "epoch", counted from 0, then the names of the first epoch's logs in alphabetical order;
    without validation data also their ``val_`` names, and ``NA`` under them. Every row is on its way to the disk when
    the next epoch begins.

    Examples
    --------
    >>> import pathlib, tempfile, gradstep as gs
    >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
    >>> logger = gs.callbacks.CSVLogger(path, separator=";")
    >>> logger.on_train_begin()
    >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.25})
    >>> logger.on_train_end()
    >>> print(path.read_text().strip())
    epoch;loss;val_loss
    0;0.5;0.25
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if not isinstance(separator, str):
            raise TypeError(f"separator must be a str; got {describe(separator)}.")
        if len(separator) != 1:
            raise ValueError(f"separator must be one character; got {separator!r}.")
        self.filename, self.sep, self.append = os.fspath(filename), separator, check_bool("append", append)
        self.keys: list[str] | None = None
        self.csv_file: IO[str] | None = None
        self._writer: Any = None
        self._header = True

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        self.close()
        if not is_writer():
            return
        self.keys = self._columns() if self.append and os.path.exists(self.filename) else None
        self._header = self.keys is None
        self.csv_file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")  # noqa: SIM115
        self._writer = None

    def _columns(self) -> list[str] | None:
        """The columns of a file to go on with, after "epoch"; None of an empty one."""
        import csv

        with open(self.filename, encoding="utf-8", errors="replace", newline="") as file:
            header = next(csv.reader(file, delimiter=self.sep), None)
        if header is None:
            return None
        known = () if self._log_names is None else self._log_names.always
        missing = [name for name in known if name not in header]
        if header[:1] != ["epoch"] or missing:
            raise ValueError(
                f"{self.filename!r} has the columns {', '.join(header)}; append=True needs epoch first"
                f"{', and ' * bool(missing)}{', '.join(missing)}. Give another file, or append=False."
            )
        return header[1:]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a row."""
        import csv

        if not is_writer():
            return
        there = dict(logs or {})
        assert self.csv_file is not None, "on_train_begin opens the file"
        if self._writer is None:
            if self.keys is None:
                self.keys = sorted(there)
                if not any(key.startswith("val_") for key in self.keys):
                    self.keys += [f"val_{key}" for key in self.keys]
            self._writer = csv.DictWriter(self.csv_file, ["epoch", *self.keys], delimiter=self.sep)
            if self._header:
                self._writer.writeheader()
        assert self.keys is not None
        self._writer.writerow({"epoch": epoch, **{key: _cell(there.get(key, "NA")) for key in self.keys}})
        self.csv_file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file, however training ended."""
        if self.csv_file is not None:
            self.csv_file.close()
            self.csv_file = self._writer = None


def _cell(value: Any) -> Any:
    scalar = isinstance(value, np.ndarray) and value.ndim == 0
    if isinstance(value, Iterable) and not isinstance(value, str) and not scalar:
        return f'"[{", ".join(map(str, value))}]"'
    return value
