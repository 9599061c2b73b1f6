"""Training as TensorBoard shows it."""

from __future__ import annotations

import os
from collections import Counter
from time import perf_counter
from typing import Any

from ..checks import check_bool, check_folder, check_int, describe
from ..distribution.active import is_writer
from ..hints import unknown_argument
from .base import Callback, Logs
from .events import EventFile, NoEventFile
from .rates import log_rates
from .weight_images import weight_images

__all__ = ["TensorBoard"]

# Keras's arguments for what is not here; only what turns them off is taken.
ABSENT = ("profile_batch", "embeddings_freq", "embeddings_metadata")


class TensorBoard(Callback):
    """Write event files for TensorBoard, ``tensorboard --logdir logs`` (extra `tensorboard`).

    Parameters
    ----------
    log_dir : str or path, default "logs"
        A folder; training is written into ``train`` in it, validation into ``validation``.
    histogram_freq : int, default 0
        Every how many epochs the weights are written as histograms; 0: never.
    write_graph : bool, default True
        Whether to write the layers and how they are connected, for the tab of graphs.
    write_images : bool, default False
        Whether to write the weights as grey images too, when the histograms are written.
    write_steps_per_second : bool, default False
        Whether to write how fast training is.
    update_freq : "epoch", "batch" or int, default "epoch"
        Whether to write loss and metrics after epochs only, or after every batch or so many batches too; then training
        comes back to Python at every batch.
    **absent
        ``profile_batch``, ``embeddings_freq`` and ``embeddings_metadata`` of Keras, as far as they are turned off (0,
        False or None).

    Raises
    ------
    ImportError
        When training begins: neither tensorboardX nor tensorboard is installed.
    TypeError, ValueError
        An argument is of a wrong type or out of range; or one of Keras's that is not here.
    OSError
        The folder cannot be written.

    Notes
    -----
    Names as in Keras: ``epoch_loss`` and so on over the epochs, counted from 0, in both folders;
    ``epoch_learning_rate`` and ``epoch_steps_per_second``; ``batch_loss`` over the batches of this `fit`, counted from
    1; ``evaluation_loss_vs_iterations`` over the steps of the optimizer; ``sequential/dense/kernel/histogram`` and
    ``sequential/dense/kernel/image``. Scalars and images are in the older form, which all versions of TensorBoard read.
    An image shows the lowest number of a weight in black and the highest in white, where Keras cuts at 0 and 1.

    Examples
    --------
    >>> import gradstep as gs
    >>> callback = gs.callbacks.TensorBoard("runs/first", histogram_freq=5)
    """

    _state = ("_batches",)

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        **absent: Any,
    ) -> None:
        super().__init__()
        if not isinstance(log_dir, (str, os.PathLike)):
            raise TypeError(f"log_dir must be a str or a path; got {describe(log_dir)}.")
        for name, value in absent.items():
            if name not in ABSENT:
                raise unknown_argument(TensorBoard, name, ABSENT)
            if value:
                raise ValueError(f"{name} must be off, as it is by default: TensorBoard here has none; got {value!r}.")
        if isinstance(update_freq, str) and update_freq not in ("epoch", "batch"):
            raise ValueError(f"update_freq must be 'epoch', 'batch' or a number of batches; got {update_freq!r}.")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = check_int("histogram_freq", histogram_freq, 0)
        self.write_graph = check_bool("write_graph", write_graph)
        self.write_images = check_bool("write_images", write_images)
        self.write_steps_per_second = check_bool("write_steps_per_second", write_steps_per_second)
        every = {"epoch": 0, "batch": 1}
        self._every = every[update_freq] if isinstance(update_freq, str) else check_int("update_freq", update_freq, 1)
        self.update_freq = update_freq if self._every != 1 else 1
        if not self._every:
            self._idle = (TensorBoard.on_train_batch_begin, TensorBoard.on_train_batch_end)
        self._batches = 0  # of this training so far
        self._files: dict[str, EventFile | NoEventFile] = {}
        self._epoch_began = self._batch_began = 0.0
        self._steps_before = 0

    def _file(self, folder: str) -> EventFile | NoEventFile:
        if folder not in self._files:
            self._files[folder] = EventFile(os.path.join(self.log_dir, folder)) if is_writer() else NoEventFile()
        return self._files[folder]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file, and write the layers."""
        if not self._is_resumed():
            self._batches = 0
        for folder in ("train", "validation"):
            check_folder(os.path.join(self.log_dir, folder))
        if self.write_graph:
            self._file("train").layers(_description(self.model))
        else:
            self._file("train")

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the files."""
        self.close()

    def close(self) -> None:
        """Close the files, however a run ended."""
        for file in self._files.values():
            file.close()
        self._files = {}

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the timer."""
        self._epoch_began, self._steps_before = perf_counter(), self.model.optimizer.iterations

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Start the timer."""
        self._batch_began = perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write the logs of the epoch so far."""
        self._batches += 1
        if self._every and self._batches % self._every == 0:
            file = self._file("train")
            if self.write_steps_per_second:
                spent = perf_counter() - self._batch_began
                file.scalar("batch_steps_per_second", 1 / spent, self._batches)
            for name, value in (logs or {}).items():
                file.scalar(f"batch_{name}", value, self._batches)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        if self.model.optimizer is not None:
            self._file("validation")

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Write the scores over the optimizer's steps."""
        if self.model.optimizer is not None:
            for name, value in (logs or {}).items():
                steps = self.model.optimizer.iterations
                self._file("validation").scalar(f"evaluation_{name}_vs_iterations", value, steps)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the logs, and histograms of the weights every `histogram_freq` epochs."""
        numbers = dict(logs or {})
        log_rates(self.model.optimizer, numbers)
        if self.write_steps_per_second:
            steps = self.model.optimizer.iterations - self._steps_before
            numbers["steps_per_second"] = steps / (perf_counter() - self._epoch_began)
        for name, value in numbers.items():
            folder = "validation" if name.startswith("val_") else "train"
            self._file(folder).scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for file in self._files.values():
            file.flush()

    def _write_weights(self, epoch: int) -> None:
        file = self._file("train")
        for layer in self.model.layers:
            for name, weight in zip(layer.weight_names, layer.weights, strict=True):
                place = f"{self.model.name}/{layer.name}/{name}"
                file.histogram(f"{place}/histogram", weight, epoch)
                for number, image in enumerate(weight_images(weight) if self.write_images else ()):
                    file.image(f"{place}/image{f'/{number}' if number else ''}", image, epoch)


def _description(model: Any) -> dict[str, Any]:
    """The calls of the layers as Keras's JSON has a graph, as much of it as TensorBoard draws.

    TensorBoard draws one node for each name, and a box around those that begin with the same name and a slash: the
    layers of a model in the model, and the calls of a layer that is called several times.
    """
    names, calls = model._flow()
    inputs = list(names)
    nodes = [_node(name, "InputLayer", model.dtype, []) for name in inputs]
    often = Counter(path for path, _, _ in calls)
    seen: Counter[str] = Counter()
    for path, layer, sources in calls:
        seen[path] += 1
        names.append(path if often[path] == 1 else f"{path}/call_{seen[path]}")
        nodes.append(_node(names[-1], type(layer).__name__, layer.dtype, [names[source] for source in sources]))
    ends = {"input_layers": [[name, 0, 0] for name in inputs], "output_layers": [[names[-1], 0, 0]]}
    return {"class_name": "Functional", "config": {"name": model.name, "layers": nodes, **ends}}


def _node(name: str, kind: str, dtype: str, sources: list[str]) -> dict[str, Any]:
    tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [source, 0, 0]}} for source in sources]
    calls = [{"args": [tensors], "kwargs": {}}] if sources else []
    return {"class_name": kind, "name": name, "config": {"name": name, "dtype": dtype}, "inbound_nodes": calls}
