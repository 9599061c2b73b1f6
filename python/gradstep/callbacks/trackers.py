"""Runs of training in MLflow and Weights & Biases, and a bar of tqdm's; each library is imported by its callback."""

from __future__ import annotations

from typing import Any

from ..checks import check_bool, describe
from .base import Callback, Logs

__all__ = ["MLflowLogger", "TqdmProgress", "WandbLogger"]


# A callback does not hold the module, so that it can be copied.
def _mlflow() -> Any:
    try:
        import mlflow
    except ImportError:
        raise ImportError("MLflowLogger needs MLflow: pip install 'gradstep[mlflow]'") from None
    return mlflow


def _wandb() -> Any:
    try:
        import wandb
    except ImportError:
        raise ImportError("WandbLogger needs wandb: pip install 'gradstep[wandb]'") from None
    return wandb


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError("TqdmProgress needs tqdm: pip install 'gradstep[tqdm]'") from None
    return tqdm


def _numbers(logs: Logs | None) -> dict[str, float]:
    """The logs that are single numbers."""
    return {name: float(value) for name, value in (logs or {}).items() if getattr(value, "ndim", 0) == 0}


class MLflowLogger(Callback):
    """Log the loss and metrics of every epoch to a run of MLflow (extra ``mlflow``).

    Parameters
    ----------
    run_name : str, optional
        Name of a new run. Where a run is active, it is used, and left open.

    Raises
    ------
    ImportError
        MLflow is not installed: ``pip install 'gradstep[mlflow]'``.
    TypeError
        `run_name` is no str.

    Notes
    -----
    Metrics have the epoch as their step; parameters are the optimizer's config. Nothing is uploaded but what MLflow
    itself sends to ``MLFLOW_TRACKING_URI``. Models are not logged: ``model.save(path)`` and
    ``mlflow.log_artifact(path)`` do that.

    Examples
    --------
    >>> history = model.fit(x, y, callbacks=[gs.callbacks.MLflowLogger("first")])  # doctest: +SKIP
    """

    def __init__(self, run_name: str | None = None) -> None:
        _mlflow()
        super().__init__()
        if run_name is not None and not isinstance(run_name, str):
            raise TypeError(f"run_name must be a str; got {describe(run_name)}.")
        self.run_name = run_name
        self._is_ours = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start a run, unless one is active, and log the optimizer's config."""
        mlflow = _mlflow()
        self._is_ours = mlflow.active_run() is None
        if self._is_ours:
            mlflow.start_run(run_name=self.run_name)
        for name, value in _settings(self.model).items():
            mlflow.log_param(name, value)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the numbers."""
        _mlflow().log_metrics(_numbers(logs), step=epoch)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """End the run, if it was started here."""
        if self._is_ours:
            _mlflow().end_run()
            self._is_ours = False


class WandbLogger(Callback):
    """Log the loss and metrics of every epoch to a run of Weights & Biases (extra ``wandb``).

    Parameters
    ----------
    run : wandb.Run, optional
        What ``wandb.init()`` gave; by default the active run.

    Raises
    ------
    ImportError
        wandb is not installed: ``pip install 'gradstep[wandb]'``.
    TypeError
        `run` is no run.
    RuntimeError
        In training: there is no run.

    Notes
    -----
    Each epoch is one ``run.log`` with its number as "epoch"; the config gets the optimizer's. The run is not ended.

    Examples
    --------
    >>> run = wandb.init(project="digits", mode="offline")  # doctest: +SKIP
    >>> history = model.fit(x, y, callbacks=[gs.callbacks.WandbLogger(run)])  # doctest: +SKIP
    """

    def __init__(self, run: Any = None) -> None:
        _wandb()
        super().__init__()
        if run is not None and not callable(getattr(run, "log", None)):
            raise TypeError(f"run must be what wandb.init() gives; got {describe(run)}.")
        self.run = run

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Note the optimizer's config."""
        if self._run() is None:
            raise RuntimeError("WandbLogger needs a run: call wandb.init() before fit().")
        self._run().config.update(_settings(self.model), allow_val_change=True)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the numbers."""
        self._run().log({"epoch": epoch, **_numbers(logs)})

    def _run(self) -> Any:
        return _wandb().run if self.run is None else self.run


class TqdmProgress(Callback):
    """Show a bar of tqdm's over the epochs (extra ``tqdm``), with the loss and metrics of the last one.

    Parameters
    ----------
    desc : str, optional
        What stands in front of the bar.
    leave : bool, default True
        Whether the bar stays when training is done.
    position : int, optional
        Line of the bar, counted from 0, where there are several.
    file : file, optional
        Where it is written; by default the standard error.

    Raises
    ------
    ImportError
        tqdm is not installed: ``pip install 'gradstep[tqdm]'``.

    Notes
    -----
    Use it with ``fit(verbose=0)``, which leaves out the bar that `fit` has itself.

    Examples
    --------
    >>> bar = gs.callbacks.TqdmProgress(leave=False)  # doctest: +SKIP
    >>> history = model.fit(x, y, epochs=50, verbose=0, callbacks=[bar])  # doctest: +SKIP
    """

    def __init__(
        self, desc: str | None = None, leave: bool = True, position: int | None = None, file: Any = None
    ) -> None:
        _tqdm()
        super().__init__()
        self.desc, self.leave, self.position, self.file = desc, check_bool("leave", leave), position, file
        self._bar: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Show an empty bar."""
        options = {"desc": self.desc, "leave": self.leave, "position": self.position, "file": self.file}
        self._bar = _tqdm()(total=self.params.get("epochs"), unit="epoch", **options)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Move the bar."""
        self._bar.set_postfix(_numbers(logs), refresh=False)
        self._bar.update(epoch + 1 - self._bar.n)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def _settings(model: Any) -> dict[str, Any]:
    """Numbers and words of the optimizer's config that are not the defaults' None."""
    optimizer = model.optimizer
    plain = {
        name: value for name, value in optimizer.get_config().items() if isinstance(value, (bool, int, float, str))
    }
    return {"optimizer": type(optimizer).__name__, **{f"optimizer_{name}": value for name, value in plain.items()}}
