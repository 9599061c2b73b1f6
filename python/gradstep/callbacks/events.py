"""Event files, which TensorBoard reads (extra `tensorboard`): tensorboardX or tensorboard itself write them."""

from __future__ import annotations

import json
import os
import time
from itertools import count
from typing import Any

import numpy as np

from .weight_images import png

__all__ = ["EventFile", "NoEventFile"]

BINS = 30  # of a histogram, as TensorFlow's summaries have
GREY = 1  # channels of an image
STRING = 7  # the type of a tensor of texts, in TensorFlow's numbers
_files = count()  # of this process: two files of the same second have different names


class EventFile:
    """A new event file in a folder, which is made if need be.

    Parameters
    ----------
    folder : str

    Raises
    ------
    ImportError
        Neither package is installed: ``pip install 'gradstep[tensorboard]'``.
    OSError
        It cannot be written there.
    """

    def __init__(self, folder: str) -> None:
        self._messages, opened = _writer()
        os.makedirs(folder, exist_ok=True)
        self._file = opened(folder, f".{os.getpid()}.{next(_files)}.gradstep")

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Write a number, or several under ``tag/0``, ``tag/1`` and so on."""
        numbers = np.ravel(value).tolist()
        for i, number in enumerate(numbers):
            self._add(step, tag=tag if len(numbers) == 1 else f"{tag}/{i}", simple_value=float(number))

    def histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        """Write how numbers are spread; those that are not finite are left out."""
        numbers = np.asarray(values, np.float64).ravel()
        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers):
            return
        counts, edges = np.histogram(numbers, BINS)
        histogram = self._messages.HistogramProto(
            min=numbers.min(),
            max=numbers.max(),
            num=len(numbers),
            sum=numbers.sum(),
            sum_squares=np.square(numbers).sum(),
            bucket_limit=edges[1:].tolist(),
            bucket=counts.tolist(),
        )
        self._add(step, tag=tag, histo=histogram)

    def image(self, tag: str, grey: np.ndarray, step: int) -> None:
        """Write an image (height, width) of uint8."""
        height, width = grey.shape
        self._add(
            step,
            tag=tag,
            image=self._messages.Summary.Image(
                height=height, width=width, colorspace=GREY, encoded_image_string=png(grey)
            ),
        )

    def layers(self, description: dict[str, Any]) -> None:
        """Write a model as Keras's JSON has it, for the tab of graphs."""
        value = self._messages.Summary.Value(tag="keras")
        value.metadata.plugin_data.plugin_name = "graph_keras_model"
        value.metadata.plugin_data.content = b"1"
        value.tensor.dtype = STRING
        value.tensor.string_val.append(json.dumps(description).encode())
        self._write(0, value)

    def flush(self) -> None:
        """Hand over to the disk what was written."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _add(self, step: int, **value: Any) -> None:
        self._write(step, self._messages.Summary.Value(**value))

    def _write(self, step: int, value: Any) -> None:
        summary = self._messages.Summary(value=[value])
        self._file.write(self._messages.Event(wall_time=time.time(), step=step, summary=summary))


class NoEventFile:
    """An event file of a process that writes none."""

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Write nothing."""

    histogram = image = scalar

    def layers(self, description: dict[str, Any]) -> None:
        """Write nothing."""

    def flush(self) -> None:
        """Write nothing."""

    close = flush


class _Messages:
    """The kinds of messages that one package brings."""

    def __init__(self, events: Any, summaries: Any) -> None:
        self.Event, self.Summary, self.HistogramProto = events.Event, summaries.Summary, summaries.HistogramProto


class _File:
    """The three things that are done with a writer of either package."""

    def __init__(self, writer: Any, write: Any) -> None:
        self.write, self.flush, self.close = write, writer.flush, writer.close


def _writer() -> tuple[Any, Any]:
    """The messages of the package that is installed, and what opens a file: function of (folder, end of the name)."""
    try:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2, summary_pb2
    except ImportError:
        return _tensorboard()

    def opened(folder: str, suffix: str) -> _File:
        writer = EventsWriter(os.path.join(folder, "events"), suffix)
        return _File(writer, writer.write_event)

    return _Messages(event_pb2, summary_pb2), opened


def _tensorboard() -> tuple[Any, Any]:
    try:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        raise ImportError("event files need tensorboardX or tensorboard: pip install 'gradstep[tensorboard]'") from None

    def opened(folder: str, suffix: str) -> _File:
        writer = EventFileWriter(folder, filename_suffix=suffix)
        return _File(writer, writer.add_event)

    return _Messages(event_pb2, summary_pb2), opened
