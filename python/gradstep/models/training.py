"""Training, scoring and predicting: slices of work for the engine, and Python between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, losses, metrics, optimizers, seeds
from ..callbacks.base import Callback, Callbacks, as_callbacks
from ..callbacks.history import History
from ..callbacks.progress import Bar, ProgbarLogger
from ..checks import closest, flag, numeric, whole
from ..optimizers.arrays import describe
from ..optimizers.base import real
from .data import batch_rows, equal_rows, split_off, targets, verbosity

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Trainer"]

# How long the engine works before it comes back for the progress bar and Ctrl-C.
SLICE = 0.05  # seconds

COMPILE = ("optimizer", "loss", "metrics")


class Trainer:
    """What a model does once it has layers. A subclass makes `_network` and turns inputs into its rows."""

    def __init__(self) -> None:
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.history: History | None = None
        self.stop_training = False
        self._metrics: list[str] = []
        self._network: _core.Network | None = None
        self._indices: list[int] | None = None  # of the weights in the optimizer
        self._key: seeds.Key | None = None  # of the shuffles
        self._passes = 0  # epochs begun so far, by any fit

    # -- what a subclass gives -----------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights themselves."""
        raise NotImplementedError

    def _ready(self, x: Any, name: str) -> np.ndarray:
        """Build the model if it is not, and give x as the network's rows."""
        raise NotImplementedError

    def _forget_network(self) -> None:
        """The layers changed: so does the memory of the weights, and an optimizer knows the old one."""
        self._network = None
        if self._indices is not None:
            self.optimizer = self._indices = None

    # -- compile -----------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | None = None,
        metrics: Sequence[str] | None = None,
        **unknown: Any,
    ) -> None:
        """Say how the model is to be trained.

        Parameters
        ----------
        optimizer : str or Optimizer, default "rmsprop"
            A name of `gradstep.optimizers` for its defaults, or an optimizer.
        loss : str or Loss, optional
            A name of `gradstep.losses` or a loss. `fit` and `evaluate` need one; `predict` does not.
        metrics : list of str, optional
            What else to measure: "accuracy", or other names of `gradstep.metrics`.

        Raises
        ------
        TypeError
            An argument of the wrong type or name.
        ValueError
            An unknown optimizer, loss or metric. Nothing is changed then.
        """
        for name in unknown:
            hint = closest(name, COMPILE) or f" It takes {', '.join(COMPILE)}."
            raise TypeError(f"compile() has no argument {name!r}.{hint}")
        wanted = [] if metrics is None else metrics
        if not isinstance(wanted, (list, tuple)):
            raise TypeError(f"metrics must be a list of names; got {describe(wanted)}.")
        chosen_loss = None if loss is None else losses.get(loss)
        if wanted and chosen_loss is None:
            raise ValueError("metrics need a loss: it says what the targets are.")
        if chosen_loss is not None:
            _resolve(wanted, chosen_loss, 1)
        if len(set(wanted)) != len(wanted):
            raise ValueError(f"metrics must differ from each other; got {wanted}.")
        self.optimizer = optimizers.get(optimizer)
        self.loss, self._metrics, self._indices = chosen_loss, list(wanted), None

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` gives: "loss" and the metrics."""
        return ["loss", *self._metrics]

    def _needed_loss(self) -> losses.Loss:
        if self.loss is None:
            raise ValueError("the model has no loss: call compile(optimizer=..., loss=...) first.")
        return self.loss

    # -- data --------------------------------------------------------------------------------------------------------

    def _data(self, x: Any, y: Any, names: tuple[str, str] = ("x", "y")) -> tuple[np.ndarray, np.ndarray]:
        """x and y as the engine reads them."""
        loss = self._needed_loss()
        equal_rows(numeric(x, names[0]), numeric(y, names[1]), names)
        rows = self._ready(x, names[0])
        assert self._network is not None
        return rows, targets(y, names[1], loss, self._network.outputs, rows.dtype.name)

    def _run(self, x: np.ndarray, y: np.ndarray, batch: int, train: bool) -> _core.Run:
        loss, network = self._needed_loss(), self._network
        assert network is not None
        names = _resolve(self._metrics, loss, network.outputs)
        if not train:
            return _core.Run(network, loss.name, loss.from_logits, names, x, y, batch, None, [])
        if self.optimizer is None:
            raise ValueError("the model's layers changed since it was trained: call compile(...) again.")
        registered = len(self.optimizer._core)
        try:
            if self._indices is None:
                weights = self.weights
                self._indices = self.optimizer._attach(weights, [f"[{i}]" for i in range(len(weights))])
            return _core.Run(
                network, loss.name, loss.from_logits, names, x, y, batch, self.optimizer._core, self._indices
            )
        except Exception:
            if len(self.optimizer._core) > registered:
                self._indices = None
                self.optimizer._forget(registered)
            raise

    def _logs(self, run: _core.Run, prefix: str = "") -> dict[str, float]:
        _, _, loss, values = run.progress
        names = [f"{prefix}{name}" for name in self.metrics_names]
        return dict(zip(names, [loss, *values], strict=True))

    # -- fit ---------------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int | str | None = 32,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Sequence[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        shuffle: bool = True,
        initial_epoch: int = 0,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x : array_like, shape (rows, ...)
            Data. An array in C order of the model's dtype, a memmap too, is read where it lies; others are copied once.
        y : array_like
            Targets: (rows, outputs), or (rows,) for one output; class numbers (rows,) or (rows, 1) for a sparse loss.
        batch_size : int or "full", default 32
            Rows of a step; "full" is all. The last batch of an epoch may be shorter.
        epochs : int, default 1
            At which epoch to stop, counted from 0: with `initial_epoch` 0, how many to train.
        verbose : {"auto", 0, 1, 2}, default "auto"
            0: silent; 1 and "auto": a bar in a terminal, a line an epoch elsewhere; 2: a line an epoch.
        callbacks : list of Callback, optional
        validation_split : float, default 0.0
            Part of the rows, the last ones, to score after each epoch instead of training on them; at least 0, below 1.
        validation_data : (x, y), optional
            Rows to score after each epoch; `validation_split` is not used then.
        shuffle : bool, default True
            Whether each epoch takes the rows in a new order. It follows from the seed and the number of epochs trained,
            not from the number of threads.
        initial_epoch : int, default 0
            Which epoch to begin at, as when training goes on.

        Returns
        -------
        History
            Its ``history`` has the loss and metrics of every epoch, means over the rows.

        Raises
        ------
        TypeError, ValueError
            An argument that cannot be; weights, optimizer and counters are then as they were.
        KeyboardInterrupt
            At Ctrl-C; the model is then as after a whole step, and can be trained on.

        Notes
        -----
        Called again, it goes on with the state the optimizer has.
        """
        first = whole("initial_epoch", initial_epoch, 0)
        last = whole("epochs", epochs, 0)
        level, shuffled = verbosity(verbose), flag("shuffle", shuffle)
        share = real("validation_split", validation_split)
        if not 0 <= share < 1:
            raise ValueError(f"validation_split must be at least 0 and below 1; got {validation_split!r}.")
        members = as_callbacks(callbacks)
        batch_rows(batch_size, 1)
        rows, known = self._data(x, y)
        held_out = self._validation(validation_data)
        if held_out is None and share > 0:
            rows, known, *tail = split_off(rows, known, share)
            held_out = tail[0], tail[1]
        batch = batch_rows(batch_size, len(rows))
        scoring = None if held_out is None else self._scoring(*held_out, batch)
        run = self._run(rows, known, batch, train=True)

        if level and not any(isinstance(member, ProgbarLogger) for member in members):
            members.append(ProgbarLogger(live=level == 1))
        self.history = History()
        members.append(self.history)
        steps = math.ceil(len(rows) / batch)
        hooks = Callbacks(members, self, {"verbose": level, "epochs": last, "steps": steps})
        self.stop_training = False
        logs: dict[str, float] = {}
        with hooks.closing():
            hooks.call("on_train_begin")
            for epoch in range(first, last):
                hooks.call("on_epoch_begin", epoch)
                run.start(self._order(epoch, len(rows)) if shuffled else None)
                logs = self._train_pass(run, hooks)
                if scoring is not None:
                    logs |= self._score(scoring, "val_")
                hooks.call("on_epoch_end", epoch, logs)
                if self.stop_training:
                    break
            hooks.call("on_train_end", logs)
        return self.history

    def _validation(self, data: Any) -> tuple[np.ndarray, np.ndarray] | None:
        if data is None:
            return None
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise TypeError(f"validation_data must be a pair (x, y); got {describe(data)}.")
        return self._data(data[0], data[1], ("validation_data[0]", "validation_data[1]"))

    def _scoring(self, x: np.ndarray, y: np.ndarray, batch: int) -> _core.Run:
        try:
            return self._run(x, y, batch, train=False)
        except ValueError as error:
            raise ValueError(f"validation data: {error}") from None

    def _order(self, epoch: int, rows: int) -> np.ndarray:
        """The rows of this epoch, shuffled. Counted over all calls of fit, so that no two epochs take one order."""
        if self._key is None:
            self._key = seeds.fresh_key()
        index = max(self._passes, epoch)
        self._passes = index + 1
        return seeds.generator(self._key, index).permutation(rows)

    def _train_pass(self, run: _core.Run, hooks: Callbacks) -> dict[str, float]:
        """One epoch; signals are handled between the slices, when the model is as after a whole step."""
        over, batch = False, 0
        while not over:
            if hooks.wants_batches:
                hooks.call("on_train_batch_begin", batch)
                over = run.advance(0.0)
                hooks.call("on_train_batch_end", batch, self._logs(run))
            else:
                over = run.advance(SLICE)
            batch = run.progress[0]
            hooks.call("on_train_progress", batch, self._logs(run))
            if self.stop_training:
                break
        return self._logs(run)

    def _score(self, run: _core.Run, prefix: str = "", bar: Bar | None = None) -> dict[str, float]:
        run.start(None)
        while not run.advance(SLICE):
            if bar is not None:
                bar.update(run.progress[0], self._logs(run))
        return self._logs(run, prefix)

    # -- evaluate, predict ---------------------------------------------------------------------------------------------

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int | str | None = 32,
        verbose: int | str = "auto",
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Loss and metrics of the model on data: means over the rows.

        Parameters
        ----------
        x, y, batch_size, verbose
            As in `fit`.
        return_dict : bool, default False

        Returns
        -------
        float, list or dict
            The loss; with metrics a list of the loss and them; with `return_dict` all by name.

        Raises
        ------
        TypeError, ValueError
            As `fit` does.
        """
        level, named = verbosity(verbose), flag("return_dict", return_dict)
        batch_rows(batch_size, 1)
        rows, known = self._data(x, y)
        batch = batch_rows(batch_size, len(rows))
        run = self._run(rows, known, batch, train=False)
        bar = Bar("Evaluation", math.ceil(len(rows) / batch), level == 1) if level else None
        try:
            logs = self._score(run, bar=bar)
            if bar is not None:
                bar.finish(logs)
        finally:
            if bar is not None:
                bar.close()
        return _result(logs, named)

    def predict(self, x: ArrayLike, batch_size: int | str | None = 32, verbose: int | str = "auto") -> np.ndarray:
        """The model's outputs for data.

        Parameters
        ----------
        x, batch_size, verbose
            As in `fit`; no rows at all give no outputs.

        Returns
        -------
        ndarray, shape (rows, outputs), of the model's dtype

        Raises
        ------
        TypeError, ValueError
            As `fit` does.
        """
        level = verbosity(verbose)
        batch_rows(batch_size, 1)
        rows = self._ready(x, "x")
        assert self._network is not None
        batch = batch_rows(batch_size, len(rows))
        out = np.empty((len(rows), self._network.outputs), rows.dtype)
        bar = Bar("Prediction", math.ceil(len(rows) / batch), level == 1) if level else None
        try:
            done = 0
            while done < len(rows):
                done = self._network.predict(rows, out, batch, done, SLICE)
                if bar is not None:
                    bar.update(math.ceil(done / batch))
            if bar is not None:
                bar.finish()
        finally:
            if bar is not None:
                bar.close()
        return out

    # -- one batch -----------------------------------------------------------------------------------------------------

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """The outputs for one batch, as `predict_on_batch`."""
        return self.predict_on_batch(x)

    def predict_on_batch(self, x: ArrayLike) -> np.ndarray:
        """The outputs for one batch. Raises as `predict` does."""
        return self.predict(x, batch_size="full", verbose=0)

    def train_on_batch(
        self, x: ArrayLike, y: ArrayLike, return_dict: bool = False
    ) -> float | list[float] | dict[str, float]:
        """One step on one batch; gives loss and metrics from before it, as `evaluate` does. Raises as `fit` does."""
        return self._one_batch(x, y, return_dict, train=True)

    def test_on_batch(
        self, x: ArrayLike, y: ArrayLike, return_dict: bool = False
    ) -> float | list[float] | dict[str, float]:
        """Loss and metrics of one batch, as `evaluate` gives them. Raises as `fit` does."""
        return self._one_batch(x, y, return_dict, train=False)

    def _one_batch(self, x: Any, y: Any, return_dict: bool, train: bool) -> float | list[float] | dict[str, float]:
        named = flag("return_dict", return_dict)
        rows, known = self._data(x, y)
        run = self._run(rows, known, len(rows), train)
        run.start(None)
        run.advance(0.0)
        return _result(self._logs(run), named)

    def value_and_grad(self, x: ArrayLike, y: ArrayLike) -> tuple[float, list[np.ndarray]]:
        """The mean loss of a batch, and its gradient with respect to each weight; nothing is changed.

        Returns
        -------
        value : float
        gradients : list of ndarray
            In the order and shapes of `weights`, as ``optimizer.step(model.weights, gradients)`` takes them.

        Raises
        ------
        TypeError, ValueError
            As `fit` does.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(loss="mse")
        >>> value, (slope, _) = model.value_and_grad(np.array([[2.0]]), np.array([[1.0]]))
        >>> value, slope.item()
        (1.0, 4.0)
        """
        rows, known = self._data(x, y)
        loss, network = self._needed_loss(), self._network
        assert network is not None
        value, gradients, _ = network.value_and_grad(loss.name, loss.from_logits, rows, known)
        return value, [gradient for layer in gradients for gradient in layer]


def _resolve(names: Sequence[str], loss: losses.Loss, outputs: int) -> list[str]:
    return [metrics.resolve(name, loss, outputs) for name in names]


def _result(logs: dict[str, float], named: bool) -> float | list[float] | dict[str, float]:
    if named:
        return logs
    values = list(logs.values())
    return values if len(values) > 1 else values[0]
