"""Rows of a sparse matrix that the engine multiplies as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["SparseColumns"]


class SparseColumns:
    """Rows of a SciPy CSR matrix as the engine reads them; parts of them are dense arrays.

    Values of another dtype than the network's, and columns that are not int32, are converted; all other arrays are the
    matrix's own. Entries that are given twice are added, and those of a row brought in order: so sums are those of the
    dense rows, bit for bit.

    Parameters
    ----------
    matrix : sparse matrix, shape (rows, inputs)
        In CSR format.
    dtype : str
        The network's.

    Attributes
    ----------
    csr : tuple of ndarray
        Values, columns (int32), and numbers of the first entry of each row and of all (int64).

    Raises
    ------
    ValueError
        The arrays of the matrix do not fit together.
    """

    def __init__(self, matrix: Any, dtype: str) -> None:
        matrix.check_format(full_check=True)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        self._matrix, self.shape, self._dtype = matrix, matrix.shape, dtype
        self.csr = (
            np.ascontiguousarray(matrix.data, dtype),
            np.ascontiguousarray(matrix.indices, np.int32),
            np.ascontiguousarray(matrix.indptr, np.int64),
        )

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: Any) -> np.ndarray:
        dense: np.ndarray = self._matrix[rows].toarray()
        return dense

    def part(self, rows: Any) -> SparseColumns:
        """Some of the rows, sparse too."""
        return SparseColumns(self._matrix[rows], self._dtype)
