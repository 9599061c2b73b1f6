"""Say in words what goes wrong in training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _core
from ..checks import check_int
from .base import Callback, Logs
from .progress import say
from .rates import rated
from .symptoms import SYMPTOMS, Finding, LayerSnapshot, Snapshot

__all__ = ["Diagnose"]


class Diagnose(Callback):
    """Watch training, report what goes wrong, and suggest what to try.

    Parameters
    ----------
    verbose : int, default 1
        1 prints every finding, once; 0 only gathers them.
    patience : int, default 10
        How many epochs without gain are a plateau; at least 2.
    samples : int, default 256
        How many rows of the training data are looked at, evenly spaced; at least 1.

    Attributes
    ----------
    findings : list of Finding
        In the order in which they were found, each kind once a layer: ``kind``, ``epoch``, ``layer`` (None where all
        are meant), ``words`` and ``advice``. Kinds are "divergence", "oscillation", "plateau", "dead_units",
        "vanishing_gradients" and "exploding_gradients".
    snapshots : list of Snapshot
        What was measured: before training and after every epoch.

    Raises
    ------
    TypeError, ValueError
        An argument is of a wrong type or out of range.

    Notes
    -----
    Each epoch costs two forward passes and one backward pass over the sample: as training on twice its rows.
    For a layer with weights :math:`w` that are trained, their gradients :math:`g` and what an epoch changed, :math:`d`:

    - divergence: the loss is not finite; or above twice that before training, and rising.
    - oscillation: of 8 changes of the loss 5 undo the one before, each 10 % of it in the mean, without getting ahead.
    - plateau: no 1 % gained in `patience` epochs, and the loss is above half of that before training, or the outputs
      are the same for all rows.
    - dead units: a quarter of the units, or more, gave 0 for all rows, twice in a row.
    - vanishing gradients: the root mean square of :math:`g` is below 1/1000 of that of the last layer, twice in a row,
      with 5 % or more left of the loss before training.
    - exploding gradients: :math:`|g| > 100\\max(|w|, 1)` twice in a row, or :math:`g` is not finite though :math:`w`
      is.

    Training gives the same bits as without it: nothing is drawn, and weights, optimizer and counters do not change.
    Keras has nothing like it.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1, kernel_initializer="ones")])
    >>> model.compile(gs.optimizers.SGD(learning_rate=2.0), "mse")
    >>> x = np.array([-1.0, 1.0])
    >>> diagnose = gs.callbacks.Diagnose(verbose=0)
    >>> history = model.fit(x, -x, epochs=3, verbose=0, callbacks=[diagnose])
    >>> print(diagnose.findings[0].words)
    the loss rises: it is 36 after 4 before training
    >>> print(diagnose.findings[0].advice)
    a learning rate of 0.2 or less, inputs and targets of size 1 or so, and clipnorm=1
    """

    def __init__(self, verbose: int = 1, patience: int = 10, samples: int = 256) -> None:
        super().__init__()
        self.verbose = check_int("verbose", verbose, 0)
        self.patience = check_int("patience", patience, 2)
        self.samples = check_int("samples", samples, 1)
        self.findings: list[Finding] = []
        self.snapshots: list[Snapshot] = []
        self._sample: tuple[Any, Any] | None = None
        self._before: list[np.ndarray] = []  # weights at the last snapshot

    def _on_fit_data(self, x: np.ndarray, y: np.ndarray, others: list[Callback]) -> None:
        chosen = np.linspace(0, len(x) - 1, min(self.samples, len(x))).astype(np.int64)
        self._sample = x[chosen], y[chosen]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Measure the model as it is."""
        if not self._is_resumed():
            self.findings, self.snapshots = [], []
            self.snapshots.append(self._snapshot(-1, math.nan))
        self._before = self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Measure the model and report problems."""
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        self.snapshots.append(self._snapshot(epoch, float(loss)))
        self._before = self.model.get_weights()
        rates = [float(each.learning_rate) for _, each in rated(self.model.optimizer)]
        for symptom in SYMPTOMS:
            for finding in symptom(self.snapshots, self.patience, rates[0] if rates else math.nan):
                if not any((finding.kind, finding.layer) == (f.kind, f.layer) for f in self.findings):
                    self.findings.append(finding)
                    if self.verbose:
                        say(str(finding))

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Release the sample of the data."""
        self._sample, self._before, self._loaded = None, [], False

    def _snapshot(self, epoch: int, loss: float) -> Snapshot:
        if self._sample is None:
            return Snapshot(epoch, loss, math.nan, False, {})
        x, y = self._sample
        with np.errstate(all="ignore"):
            layers, constant = self._forward(x)
            value, gradients = self._backward(x, y)
            trained = self.model._executor.trained_weights()
            before = dict(zip(self.model.weight_names, self._before, strict=False))
            found = dict(zip(trained, gradients, strict=True))
            for layer in self.model.layers:
                names = [f"{layer.name}/{name}" for name in layer.weight_names]
                own = [name for name in names if name in trained]
                if own:
                    layers[layer.name] = LayerSnapshot(
                        dead=layers[layer.name].dead,
                        units=layers[layer.name].units,
                        numbers=sum(trained[name].size for name in own),
                        weight=_core.norm([trained[name] for name in own]),
                        gradient=_core.norm([found[name] for name in own]),
                        update=_core.norm([trained[name] - before[name] for name in own if name in before]),
                    )
        return Snapshot(epoch, loss, value, constant, layers)

    def _forward(self, x: Any) -> tuple[dict[str, LayerSnapshot], bool]:
        """Dead units of each layer, and whether the outputs are the same for all rows."""
        layers = {}
        calls, outputs = self.model._through(x)
        for layer, given, made, is_last in calls:
            now = _zeros(made[0])
            before = _zeros(given[0])
            # What was 0 before a layer of as many units, as Flatten or Dropout, did not die in it.
            passes = len(given) == 1 and len(now) == len(before) and not layer.weights
            dead = now & ~before if passes else now
            # Outputs may well be 0.
            layers[layer.name] = LayerSnapshot(dead=0 if is_last else int(dead.sum()), units=len(now))
        flat = [output.reshape(len(output), -1) for output in outputs]
        constant = [
            bool((one.std(axis=0, dtype=np.float64) <= 1e-3 * np.abs(one).mean(dtype=np.float64)).all()) for one in flat
        ]
        return layers, len(x) > 1 and all(constant)

    def _backward(self, x: Any, y: Any) -> tuple[float, list[np.ndarray]]:
        """The loss of the sample and its gradients; the model is afterwards as it was."""
        weights, drawn = self.model.get_weights(), self.model._executor.calls
        try:
            value, gradients = self.model._gradients_of(x, y)
        finally:
            self.model._executor.calls = drawn
            for weight, kept in zip(self.model.weights, weights, strict=True):
                weight[...] = kept
        return float(value), gradients

    def state_dict(self) -> dict[str, Any]:
        """The losses and findings so far. A resumed run measures the layers again."""
        from .states import plain

        first = self.snapshots[0].sample if self.snapshots else math.nan
        return {
            "epochs": [snapshot.epoch for snapshot in self.snapshots[1:]],
            "losses": plain([snapshot.loss for snapshot in self.snapshots[1:]]),
            "start": plain(first),
            "findings": [[f.kind, f.epoch, f.layer, f.words, f.advice] for f in self.findings],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` gave. The next `fit` continues with it."""
        from .states import loaded

        if set(state) != {"epochs", "losses", "start", "findings"}:
            raise ValueError(f"state must hold epochs, losses, start and findings; it holds {', '.join(state)}.")
        numbers = zip(state["epochs"], loaded(state["losses"]), strict=True)
        snapshots = [Snapshot(epoch, loss, math.nan, False, {}) for epoch, loss in numbers]
        findings = [Finding(*values) for values in state["findings"]]
        self.snapshots = [Snapshot(-1, math.nan, loaded(state["start"]), False, {}), *snapshots]
        self.findings, self._loaded = findings, True


def _zeros(output: np.ndarray) -> np.ndarray:
    """Which numbers of a row are 0 in all rows."""
    zeros: np.ndarray = (output.reshape(len(output), -1) == 0).all(axis=0)
    return zeros
