"""Rows of a table as numbers for a model, and its outputs as answers: fitted on the training rows, kept in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..scalers import MinMaxScaler, RobustScaler, StandardScaler
from .source import Table

__all__ = ["KINDS", "SCALERS", "Feature", "Preparation", "Target"]

SCALERS: dict[str, Any] = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler, "none": None}
SMALLEST = 1e-7  # below it the layer that scales divides by this
LARGEST = 1e5  # times the spread; float32 has seven digits
# What a target is: one of two classes, one of several as a number or as a one-hot row, or a number.
KINDS = ("two classes", "classes", "one-hot classes", "number")


@dataclass
class Feature:
    """A column that goes into the model.

    Attributes
    ----------
    column : str or int
        Its name; its place, from 0, in a file without a header.
    values : list of str, optional
        Of a column of words: each becomes a column of 0 and 1.
    fill : float, optional
        Of a column of numbers: what stands for a missing one.
    shift, scale : float
        A number enters the model as it is, and is scaled there: (x - shift) / scale.
    """

    column: str
    values: list[str] | None = None
    fill: float | None = None
    shift: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """How many inputs of the model it is."""
        return 1 if self.values is None else len(self.values)


@dataclass
class Target:
    """The column that is predicted; `values` are the classes, shift and scale those of a number."""

    column: str
    kind: str
    values: list[str] = field(default_factory=list)
    shift: float = 0.0
    scale: float = 1.0


@dataclass
class Preparation:
    """What makes numbers of a table.

    Attributes
    ----------
    features : list of Feature
        Empty where rows are arrays already.
    target : Target
    has_header : bool
        Whether the file of the training had names of columns.
    """

    features: list[Feature]
    target: Target
    has_header: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Preparation:
        """From what `to_dict` gave."""
        features = [Feature(**feature) for feature in given["features"]]
        return cls(features, Target(**given["target"]), given["has_header"])

    def fit(self, table: Table, rows: np.ndarray, missing: str, scaling: str, target_scaling: str) -> None:
        """Find classes, fills and scales on the training rows."""
        for feature in self.features:
            column = table.index(feature.column)
            if feature.values is not None:
                cells = table.cells(column)
                feature.values = sorted({cells[i] for i in rows if cells[i]})
                continue
            numbers = table.numbers(column)[rows]
            known = numbers[np.isfinite(numbers)]
            if not known.size:
                raise ValueError(f"column {feature.column!r} of {table.file} has no number among the training rows.")
            if missing in ("mean", "median"):
                feature.fill = float(known.mean() if missing == "mean" else np.median(known))
            feature.shift, feature.scale = _scale(scaling, known)
            _check_resolution(table.file, feature)
        column = table.index(self.target.column)
        if self.target.kind == "number":
            numbers = table.numbers(column)[rows]
            self.target.shift, self.target.scale = _scale(target_scaling, numbers)
        else:
            self.target.values = _classes(table.cells(column))

    def inputs(self, table: Table) -> tuple[np.ndarray, int]:
        """The rows of a table for the model, float32 (rows, inputs), and how many had words that training had not."""
        parts, unknown = [], np.zeros(len(table.rows), bool)
        for feature in self.features:
            column = table.index(feature.column)
            if feature.values is None:
                numbers = table.numbers(column)
                empty = np.flatnonzero(np.isnan(numbers))
                if empty.size and feature.fill is None:
                    raise ValueError(
                        f"{table.file}:{table.lines[empty[0]]}: column {feature.column!r} has no value. With missing = "
                        '"mean", "median" or "drop" under [data] such rows are filled or left out in training.'
                    )
                parts.append(np.nan_to_num(numbers, nan=feature.fill or 0.0)[:, None])
            else:
                cells = np.array(table.cells(column), object)
                hits = cells[:, None] == np.array(feature.values, object)[None, :]
                unknown |= ~hits.any(axis=1)
                parts.append(hits.astype(np.float64))
        return np.concatenate(parts, axis=1).astype(np.float32), int(unknown.sum())

    def targets(self, table: Table) -> np.ndarray:
        """What the model is to say of each row: class numbers, one-hot rows, or scaled numbers, float32."""
        column = table.index(self.target.column)
        if self.target.kind == "number":
            numbers = table.numbers(column)
            empty = np.flatnonzero(np.isnan(numbers))
            if empty.size:
                raise ValueError(
                    f"{table.file}:{table.lines[empty[0]]}: the target {self.target.column!r} has no value."
                )
            return self.scaled(numbers)
        places = {value: i for i, value in enumerate(self.target.values)}
        found = np.empty(len(table.rows), np.int64)
        for i, cell in enumerate(table.cells(column)):
            place = places.get(_label(cell))
            if place is None:
                raise ValueError(
                    f"{table.file}:{table.lines[i]}: the target {self.target.column!r} must be one of "
                    f"{', '.join(self.target.values)}; got {cell!r}."
                )
            found[i] = place
        if self.target.kind == "one-hot classes":
            return np.eye(len(places), dtype=np.float32)[found]
        return found.astype(np.float32) if self.target.kind == "two classes" else found

    def scaled(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers as the model learns them."""
        return np.asarray((numbers - self.target.shift) / self.target.scale, np.float32)

    def answers(self, outputs: np.ndarray) -> tuple[list[str], list[list[str]]]:
        """Outputs of the model as columns of words and numbers: their names, and the rows."""
        outputs = outputs.reshape(len(outputs), -1)
        if self.target.kind == "number":
            numbers = outputs.astype(np.float64) * self.target.scale + self.target.shift
            names = (
                ["prediction"] if numbers.shape[1] == 1 else [f"prediction {i + 1}" for i in range(numbers.shape[1])]
            )
            return names, [[f"{number:.7g}" for number in row] for row in numbers]
        if self.target.kind == "two classes":
            outputs = np.concatenate([1 - outputs[:, :1], outputs[:, :1]], axis=1)
        values = self.target.values or [str(i) for i in range(outputs.shape[1])]
        rows = [[values[int(row.argmax())], *(f"{probability:.6g}" for probability in row)] for row in outputs]
        return ["prediction", *(f"probability of {value}" for value in values)], rows


def _scale(scaling: str, numbers: np.ndarray) -> tuple[float, float]:
    """Shift and scale of one column."""
    make = SCALERS[scaling]
    if make is None:
        return 0.0, 1.0
    shift, scale = make().fit(numbers[:, None])._moments()
    return float(shift[0]), float(scale[0])


def _check_resolution(file: str, feature: Feature) -> None:
    """Refuse a column whose spread float32 does not see, or which is less than the layer that scales divides by."""
    if feature.scale < SMALLEST:
        raise ValueError(
            f"column {feature.column!r} of {file} has a spread of {feature.scale:.3g}; scaling needs {SMALLEST:g} or "
            "more. "
            "Write it in a smaller unit."
        )
    if abs(feature.shift) > LARGEST * feature.scale:
        raise ValueError(
            f"column {feature.column!r} of {file} lies around {feature.shift:.7g} with a spread of "
            f"{feature.scale:.3g}, "
            "which float32 does not resolve. Subtract a constant from it."
        )


def _label(cell: str) -> str:
    """A class as it is called: 1, 1.0 and 01 are the same, words are as they stand."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    return str(int(number)) if number.is_integer() else repr(number)


def _classes(cells: Sequence[str]) -> list[str]:
    """The classes in a column, numbers in their order, words by the alphabet."""
    found = {_label(cell) for cell in cells if cell}

    def place(value: str) -> tuple[bool, float, str]:
        try:
            return False, float(value), ""
        except ValueError:
            return True, 0.0, value

    return sorted(found, key=place)
