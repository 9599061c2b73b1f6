"""GetItem: what indexing a symbolic tensor makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...checks import check_int, describe
from ..base.layer import Layer, Shape
from .rearranged import Rearranged, Views

__all__ = ["GetItem", "parsed_key"]


class GetItem(Rearranged, Layer):
    """Indexes the input: ``h[:, :2]`` of a symbolic tensor h is ``GetItem([":", ":2"])(h)``.

    Parameters
    ----------
    key : sequence
        What stands in the brackets, as in NumPy: for each axis, that of the rows first, an int, or a slice, also as
        str, such as ``"1:-1"``; ``None`` or "None" for a new axis, ``...`` or "..." for the axes between. All rows are
        taken, by ``":"``.
    input_shape, input_dim, dtype, name, trainable
        As in `Layer`.

    Raises
    ------
    TypeError, ValueError
        `key` is none of these, or does not take all rows.
    ValueError
        At the build: the input has less axes, or none or nothing of one is left.
    IndexError
        At the build: an int is none of an axis.

    Notes
    -----
    Keras has this as an operation, and files have it so.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> h = gs.Input((3,))
    >>> gs.Model(h, h[:, ::-2])([[1.0, 2.0, 3.0]])
    array([[3., 1.]], dtype=float32)
    """

    def __init__(
        self,
        key: Sequence[Any],
        *,
        input_shape: Sequence[int] | int | None = None,
        input_dim: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        parsed = parsed_key(key)
        if sum(each is Ellipsis for each in parsed) > 1:
            raise ValueError(f"key must have '...' at most once; got {key!r}.")
        if not parsed or not (parsed[0] is Ellipsis or parsed[0] == slice(None)):
            raise ValueError(
                f"key must begin with ':', for all rows: which rows there are comes with data; got {key!r}."
            )
        self._index = tuple(parsed)
        self.key = [_written(each) for each in parsed]
        super().__init__(input_shape=input_shape, input_dim=input_dim, dtype=dtype, name=name, trainable=trainable)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """Shape of the part."""
        shape = self._part(np.empty(input_shape[1:], np.int8)).shape  # type: ignore[arg-type]
        if 0 in shape or not shape:
            raise ValueError(
                f"layer {self.name!r} must leave an axis beside the rows, and something of each; "
                f"[{', '.join(map(str, self.key))}] of {tuple(input_shape)} has rows of shape {shape}."
            )
        return (input_shape[0], *shape)

    def _views(self, x: np.ndarray, y: np.ndarray) -> Views:
        return self._part(x), y

    def _part(self, row: np.ndarray) -> np.ndarray:
        of_rows = self._index[0] is not Ellipsis
        taken = sum(member is not None and member is not Ellipsis for member in self._index) - of_rows
        if taken > row.ndim:
            raise ValueError(
                f"layer {self.name!r} must get inputs of {taken + 1} axes or more, that of the rows among them, for "
                f"its key {self.key}; their rows have shape {row.shape}."
            )
        try:
            part: np.ndarray = row[None][self._index][0]
        except IndexError as error:
            raise IndexError(f"layer {self.name!r}: {error}.") from None
        return part


def parsed_key(key: Any) -> list[Any]:
    """An index as NumPy takes it, a list of its members: ints, slices, None and ``...``."""
    members = list(key) if isinstance(key, (list, tuple)) else [key]
    return [_parsed(f"key[{i}]", member) for i, member in enumerate(members)]


def _parsed(name: str, member: Any) -> Any:
    """A member of an index, as NumPy takes it."""
    if member is None or member is Ellipsis:
        return member
    if isinstance(member, str):
        if member in ("None", "..."):
            return None if member == "None" else Ellipsis
        parts = member.split(":")
        try:
            ends = [int(part) if part.strip() else None for part in parts]
        except ValueError:
            ends = []
        if not 2 <= len(ends) <= 3:
            raise ValueError(f"{name} must be a slice, such as '1:-1'; got {member!r}.")
        member = slice(*ends)
    if not isinstance(member, slice):
        if isinstance(member, (bool, np.bool_)) or not hasattr(member, "__index__"):
            raise TypeError(f"{name} must be an int, a slice, None or '...'; got {describe(member)}.")
        return check_int(name, member, -(2**31))
    ends = [None if end is None else check_int(name, end, -(2**62)) for end in (member.start, member.stop, member.step)]
    if ends[2] == 0:
        raise ValueError(f"{name} must not have a step of 0.")
    return slice(*ends)


def _written(member: Any) -> int | str:
    """The member of an index as files have it."""
    if member is None or member is Ellipsis:
        return "None" if member is None else "..."
    if isinstance(member, int):
        return member
    ends = ["" if end is None else str(end) for end in (member.start, member.stop, member.step)]
    return ":".join(ends if ends[2] else ends[:2])
