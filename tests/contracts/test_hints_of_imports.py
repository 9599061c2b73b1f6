"""A wrong name of a module gets a hint in ``from ... import`` too; modules with extras are loaded when asked for."""

from __future__ import annotations

import subprocess
import sys

import gradstep as gs
import pytest

MODULES = (
    *("activations", "callbacks", "constraints", "initializers", "layers", "losses", "metrics", "models"),
    *("optimizers", "optimizers.schedules", "regularizers", "saving", "backend", "plot", "tune", "utils"),
)


def raised(statement):
    with pytest.raises((AttributeError, ImportError)) as error:
        exec(statement, {"gs": gs})
    return error.value


@pytest.mark.parametrize("where", ["", *(f".{name}" for name in MODULES)])
def test_an_import_of_a_wrong_name_says_what_an_attribute_says(where):
    imported = raised(f"from gradstep{where} import GRUUnit")
    asked = raised(f"import gradstep; gradstep{where}.GRUUnit")
    assert (type(imported), type(asked)) == (ImportError, AttributeError)
    assert str(imported) == str(asked)
    assert str(imported).startswith("gradstep has no ")
    assert imported.name == f"gradstep{where}"
    several = raised(f"from gradstep{where} import __doc__, GRUUnit")
    assert str(several) == str(asked)


@pytest.mark.parametrize(
    ("statement", "meant"),
    [
        ("from gradstep.tune import grid_search", "Did you mean 'grid'?"),
        ("gs.plot.history", "Did you mean 'plot_history'?"),
        ("gs.plot.boundary", "Did you mean 'decision_boundary'?"),
        ("gs.optimizers.legacy", "those of Keras 3"),
        ("from gradstep.sklearn import KerasClassifier", "gradstep.sklearn.ModelClassifier"),
        ("from gradstep.preprocessing import timeseries_dataset_from_array", "gradstep.utils.timeseries_dataset"),
    ],
)
def test_names_of_tutorials_are_known(statement, meant):
    if "sklearn" in statement:
        pytest.importorskip("sklearn")
    assert meant in str(raised(statement))


@pytest.mark.parametrize(
    ("name", "needs"), [("sklearn", "sklearn"), ("torch", "torch"), ("plot", None), ("tune", None)]
)
def test_a_module_is_loaded_when_it_is_asked_for(name, needs):
    """Without its extra, the error says which."""
    code = f"import sys, gradstep; assert {needs!r} not in sys.modules; print(gradstep.{name}.__name__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if run.returncode and needs is not None:
        assert f"pip install 'gradstep[{name}]'" in run.stderr
        pytest.skip(f"{needs} is not installed")
    assert run.stdout.strip() == f"gradstep.{name}"
