"""The methods of a model that train, score and ask it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import losses, optimizers, seeds
from ..callbacks.base import Callback
from ..callbacks.history import History
from ..checks import check_bool, check_int
from ..hints import argument_hint
from ..metrics.base import Metric
from ..minimize.methods.base import Method
from ..minimize.methods.registry import trainer_of
from ..trainers.data_adapter import DataAdapter
from ..trainers.evaluator import Evaluator, metrics_in
from ..trainers.executor import Executor
from ..trainers.fit_arguments import FitArguments
from ..trainers.gradients import ForwardBackward
from ..trainers.losses_and_metrics import LossesAndMetrics
from ..trainers.trainer import Trainer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..distribution import DataParallel
    from ..trainers.model_face import ModelFace as Face
else:
    Face = object  # a subclass gives what is in it

__all__ = ["Trainable"]

COMPILE = (
    *("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"),
    *("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"),
)


class Trainable(Face):
    """A model with what trains it: executor, data adapter, evaluator and trainer."""

    def __init__(self) -> None:
        self._executor: Executor = Executor(self)
        self._data = DataAdapter(self, self._executor)
        self._evaluator = Evaluator(self, self._executor, self._data)
        self._trainer: Trainer = Trainer(self, self._executor, self._data, self._evaluator)
        self._last_call = ForwardBackward(self._executor)
        self._compiled: dict[str, Any] = {}  # what compile() was given, beside the optimizer
        self.history: History | None = None
        self.seed: int | None = None
        self.stop_training = self.stop_evaluating = self.stop_predicting = False

    def _adopt(self) -> None:
        """Let the parts of another model, which this one has now, be its own."""
        for part in (self._executor, self._data, self._evaluator, self._trainer):
            part.model = self

    def _take_seed(self, seed: Any) -> None:
        """Seed the random numbers of the model, if it has a seed."""
        key = seeds.key_of(seed)
        if key is not None:
            self.seed, self._trainer.key = key[0], seeds.Sequence(key[0]).fresh_key()

    @property
    def _guard(self) -> Any:
        """Held while weights change or must not."""
        return self._executor.guard

    @property
    def optimizer(self) -> Any:
        """The optimizer, or method. A new one starts without state; a running `fit` uses it from the next epoch on."""
        return self._executor.optimizer

    @optimizer.setter
    def optimizer(self, optimizer: str | optimizers.Optimizer | Method | None) -> None:
        self._executor.optimizer = optimizer

    @property
    def loss(self) -> losses.Loss | None:
        """The loss of training; of several outputs the first."""
        return self._executor.loss

    # -- training ------------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: str | optimizers.Optimizer | Method = "rmsprop",
        loss: str | losses.Loss | Callable[..., Any] | Sequence[Any] | Mapping[str, Any] | None = None,
        loss_weights: float | Sequence[float] | Mapping[str, float] | None = None,
        metrics: Sequence[Any] | Mapping[str, Any] | None = None,
        weighted_metrics: Sequence[Any] | Mapping[str, Any] | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: str | bool = "auto",
        auto_scale_loss: bool = True,
        **unknown: Any,
    ) -> None:
        """Configure the model for training.

        Parameters
        ----------
        optimizer : str, Optimizer or Method, default "rmsprop"
            A name of `gradstep.optimizers` for its defaults, or an optimizer. Or a method of `gradstep.minimizers` that
            takes its steps over all rows: ``"lbfgs"``, ``"bfgs"``, ``"cg"``, ``"owlqn"``, ``"newton-cg"`` (that is
            `HessianFree`), an object of one, or ``Sequence("adam", "bfgs")``; see Notes of `fit`.
        loss : str, Loss or function, or a list or dict of them, optional
            What `gradstep.losses.get` takes: a name, a loss, or a function ``(y_true, y_pred) -> (values, gradient)``.
            `fit` and `evaluate` need one; `predict` does not. Of a model of several outputs one for all, or a list or
            dict with one for each output, None for one that has none.
        loss_weights : float, or a list or dict of them, optional
            Weight of each output's loss in the total loss; 1 by default. The losses of the outputs are
            reported without it.
        metrics : list of str, Metric or function, optional
            What else to measure: "accuracy", other names of `gradstep.metrics`, metrics, or functions of targets and
            predictions. Of a model of several outputs a list with one, or a list, for each output; or a dict of such.
        weighted_metrics : list of str, Metric or function, optional
            The same, of which each row counts with its sample weight where rows have some.
        run_eagerly : bool, default False
            False. Layers and losses in NumPy can be stepped through with a debugger as they are.
        steps_per_execution : int, default 1
            Batches between two calls of ``on_train_batch_begin``, ``on_test_batch_begin`` and their like.
        jit_compile : bool or "auto", default "auto"
            For scripts written for Keras: layers are compiled C++ in any case, with the same results.
        auto_scale_loss : bool, default True
            For scripts written for Keras: it concerns float16, in which no model computes.

        Raises
        ------
        TypeError
            An argument of the wrong type or name.
        ValueError
            An unknown optimizer, loss or metric. Nothing is changed then.
        """
        for name in unknown:
            raise TypeError(f"compile() has no argument {name!r}.{argument_hint(name, COMPILE)}")
        if check_bool("run_eagerly", run_eagerly):
            raise ValueError("run_eagerly must be False: layers of this package run in C++ always.")
        steps = check_int("steps_per_execution", steps_per_execution, 1)
        if not isinstance(jit_compile, str) or jit_compile != "auto":
            check_bool("jit_compile", jit_compile)
        check_bool("auto_scale_loss", auto_scale_loss)
        known = self._losses_and_metrics(loss, loss_weights, metrics, weighted_metrics)
        chosen = trainer_of(optimizer)
        with self._guard:
            self._renew()
            self._executor.optimizer = chosen
            self._executor.losses_and_metrics = known
            self._evaluator.steps_per_execution = steps
        self._compiled = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        } | ({} if steps == 1 else {"steps_per_execution": steps})

    def _losses_and_metrics(self, loss: Any, loss_weights: Any, metrics: Any, weighted: Any) -> LossesAndMetrics:
        """Resolve the arguments of `compile`."""
        given = self.output_names, loss, loss_weights, metrics, weighted
        if self._has_many:
            return LossesAndMetrics.of_all(*given, by_key=isinstance(self.output, dict))
        return LossesAndMetrics.of_one(*given)

    def _renew(self) -> None:
        """Tell the engine which weights are to be trained."""
        self._last_call.forget()
        self._executor.renew()

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | str | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Sequence[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | str | None = None,
        validation_freq: int | Collection[int] = 1,
        seed: int | None = None,
        distribution: DataParallel | None = None,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x : array_like, shape (rows, ...), or what gives batches
            Data. Rows of float32, float64 or uint8 in C order, a memmap too, are read where they lie, and converted as
            they are read. Other arrays are copied into memory as a whole, once: pandas and polars tables, dask arrays,
            datasets of h5py and zarr too; give batches, or a memmap, where they do not fit. A SciPy sparse matrix is
            multiplied as it is where the first layers are `Dense`, with bit-identical results, and made dense a
            batch at a time elsewhere. A generator, an iterable or a sequence such as `gradstep.utils.PyDataset` gives
            batches ``(x, y)`` or ``(x, y, sample_weight)``; `gradstep.utils.rebatch` makes them of chunks. A model of
            several inputs takes a list with an array for each, or a dict by their names; so are `y` and `sample_weight`
            for each of several outputs.
        y : array_like
            Targets: (rows, outputs), or (rows,) for one output; class numbers (rows,) or (rows, 1) for a sparse loss.
            None where `x` gives batches.
        batch_size : int or "full", optional
            Rows of a step; "full" is all. The last batch of an epoch may be shorter. By default 32, or, with
            `steps_per_epoch`, what makes so many batches of all rows. None where `x` gives batches.
        epochs : int, default 1
            At which epoch to stop, counted from 0: with `initial_epoch` 0, how many to train.
        verbose : {"auto", 0, 1, 2}, default "auto"
            0: silent; 1 and "auto": a bar in a terminal, a line an epoch elsewhere; 2: a line an epoch.
        callbacks : list of Callback, optional
        validation_split : float, default 0.0
            Part of the rows, the last ones, to score after each epoch instead of training on them; at least 0, below 1.
        validation_data : (x, y), (x, y, sample_weight), or what gives batches; optional
            Rows to score after each epoch; `validation_split` is not used then.
        shuffle : bool or "blocks", default True
            Whether each epoch takes the rows in a new order, or the batches of a sequence; generators and other
            iterables say themselves what comes. The order follows from the seed and the number of epochs trained, not
            from the number of threads. ``"blocks"`` is for files larger than memory: blocks of neighbouring rows of
            1 MiB come in a new order, and rows are mixed within windows of 32 of them.
        class_weight : dict of int to float, optional
            What the loss of rows of a class counts for in training; 1 for classes that are not in it.
        sample_weight : array_like, shape (rows,), optional
            What the loss of each row counts for in training, and in the validation of rows that are split off. Of
            outputs of several axes it may have their shape without the last one: (rows, steps) of sequences.
        initial_epoch : int, default 0
            Which epoch to begin at, as when training goes on.
        steps_per_epoch : int, optional
            Batches of an epoch, if not all; the next epoch goes on where this one ends. Needed for a generator without
            end.
        validation_steps : int, optional
            Batches to score, if not all: the first ones, but of a generator the next ones.
        validation_batch_size : int or "full", optional
            By default `batch_size`; without, 32, or what makes `validation_steps` batches of all rows.
        validation_freq : int or collection of int, default 1
            After which epochs to score: each so many-th, or those of these numbers, counted from 1.
        seed : int, optional
            What the shuffles follow from, in this call and those after it; by default the model's seed, or that of
            `utils.set_random_seed`.
        distribution : DataParallel, optional
            Trains in several processes, each on its part of every batch; by default what
            `distribution.set_distribution` set. `x` and `y` are arrays then, the same in all processes, or
            `DataParallel.parts`; `batch_size` is that of all processes together. Each of them scores all validation
            data.

        Returns
        -------
        History
            Its ``history`` has the loss and metrics of every epoch, means over the rows.

        Raises
        ------
        TypeError, ValueError
            An argument that cannot be; weights, optimizer and counters are then as they were. A later batch that cannot
            be ends training as Ctrl-C does.
        RuntimeError
            The model is being trained by another thread; or its weights were made anew in the midst of an epoch.
        KeyboardInterrupt
            At Ctrl-C; the model is then as after a whole step, and can be trained on.

        Warns
        -----
        UserWarning
            The data ended before the batches or epochs that were asked for.

        Notes
        -----
        Called again, it goes on with the state the optimizer has.

        With a method of `gradstep.minimizers` an epoch is one iteration: its line search computes the loss of all rows,
        and the gradient, once or more, in chunks of `batch_size` rows (by default what fits a core's cache), over which
        they are summed; the same loss, whatever the chunks, but for rounding. The logs have ``nfev``, how often so far,
        ``gnorm``, the largest component of the gradient, and ``alpha``, the step along the direction; ``loss`` is that
        after the step. Training ends where no lower loss is found, and ``model.optimizer.message`` says so.

        A callback, or another thread, may call `compile`, set `optimizer` or restore a run: the next epoch takes it up.
        Weights that are set count from the next batch on.
        """
        arguments = FitArguments(locals())
        self._check_loops()
        return self._trainer.fit(arguments)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | str | None = None,
        verbose: int | str = "auto",
        sample_weight: ArrayLike | None = None,
        steps: int | None = None,
        callbacks: Sequence[Callback] | Callback | None = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """Evaluate the model on data: loss and metrics, as means over the rows.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight
            As in `fit`.
        steps : int, optional
            How many batches to take, if not all. Without `batch_size` all rows are in them.
        callbacks : list of Callback, optional
            Their hooks ``on_test_...`` are called.
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
        return self._evaluator.evaluate(x, y, batch_size, verbose, sample_weight, steps, callbacks, return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | str | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Sequence[Callback] | Callback | None = None,
    ) -> Any:
        """Predict the outputs of the model for data.

        Parameters
        ----------
        x, batch_size, verbose
            As in `fit`; no rows at all give no outputs. Of what gives batches, targets and weights are not looked at.
        steps : int, optional
            How many batches to take, if not all. Without `batch_size` all rows are in them.
        callbacks : list of Callback, optional
            Their hooks ``on_predict_...`` are called.

        Returns
        -------
        ndarray of the model's dtype, of the shape of the last layer's output

        Raises
        ------
        TypeError, ValueError
            As `fit` does.
        """
        return self._evaluator.predict(x, batch_size, verbose, steps, callbacks)

    # -- metrics -------------------------------------------------------------------------------------------------------

    @property
    def metrics(self) -> list[Metric]:
        """List of the metrics, in the order of `metrics_names`, with their last results.

        Those that `compile` was given are these objects; a `Mean` stands for the loss and for metrics given by name.
        """
        return self._evaluator.metrics()

    @property
    def metrics_names(self) -> list[str]:
        """Names of the values that `evaluate` returns: "loss", losses of several outputs, metrics."""
        return list(self._executor.losses_and_metrics.listed)

    @property
    def _directions(self) -> dict[str, bool | None]:
        """Whether each of these is better when larger; None: a metric does not say. For callbacks."""
        return {"loss": False, **self._executor.losses_and_metrics.directions}

    def reset_metrics(self) -> None:
        """Reset the state of all metrics.

        A pass over data and a batch by itself do so too: unlike Keras's, losses and metrics of `train_on_batch` and
        `test_on_batch` are those of the one batch, and do not go on from call to call.
        """
        for metric in metrics_in([self._compiled.get("metrics"), self._compiled.get("weighted_metrics")]):
            metric.reset_state()
