"""Models of several inputs or outputs: their data, and the passes over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import losses
from ..callbacks.callback_list import CallbackList
from ..callbacks.progress import Bar
from ..layers.alone import slope_of
from ..layers.symbolic import in_training, is_symbolic
from .columns import Columns, ManyRows, input_columns, target_columns, weight_columns
from .data import NAMES, Rows
from .fed import whole_or_none
from .graph import Graph
from .layered import Layered
from .learned import arranged, learned
from .measured import Measures, Share
from .mixed import undone
from .named import by_name, each_by_name
from .objectives import Fed as FedMetric
from .objectives import Objectives
from .steps import AnyRun
from .weighed import GraphRun
from .wiring import Bundle

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Many"]


class Many(Layered):
    """A model of any number of inputs and outputs. A subclass connects its layers.

    One that has one of each is computed and trained as `Sequential` is; what stands here is for the others, whose
    `_network` is a graph.

    Parameters
    ----------
    inputs, outputs : Bundle
    """

    def __init__(self, inputs: Bundle, outputs: Bundle) -> None:
        super().__init__()
        self._ins, self._outs = inputs, outputs
        self._given_outputs: list[tuple[int, ...]] = []  # shapes of what the last call in training gave

    @property
    def _many(self) -> bool:
        """Whether there are several inputs or outputs, or the one output is given as a list or dict."""
        return len(self._ins) > 1 or self._outs.kind != "one"

    def _rows_shape(self) -> tuple[int, ...] | None:
        if self._many:
            raise ValueError(
                "only models with one input and one output (not in a list or dict) can be added to a Sequential; "
                f"{self.name!r} has {len(self._ins)} inputs and {len(self._outs)} outputs."
            )
        return self._ins.rows[0]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Any:
        """Shape of the output for an input shape; both with the rows, None, in front."""
        self._check_shape(input_shape)
        return self.output_shape

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Nothing is left to make; raises ValueError for another shape than the model's."""
        self._check_shape(input_shape)

    def _output_rows(self) -> list[tuple[int, ...]]:
        return list(self._outs.rows)

    @property
    def _graph(self) -> Graph:
        assert isinstance(self._network, Graph)
        return self._network

    @property
    def inputs(self) -> Any:
        """The symbolic tensors of the inputs, as a list."""
        return list(self._ins.tensors)

    @property
    def outputs(self) -> Any:
        """The symbolic tensors of the outputs, as a list."""
        return list(self._outs.tensors)

    @property
    def input(self) -> Any:
        """The symbolic tensors of the inputs, as they were given."""
        return self._ins.given_as()

    @property
    def output(self) -> Any:
        """The symbolic tensors of the outputs, as they were given."""
        return self._outs.given_as()

    @property
    def input_names(self) -> list[str]:
        """What the inputs are called: after their `Input`, or as in the dict that they were given in."""
        return list(self._ins.names)

    @property
    def output_names(self) -> list[str]:
        """What the outputs are called: after the layers that give them, or as in the dict that they were given in."""
        return list(self._outs.names)

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs, with None for the rows, as they were given."""
        return self._ins.packed([tensor.shape for tensor in self._ins.tensors])

    @property
    def output_shape(self) -> Any:
        """Shapes of the outputs, with None for the rows, as they were given."""
        return self._outs.packed([tensor.shape for tensor in self._outs.tensors])

    # -- what it is trained by -----------------------------------------------------------------------------------------

    def _judges(
        self, loss: Any, loss_weights: Any, metrics: Any, weighted: Any
    ) -> tuple[losses.Loss | None, Measures | Objectives]:
        if not self._many:
            return super()._judges(loss, loss_weights, metrics, weighted)
        objectives = Objectives(self._outs.names, loss, loss_weights, metrics, weighted)
        return next((one for one in objectives.losses if one is not None), None), objectives

    @property
    def _objectives(self) -> Objectives:
        assert isinstance(self._measures, Objectives)
        return self._measures

    # -- data ----------------------------------------------------------------------------------------------------------

    def _ready(self, x: Any, name: str) -> Any:
        columns = input_columns(x, name, self._ins.names, self._ins.rows, self._dtype)
        return Columns(columns) if self._many else columns[0]

    def _rows(self, x: Any, y: Any, sample_weight: Any = None, names: tuple[str, str, str] = NAMES) -> Rows:
        if not self._many:
            return super()._rows(x, y, sample_weight, names)
        self._needed_loss()
        if y is None:
            raise ValueError(f"{names[1]} must be targets; got None.")
        columns, outputs, objectives = self._ready(x, names[0]), self._outs.names, self._objectives
        rows = len(columns)
        if rows == 0:
            raise ValueError(f"{names[0]} must have at least one row.")
        known = target_columns(y, names[1], outputs, objectives.judges, self._outs.rows, rows, self._dtype)
        return ManyRows(columns, known, weight_columns(sample_weight, names[2], outputs, rows))

    def _shares(self, rows: Rows) -> list[Share]:
        if not self._many:
            return super()._shares(rows)
        objectives = self._objectives
        fed = self._fed(rows)
        return [Share("loss", None, False)] * (len(objectives.counted) if objectives.split else 0) + [
            Share("", metric, weighted) for _, metric, weighted in fed
        ]

    # -- passes --------------------------------------------------------------------------------------------------------

    def _new_run(self, rows: Rows, batch: int, train: bool, fresh: bool) -> AnyRun:
        if not self._many:
            return super()._new_run(rows, batch, train, fresh)
        run = self._graph_run(rows, batch, train, fresh)
        if not train:
            return run
        if self.optimizer is None:
            raise ValueError("the model has no optimizer: call compile(optimizer=..., loss=...) first.")
        return self._stepped(run) if learned(self._graph) else run

    def _graph_run(self, rows: Any, batch: int, train: bool, fresh: bool) -> GraphRun:
        return GraphRun(self._graph, self._objectives, self._fed(rows), rows, batch, train, fresh)

    def _fed(self, rows: Any) -> list[FedMetric]:
        """The metrics for targets like these, each for this thread alone."""
        metrics = self._objectives.metrics_for(rows.y.arrays, self._outs.rows, self._dtype)
        return [one._replace(metric=self._lent.of(one.metric)) for one in metrics]

    def _predict(self, parts: Iterable[tuple[Any, int]], hooks: CallbackList, bar: Bar | None) -> Any:
        if not self._many:
            return super()._predict(parts, hooks, bar)
        each, self.stop_predicting = hooks.wants_batches("predict"), False
        hooks.on_predict_begin()
        found: list[list[np.ndarray]] = []
        index = 0
        for columns, batch in parts:
            for begin in range(0, max(len(columns), 1), batch):
                if each:
                    hooks.on_predict_batch_begin(index)
                found.append(self._outputs_of(columns[begin : begin + batch]))
                if each:
                    hooks.on_predict_batch_end(index, {"outputs": self._outs.packed(found[-1])})
                index += 1
                if bar is not None:
                    bar.update(index)
                if self.stop_predicting:
                    break
            if self.stop_predicting:
                break
        hooks.on_predict_end()
        if not found:
            raise ValueError("x must give at least one batch; it gives none.")
        return self._outs.packed([one[0] if len(one) == 1 else np.concatenate(one) for one in zip(*found, strict=True)])

    def _outputs_of(self, columns: Columns) -> list[np.ndarray]:
        """The outputs of a batch."""
        rows = len(columns)
        if not rows:
            return [np.empty((0, *shape), self._dtype) for shape in self._outs.rows]
        graph = self._graph
        with graph.guard:
            shaped = graph.forward([array for array in columns.arrays if array is not None])
            return [np.array(output) for output in shaped]

    def predict_on_batch(self, x: ArrayLike) -> Any:
        """The outputs for one batch. Raises as `predict` does."""
        if not self._many:
            return super().predict_on_batch(x)
        return self._outs.packed(self._outputs_of(self._ready(x, "x")))

    @whole_or_none
    def _gradients_of(self, x: Any, y: Any, weights: Any = None) -> tuple[float, list[np.ndarray]]:
        if not self._many:
            return super()._gradients_of(x, y, weights)
        with self._guard, self._lent, undone(self._graph):
            run = self._graph_run(ManyRows(x, y, weights), len(x), True, True)
            run.start(None, self._lone_pass())
            run.advance(0.0)
            gradients = arranged(self._graph, run.gradients, list(self._trained().values()))
            return run.progress[2], [np.array(gradient) for gradient in gradients]

    # -- loops of the user's own ---------------------------------------------------------------------------------------

    @whole_or_none
    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """As `Sequential.__call__`; data as in `fit`, and outputs as they were given to the constructor."""
        if not self._many or is_symbolic(x):
            return super().__call__(x, training)
        trains, columns = in_training(training), self._ready(x, "x")
        if not len(columns):
            raise ValueError("x must have at least one row.")
        arrays = [np.array(array) if trains else array for array in columns.arrays]  # backward reads them
        with self._guard, undone(self._graph):
            self._back = None
            outputs = self._graph.forward(arrays, trains, self._lone_pass() if trains else 0, None, trains)
            if trains:
                rows = len(columns)
                self._given_outputs = [output.shape for output in outputs]
                self._back = (rows,), (rows,)
            return self._outs.packed([np.array(output) for output in outputs])

    def backward(self, dy: Any) -> tuple[Any, list[np.ndarray]]:
        """As `Sequential.backward`.

        Parameters
        ----------
        dy : array_like, or a list or dict of them
            The gradient by each output of that call, None for zeros.

        Returns
        -------
        dx : ndarray, or a list or dict of them
            The gradients by the inputs, as they were given to the constructor.
        dws : list of ndarray
            Those by `trainable_weights`.
        """
        if not self._many:
            return super().backward(dy)
        with self._guard:
            return self._through_back(dy)

    def _through_back(self, dy: Any) -> tuple[Any, list[np.ndarray]]:
        if self._back is None:
            raise RuntimeError(
                f"model {self.name!r} must be called with training=True before each backward(), which goes back from "
                "that call; any other use of the model forgets it."
            )
        names, shapes = self._outs.names, self._given_outputs
        if isinstance(dy, Mapping):
            each = by_name(dy, names, "dy")
        else:
            each = [dy] if self._outs.kind == "one" else each_by_name(dy, names, "dy", "a gradient")
        slopes = [
            None if one is None else slope_of(one, shape, self._dtype) for one, shape in zip(each, shapes, strict=True)
        ]
        dxs, found = self._graph.backward(slopes)
        rows = self._back[0]
        self._back = None
        made = [
            np.zeros((*rows, *shape), self._dtype) if dx is None else dx.reshape(*rows, *shape)
            for dx, shape in zip(dxs, self._ins.rows, strict=True)
        ]
        gradients = arranged(self._graph, found, self.trainable_weights)
        return self._ins.packed(made), [gradient.copy() for gradient in gradients]
