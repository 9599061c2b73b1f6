"""Real data of the experiments: scikit-learn's, and files of a folder that the user names."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["FILES", "Data", "Dataset"]

# What a folder may hold, and how it must look.
FILES = {
    "mnist_test.npz": "MNIST's 10,000 test images: x (rows, 28, 28) uint8, y (rows,)",
    "pima_diabetes.csv": "Pima Indians' diabetes: 8 columns of numbers, then the class 0 or 1, no header",
    "california_housing.csv": "California housing 1990: a header, with the column median_house_value",
}


@dataclass(frozen=True)
class Dataset:
    """Rows and targets, and what they are."""

    x: np.ndarray
    y: np.ndarray
    name: str

    def part(self, rows: int | None) -> Dataset:
        """The first rows; all for None."""
        return Dataset(self.x[:rows], self.y[:rows], self.name)


class Data:
    """The data sets, by what they are for; each call reads anew.

    Parameters
    ----------
    folder : str, optional
        Where files of `FILES` lie. What is not there is replaced by a data set that scikit-learn brings.
    """

    def __init__(self, folder: str | None = None) -> None:
        if folder is not None and not any(os.path.isfile(os.path.join(folder, name)) for name in FILES):
            listed = "; ".join(f"{name} ({what})" for name, what in FILES.items())
            raise FileNotFoundError(f"--data must be a folder with at least one of these files: {listed}; got {folder}")
        self._folder = folder

    def _path(self, name: str) -> str | None:
        path = None if self._folder is None else os.path.join(self._folder, name)
        return path if path is not None and os.path.isfile(path) else None

    def digits(self) -> Dataset:
        """1,797 digits: images (rows, 64), grey from 0 to 1, and the digits."""
        x, y = _bundled("load_digits")
        return Dataset((x / 16).astype(np.float32), y, f"digits of scikit-learn ({len(x):,} images of 8 x 8)")

    def images(self) -> Dataset:
        """Images (rows, height, width), grey from 0 to 1, and the digits: MNIST's, else scikit-learn's."""
        path = self._path("mnist_test.npz")
        if path is None:
            found = self.digits()
            return Dataset(found.x.reshape(-1, 8, 8), found.y, found.name)
        with np.load(path) as file:
            x, y = (file["x"] / np.float32(255)).astype(np.float32), file["y"].astype(np.int64)
        return Dataset(x, y, f"MNIST's test images ({len(x):,} of 28 x 28)")

    def patients(self) -> Dataset:
        """Measurements of patients (rows, columns), and whether they are ill: Pima diabetes, else breast cancer."""
        path = self._path("pima_diabetes.csv")
        if path is None:
            x, y = _bundled("load_breast_cancer")
            return Dataset(x, y, f"breast cancer of scikit-learn ({len(x):,} patients, {x.shape[1]} columns)")
        table = np.loadtxt(path, delimiter=",")
        return Dataset(table[:, :-1], table[:, -1].astype(np.int64), f"Pima diabetes ({len(table):,} patients)")

    def houses(self) -> Dataset:
        """Columns of numbers in their own units, and a number to predict: California housing, else diabetes."""
        path = self._path("california_housing.csv")
        if path is None:
            x, y = _bundled("load_diabetes", scaled=False)
            return Dataset(x, y, f"diabetes of scikit-learn ({len(x):,} patients, {x.shape[1]} columns)")
        with open(path, encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        numbers = [name for name in lines[0] if name not in ("ocean_proximity", "median_house_value")]
        whole = [line for line in lines if all(line[name] for name in numbers)]
        x = np.array([[float(line[name]) for name in numbers] for line in whole])
        y = np.array([float(line["median_house_value"]) for line in whole])
        return Dataset(x, y, f"California housing 1990 ({len(x):,} districts, {len(numbers)} columns)")


def _bundled(name: str, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """A data set that scikit-learn brings, x and y."""
    try:
        from sklearn import datasets
    except ImportError:
        raise ImportError("the experiments' data come with scikit-learn: pip install 'gradstep[demo]'") from None
    x, y = getattr(datasets, name)(return_X_y=True, **options)
    return np.asarray(x, np.float64), np.asarray(y)
