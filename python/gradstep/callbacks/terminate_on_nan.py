"""Stop when the loss is no number any more."""

from __future__ import annotations

import math

from ..checks import check_bool
from .base import Callback, Logs
from .progress import say

__all__ = ["TerminateOnNaN"]


class TerminateOnNaN(Callback):
    """Stop training at the first batch whose loss is NaN or infinite.

    Parameters
    ----------
    raise_error : bool, default False
        Whether to raise instead, so that no ``on_train_end`` is called.

    Raises
    ------
    TypeError
        `raise_error` is not a bool.
    RuntimeError
        In training, with `raise_error`.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> model = gs.Sequential([gs.Input((1,)), gs.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> stop = gs.callbacks.TerminateOnNaN()
    >>> history = model.fit(np.full((8, 1), np.nan), np.ones(8), batch_size=2, epochs=9, verbose=0, callbacks=[stop])
    Batch 0: the loss is nan; training ends.
    >>> history.history
    {'loss': [nan]}
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = check_bool("raise_error", raise_error)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Check the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"the loss is {loss:g} after batch {batch}; training ends at once.")
        say(f"Batch {batch}: the loss is {loss:g}; training ends.")
        self.model.stop_training = True
