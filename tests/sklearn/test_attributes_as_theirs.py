"""What a fit leaves behind has scikit-learn's names, shapes and types, for targets of every kind."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

import gradstep.sklearn as ours
from sklearn import linear_model, neural_network, svm

pytestmark = pytest.mark.peers

X = np.random.default_rng(0).normal(size=(60, 4))
ABOVE = X[:, 0] > 0
TARGETS = {
    "two classes": ABOVE.astype(int),
    "three classes": ABOVE + (X[:, 1] > 0.5).astype(int),
    "names": np.where(ABOVE, "yes", "no"),
    "bools": ABOVE,
    "floats": ABOVE * 1.5,
    "numbers": X @ [1.0, 2.0, 3.0, 4.0],
    "a column": (X @ [1.0, 2.0, 3.0, 4.0])[:, None],
    "two columns": X @ [[1.0, 0.0], [2.0, 1.0], [3.0, 1.0], [4.0, 0.0]],
    "labels": np.stack([ABOVE, X[:, 1] > 0], 1).astype(int),
}
THEIRS = {
    name: theirs
    for name in ours.__all__
    for module in (linear_model, svm, neural_network)
    if (theirs := getattr(module, name, None)) is not None
}
COUNTS = ("n_iter_", "loss_curve_", "validation_loss_curve_")  # of what comes to its end sooner or later


def left_behind(cls, y):
    """The shapes and types of attributes and predictions after a fit, or the kind of error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # twenty are few, and some classes are on their way out
        known = cls().get_params()
        options = {key: value for key, value in {"random_state": 0, "max_iter": 20}.items() if key in known}
        try:
            model = cls(**options)
            model.fit(X, *(() if cls.__name__ == "SGDOneClassSVM" else (y,)))
        except (TypeError, ValueError):
            return "refused"
        names = [name for name in dir(model) if name.endswith("_") and name[0] != "_" and name not in COUNTS]
        found = {name: kind_of(getattr(model, name)) for name in names}
        for name in ("predict", "decision_function", "predict_proba"):
            if hasattr(model, name):
                found[name] = kind_of(getattr(model, name)(X))
    return found


def kind_of(value):
    if isinstance(value, list):
        return [kind_of(one) for one in value]
    return np.shape(value), np.asarray(value).dtype


def test_all_of_theirs_are_there():
    assert set(ours.__all__) - set(THEIRS) == {"ModelClassifier", "ModelRegressor"}


@pytest.mark.parametrize("name", THEIRS)
def test_attributes_have_their_shapes_and_types(name):
    for kind, y in TARGETS.items():
        theirs, mine = left_behind(THEIRS[name], y), left_behind(getattr(ours, name), y)
        if isinstance(theirs, str) or isinstance(mine, str):
            assert theirs == mine, kind
            continue
        assert {key: mine.get(key) for key in theirs} == theirs, kind
