"""What a curve of the loss over rising learning rates says: where it falls, where it is lowest, which rate to take."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Reading", "read_curve", "smoothed_curve"]

WIDTH = 0.45  # decades of the rate: the standard deviation of the smoothing window
SHARE = 0.75  # of the whole fall that is done at the suggested rate
LEAST = 5  # losses that make a curve
NOISE = 1.6  # deviations of a batch that are no fall: more is seen in 2 of 100 curves that are noise alone


class Reading(NamedTuple):
    """What a curve says; the rates are None where it does not fall."""

    suggestion: float | None
    steep: float | None
    valley: float | None
    minimum: float | None
    reason: str


def smoothed_curve(rates: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The curve without the noise of batches, and its derivative by the decimal logarithm of the rate.

    A straight line is fitted around each place, with Gaussian weights. So it does not lag behind, as a running mean
    does, which would find every place of the curve at rates that are too high.
    """
    decades = np.log10(rates)
    values, derivatives = np.empty(len(rates)), np.empty(len(rates))
    for i, place in enumerate(decades):
        gap = decades - place
        weight = np.exp(-0.5 * (gap / WIDTH) ** 2)
        total, centre = weight.sum(), (weight @ gap) / weight.sum()
        spread = weight @ (gap - centre) ** 2
        mean = (weight @ losses) / total
        derivatives[i] = (weight * (gap - centre)) @ losses / spread
        values[i] = mean - derivatives[i] * centre
    return values, derivatives


def read_curve(rates: np.ndarray, losses: np.ndarray) -> Reading:
    """Read a curve.

    Parameters
    ----------
    rates : ndarray, shape (steps,)
        Rising.
    losses : ndarray, shape (steps,)
        The loss of each batch, before the step of that rate. From the first that is not finite on they do not count.
    """
    finite = np.isfinite(losses)
    count = len(losses) if finite.all() else int(finite.argmin())
    if count == 0:
        first = losses[0] if len(losses) else "missing"
        return _none(f"the loss of the first batch is {first}, before any step: look at the data and the weights.")
    if count < LEAST:
        return _none(f"the loss was finite for {count} steps only, to a rate of {rates[count - 1]:.3g}: lower start.")
    rates, losses = rates[:count], losses[:count]
    top = float(np.median(losses[: max(3, count // 10)]))
    # What is far above the start says that the rate is too high, and nothing else: it must not bend the curve before.
    level = top + 0.5 * (top - float(losses.min()))
    curve, derivatives = smoothed_curve(rates, np.minimum(losses, level))
    lowest = int(curve.argmin())
    fall = top - float(curve[lowest])
    before = slice(0, max(lowest + 1, LEAST))
    noise = 1.4826 * float(np.median(np.abs(losses[before] - curve[before])))  # of a normal distribution: its deviation
    low = float(curve[lowest])
    if lowest == 0 or not fall > max(NOISE * noise, 1e-6 * abs(top)):
        return _none(
            f"the loss does not fall: it is {top:.4g} at first and at the lowest {low:.4g}, and differs by "
            f"{noise:.2g} from batch to batch. Lower start if it rises at once, raise stop if it stays level, or "
            "take a larger batch_size."
        )
    steep = int(derivatives[: lowest + 1].argmin())
    done = int(np.argmax(curve[: lowest + 1] <= top - SHARE * fall))
    suggestion = min(float(rates[done]), float(rates[lowest]) / 2)  # behind the lowest place the loss rises steeply
    reason = (
        f"the loss fell from {top:.4g} to {low:.4g} at a rate of {rates[lowest]:.3g}; "
        f"at {suggestion:.3g} {(top - np.interp(suggestion, rates, curve)) / fall:.0%} of that was done."
    )
    return Reading(suggestion, float(rates[steep]), float(rates[_valley(curve)]), float(rates[lowest]), reason)


def _none(reason: str) -> Reading:
    return Reading(None, None, None, None, reason)


def _valley(curve: np.ndarray) -> int:
    """Two thirds along the longest stretch, with gaps, in which the curve falls (fastai's rule of this name)."""
    count = len(curve)
    length, origin = np.ones(count, int), np.arange(count)
    for i in range(1, count):
        above = np.nonzero(curve[:i] > curve[i])[0]
        if len(above):
            best = above[length[above].argmax()]
            length[i], origin[i] = length[best] + 1, origin[best]
    end = int(length.argmax())
    return int(origin[end] + 2 * (end - origin[end]) // 3)
