"""Sequences of different lengths as one array."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..checks import check_choice, check_int, describe, shown

__all__ = ["pad_sequences"]

SIDES = {"pre": True, "post": False}  # whether it is the beginning


def pad_sequences(
    sequences: Iterable[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Pad sequences to the same length.

    Parameters
    ----------
    sequences : iterable of sequences
        Lists or arrays (steps, ...), whose further axes must be equal.
    maxlen : int, optional
        Length of all; by default that of the longest.
    dtype : dtype, default "int32"
        Of the array; `object` for strings.
    padding : {"pre", "post"}, default "pre"
        Whether the value comes before or after a sequence that is shorter.
    truncating : {"pre", "post"}, default "pre"
        Whether the first or the last steps of a longer sequence are left out.
    value : number or str, default 0
        What stands where a sequence has no step.

    Returns
    -------
    ndarray of `dtype`, shape (sequences, maxlen, ...)

    Raises
    ------
    TypeError
        Something is no sequence.
    ValueError
        An unknown side; sequences whose steps have different shapes; a `value` that `dtype` cannot hold.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.utils.pad_sequences([[1], [2, 3], [4, 5, 6]])
    array([[0, 0, 1],
           [0, 2, 3],
           [4, 5, 6]], dtype=int32)
    """
    is_before = check_choice("padding", padding, SIDES)
    from_end = check_choice("truncating", truncating, SIDES)
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ValueError(f"dtype must hold value, a str: dtype=object; got dtype {kind} and value {value!r}.")
    if isinstance(sequences, (str, bytes)) or not isinstance(sequences, Iterable):
        raise TypeError(f"sequences must be a list of sequences; got {describe(sequences)}.")
    given = list(sequences)
    for i, one in enumerate(given):
        if isinstance(one, (str, bytes)) or not hasattr(one, "__len__"):
            raise TypeError(f"sequences[{i}] must be a sequence; got {describe(one)}.")
    longest = max(map(len, given), default=0)
    length = longest if maxlen is None else check_int("maxlen", maxlen, 0)
    arrays = [np.asarray(one, kind) for one in given]
    step = next((array.shape[1:] for array in arrays if len(array)), ())
    try:
        padded = np.full((len(arrays), length, *step), value, kind)
    except OverflowError:
        raise ValueError(f"dtype must hold value; got dtype {kind} and value {shown(value)}.") from None
    for i, array in enumerate(arrays):
        if not len(array) or not length:
            continue
        if array.shape[1:] != step:
            raise ValueError(
                f"steps of sequences must have one shape; sequences[{i}] has {array.shape[1:]}, not {step}."
            )
        kept = array[-length:] if from_end else array[:length]
        begin = length - len(kept) if is_before else 0
        padded[i, begin : begin + len(kept)] = kept
    return padded
