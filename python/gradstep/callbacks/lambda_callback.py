"""A callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..checks import describe
from ..hints import closest
from .base import Callback

__all__ = ["LambdaCallback"]


class LambdaCallback(Callback):
    """Call functions as hooks of a run.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : function of (epoch, logs), optional
    on_train_begin, on_train_end : function of (logs), optional
    on_train_batch_begin, on_train_batch_end : function of (batch, logs), optional
        Their second argument is called ``logs``: it comes by its name.
    **hooks : function
        Any other hook of `Callback`, by its name: ``on_test_end=...``.

    Raises
    ------
    TypeError
        There is no such hook, or what is given for one cannot be called.

    Notes
    -----
    Keras takes any name, and forgets a misspelt hook.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> show = gs.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: print("epoch", epoch))
    >>> history = model.fit(np.ones((8, 1)), np.zeros(8), epochs=2, verbose=0, callbacks=[show])
    epoch 0
    epoch 1
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **hooks: Callable[..., Any],
    ) -> None:
        super().__init__()
        hooks |= {
            name: function
            for name, function in (
                ("on_epoch_begin", on_epoch_begin),
                ("on_epoch_end", on_epoch_end),
                ("on_train_begin", on_train_begin),
                ("on_train_end", on_train_end),
                ("on_train_batch_begin", on_train_batch_begin),
                ("on_train_batch_end", on_train_batch_end),
            )
            if function is not None
        }
        known = [name for name in dir(Callback) if name.startswith("on_")]
        for name, function in hooks.items():
            if name not in known:
                raise TypeError(f"LambdaCallback has no hook {name!r}.{closest(name, known)}")
            if not callable(function):
                raise TypeError(f"{name} must be a function; got {describe(function)}.")
        for name, function in hooks.items():
            setattr(self, name, function)
