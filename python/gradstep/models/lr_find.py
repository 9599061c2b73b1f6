"""The learning rate of a model, from one sweep over rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..tune.rate_finder import LRFindResult

__all__ = ["FindsRate"]


class FindsRate:
    """Mixin of models with `lr_find`."""

    def lr_find(
        self,
        x: Any = None,
        y: Any = None,
        *,
        start: float = 1e-7,
        stop: float = 10.0,
        steps: int = 100,
        smooth: float = 0.98,
        stop_factor: float = 4.0,
        batch_size: int | str | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
        apply: bool = False,
    ) -> LRFindResult:
        """Find a learning rate: train a copy for some steps while the rate rises, and read the curve of the loss.

        Parameters
        ----------
        x, y, batch_size, shuffle, class_weight, sample_weight
            As in `fit`. Of an iterator the batches that were used are gone afterwards.
        start, stop : float, default 1e-7 and 10
            First and last rate; those between lie evenly on a logarithmic scale.
        steps : int, default 100
            How many rates, and batches; at least 5. Data of fewer batches are gone through again.
        smooth : float, default 0.98
            Weight of the past in the running mean of the loss by which the sweep stops; at least 0, below 1.
        stop_factor : float, default 4
            The sweep stops when the running mean is so many times its lowest value; above 1.
        apply : bool, default False
            Whether to set the optimizer's learning rate to the suggestion, if there is one.

        Returns
        -------
        LRFindResult
            With ``suggestion``, a rate or None; ``reason``, a sentence why; ``rates`` and ``losses``; and ``plot()``.

        Raises
        ------
        TypeError, ValueError
            As `fit` does; the learning rate follows a schedule; start, stop, steps, smooth or stop_factor are outside
            their ranges.

        Warns
        -----
        UserWarning
            With `apply`, when there is no suggestion; the learning rate is then as it was.

        Notes
        -----
        It works on a copy. Weights, state of the optimizer, statistics of layers, counters and random numbers of the
        model and of the program are the same bytes afterwards, after an error or Ctrl-C too. The optimizer
        of the copy begins without state, as momentum of earlier steps would move the weights at any rate.

        The suggestion is the rate at which the curve, smoothed without lag over half a decade, has done 75 % of its
        fall. Of a quadratic function with largest curvature L gradient descent diverges above 2 / L; the suggestion
        lies between 0.02 and 1 times that. Other places of the curve are in the result: ``steep``, ``valley``,
        ``minimum``.

        References
        ----------
        Smith 2017, "Cyclical learning rates for training neural networks", section 3.3.

        Examples
        --------
        >>> import numpy as np, gradstep as gs
        >>> gs.utils.set_random_seed(0)
        >>> x = np.random.default_rng(0).normal(size=(500, 3))
        >>> model = gs.Sequential([gs.Input((3,)), gs.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> found = model.lr_find(x, x @ [1.0, -2.0, 3.0])
        >>> 0.005 < found.suggestion < 0.2
        True
        """
        from ..tune.rate_finder import find_rate

        return find_rate(
            self,
            x,
            y,
            start=start,
            stop=stop,
            steps=steps,
            smooth=smooth,
            stop_factor=stop_factor,
            batch_size=batch_size,
            apply=apply,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
        )
