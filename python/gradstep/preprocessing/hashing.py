"""Categories as numbers of bins, by a hash, without a vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..checks import check_choice, check_int, describe
from ..described import Described
from ..naming import name_for
from .encoding import ENCODINGS, encoded
from .fingerprints import fingerprint, joined, siphash

__all__ = ["HashedCrossing", "Hashing"]

CROSSED = 0xDECAFCAFFE  # what the fingerprint of a pair begins with


class Hashing(Described):
    """Map strings or integers to a number of bins, by a hash.

    It stands before a model, not in it: a model's data are numbers.

    Parameters
    ----------
    num_bins : int
        At least 1; with `mask_value` bin 0 is that of the mask.
    mask_value : str or int, optional
        What becomes bin 0, and nothing else does.
    salt : int or pair of int, optional
        Key of SipHash, for other bins; without, the hash is FarmHash's.
    output_mode : {"int", "one_hot", "multi_hot", "count"}, default "int"
        As in `CategoryEncoding`; "int": the numbers of bins.
    name : str, optional

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range. When called: something else than strings or integers.

    Notes
    -----
    The bins are those of Keras's layer: a model that was trained on them finds the same ones here.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.layers.Hashing(3)([["A"], ["B"], ["C"], ["D"], ["E"]]).ravel()
    array([1, 0, 1, 1, 2])
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: str | int | None = None,
        salt: int | Sequence[int] | None = None,
        output_mode: str = "int",
        name: str | None = None,
    ) -> None:
        self.num_bins = check_int("num_bins", num_bins, 1)
        if mask_value is not None and (isinstance(mask_value, bool) or not isinstance(mask_value, (str, int))):
            raise TypeError(f"mask_value must be a str, an int or None; got {describe(mask_value)}.")
        self.mask_value = mask_value
        pair = [salt, salt] if isinstance(salt, int) else salt
        if pair is not None and not (isinstance(pair, (list, tuple)) and len(pair) == 2):
            raise TypeError(f"salt must be an int, a pair of them or None; got {describe(salt)}.")
        self.salt = None if pair is None else [check_int("salt", one, 0, 2**64 - 1) for one in pair]
        self.output_mode = check_choice("output_mode", output_mode, ENCODINGS)
        self.name = name_for(self, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} of {self.num_bins} bins>"

    def __call__(self, x: Any) -> np.ndarray:
        """The bins of strings or integers: an array of their shape, or as `output_mode` says."""
        masked = self.mask_value is not None and self.num_bins > 1
        bins, key = self.num_bins - masked, self.salt

        def bin_of(token: str | int) -> int:
            if masked and token == self.mask_value:
                return 0
            data = str(token).encode()
            return masked + (fingerprint(data) if key is None else siphash(data, (key[0], key[1]))) % bins

        return _binned(x, "x", bin_of, self)


class HashedCrossing(Described):
    """Map pairs of categories to a number of bins, by a hash of both.

    It stands before a model, not in it: a model's data are numbers.

    Parameters
    ----------
    num_bins : int
        At least 1.
    output_mode : {"int", "one_hot"}, default "int"
    name : str, optional

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type or out of its range. When called: not two arrays of strings or integers of one
        shape.

    Notes
    -----
    The bins are those of Keras's layer.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.layers.HashedCrossing(5)((["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102]))
    array([1, 4, 1, 1, 3])
    """

    def __init__(self, num_bins: int, output_mode: str = "int", name: str | None = None) -> None:
        self.num_bins = check_int("num_bins", num_bins, 1)
        modes = {mode: mode for mode in ("int", "one_hot")}
        self.output_mode = check_choice("output_mode", output_mode, modes)
        self.name = name_for(self, name)

    __repr__ = Hashing.__repr__

    def __call__(self, x: Sequence[Any]) -> np.ndarray:
        """The bins of pairs: x is two arrays of one shape."""
        if not isinstance(x, (list, tuple)) or len(x) != 2:
            raise TypeError(f"x must be two arrays of categories; got {describe(x)}.")
        first, second = (np.asarray(one, object) for one in x)
        if first.shape != second.shape:
            raise ValueError(f"both arrays of x must have one shape; got {first.shape} and {second.shape}.")

        def number(token: str | int) -> int:
            return fingerprint(token.encode()) if isinstance(token, str) else token % 2**64

        pairs = np.empty(first.shape, object)
        pairs.ravel()[:] = list(zip(_tokens(first, "x[0]"), _tokens(second, "x[1]"), strict=True))
        bins = [joined(joined(CROSSED, number(a)), number(b)) % self.num_bins for a, b in pairs.ravel().tolist()]
        return _shaped(bins, first.shape, self)


def _tokens(array: np.ndarray, name: str) -> list[str | int]:
    """The strings and integers of an array."""
    found: list[str | int] = []
    for one in array.ravel().tolist():
        token = one.decode() if isinstance(one, bytes) else one.item() if isinstance(one, np.generic) else one
        if isinstance(token, bool) or not isinstance(token, (str, int)):
            raise TypeError(f"{name} must be strings or integers; got {describe(token)}.")
        found.append(token)
    return found


def _binned(x: Any, name: str, bin_of: Callable[[str | int], int], layer: Any) -> np.ndarray:
    array = np.asarray(x, object)
    tokens = _tokens(array, name)
    known = {token: bin_of(token) for token in set(tokens)}
    return _shaped([known[token] for token in tokens], array.shape, layer)


def _shaped(bins: list[int], shape: tuple[int, ...], layer: Any) -> np.ndarray:
    numbers = np.array(bins, np.int64).reshape(shape)
    return numbers if layer.output_mode == "int" else encoded(numbers, layer.num_bins, layer.output_mode)
