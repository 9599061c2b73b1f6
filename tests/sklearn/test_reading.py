"""What fits of a search do without: the same data are accepted and refused as scikit-learn's, the same clones made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
from gradstep import sklearn as ours
from gradstep.sklearn.reading import validate_data
from sklearn import linear_model
from sklearn.base import clone
from sklearn.utils.validation import validate_data as theirs

RNG = np.random.default_rng(3)
X = RNG.normal(size=(30, 4))
Y = (X[:, 0] > 0).astype(int)
BAD = X.copy()
BAD[7, 2] = np.nan
LARGE = X.copy()
LARGE[:, 1] = 1.7e308  # finite, and their sum is not
CASES: dict[str, tuple[Any, Any]] = {
    "plain": (X, Y),
    "float32": (X.astype("float32"), Y),
    "columns first": (np.asfortranarray(X), Y),
    "every other row": (X[::2], Y[::2]),
    "large": (LARGE, Y),
    "integers": ((10 * X).astype(int), Y),
    "lists": (X.tolist(), Y.tolist()),
    "strings": (X, np.where(Y, "a", "b")),
    "target in a column": (X[:1], Y[:1, None]),
    "nan": (BAD, Y),
    "infinite": (np.where(np.isnan(BAD), np.inf, BAD), Y),
    "target nan": (X, np.where(Y, np.nan, 1.0)),
    "short target": (X, Y[:5]),
    "no target": (X, None),
    "a vector": (X[0], Y[:4]),
    "no rows": (X[:0], Y[:0]),
    "no columns": (X[:, :0], Y),
    "complex": (X * 1j, Y),
}
READ: dict[str, Any] = {"accept_sparse": "csr", "dtype": [np.float64, np.float32], "order": "C"}


def outcome(read: Any, estimator: Any, x: Any, y: Any) -> Any:
    """What it gives and leaves in the estimator, or its error."""
    try:
        made = read(estimator, x, y, **READ)
    except Exception as error:
        return type(error), str(error)
    return [(part.dtype, part.tolist(), part.flags.c_contiguous) for part in made], estimator.n_features_in_


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize("case", CASES)
def test_data_are_read_as_by_scikit_learn(case: str) -> None:
    x, y = CASES[case]
    assert outcome(validate_data, ours.SGDClassifier(), x, y) == outcome(theirs, ours.SGDClassifier(), x, y)


def test_plain_arrays_are_not_copied() -> None:
    x, y = validate_data(ours.SGDClassifier(), X, Y, **READ)
    assert x is X
    assert y is Y


def test_features_of_the_fit_are_asked_for_later() -> None:
    one = ours.SGDClassifier().fit(X, Y)
    with pytest.raises(ValueError, match="X has 3 features, but SGDClassifier is expecting 4"):
        one.predict(X[:, :3])
    with pytest.raises(ValueError, match="contains NaN"):
        one.predict(BAD)
    assert one.n_features_in_ == 4


@pytest.mark.peers
def test_an_array_after_a_table_has_no_names() -> None:
    import pandas as pd

    one = ours.SGDClassifier().fit(pd.DataFrame(X, columns=list("abcd")), Y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        one.predict(X)
    assert not hasattr(one.fit(X, Y), "feature_names_in_")


def test_values_of_parameters_are_told_apart_from_equal_ones() -> None:
    for value in (True, 1, 1.0, "1", None):
        said = []
        for module in (linear_model, ours):
            try:
                module.SGDClassifier(shuffle=value, max_iter=5, tol=None).fit(X, Y)
                said.append("")
            except ValueError as error:
                said.append(str(error))
        assert said[0].replace("'", "") == said[1].replace("'", "")
        assert bool(said[1]) == (value is not True)


def test_clones_have_the_parameters_and_nothing_else() -> None:
    one = ours.SGDClassifier(alpha=0.5, class_weight={0: 1.0, 1: 2.0}).fit(X, Y)
    two = clone(one)
    assert two.get_params() == one.get_params()
    assert not hasattr(two, "coef_")
    assert two.class_weight is not one.class_weight
    plain = clone(one.set_params(class_weight=None))
    assert plain.get_params() == one.get_params()
    assert not hasattr(plain, "coef_")


def test_clones_keep_requests_of_metadata() -> None:
    from sklearn import config_context

    with config_context(enable_metadata_routing=True):
        one = ours.SGDClassifier().set_fit_request(sample_weight=True)
        assert clone(one).get_metadata_routing().fit.requests["sample_weight"] is True
