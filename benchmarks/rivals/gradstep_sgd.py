"""gradstep's SGDClassifier, which needs scikit-learn."""

from __future__ import annotations

from typing import Any

from cases import sgd

try:
    from gradstep.sklearn import SGDClassifier

    from .linear_descent import Epochs

    class Rows(Epochs):
        """A step a row."""

        estimator = SGDClassifier

    class Batches(Rows):
        """A step a batch."""

        options = {"batch_size": sgd.BATCH}  # noqa: RUF012

    CASES: dict[str, dict[str, Any]] = {"sgd": {sgd.ROWS_FORM: Rows, sgd.BATCH_FORM: Batches}}
except ImportError:  # without scikit-learn
    CASES = {}
