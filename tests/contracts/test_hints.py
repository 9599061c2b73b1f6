"""A wrong name gets a hint: of an argument of any class, of a member of a module, of what is chosen by name."""

from __future__ import annotations

import inspect
import subprocess
import sys

import gradstep as gs
import numpy as np
import pytest
from gradstep.models.changes import ELSEWHERE
from training import classifier, clusters

MODULES = {
    name: getattr(gs, name)
    for name in (
        *("activations", "callbacks", "constraints", "initializers", "layers", "losses", "metrics", "models"),
        *("optimizers", "regularizers", "saving"),
    )
} | {"optimizers.schedules": gs.optimizers.schedules}
CLASSES = {
    f"{where}.{name}": getattr(module, name)
    for where, module in MODULES.items()
    for name in module.__all__
    if inspect.isclass(getattr(module, name))
}
# What takes any names: functions' own arguments; and what needs other optimizers before it sees a name.
OPEN = {"metrics.MeanMetricWrapper", "optimizers.MultiOptimizer", "optimizers.Lookahead", "optimizers.SAM"}
OPEN |= {"losses.LossFunctionWrapper", "callbacks.CallbackList", "optimizers.Optimizer", "callbacks.LambdaCallback"}
METHODS = ("fit", "evaluate", "predict", "compile", "summary", "save", "save_weights", "load_weights")


def arguments(function):
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self" and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]


def required(function):
    parameters = inspect.signature(function).parameters.values()
    return {p.name: None for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}


def wraps(cls):
    return cls is gs.Optimizer or cls.__name__ in ("Lookahead", "MultiOptimizer", "SAM")


OPEN |= {name for name, cls in CLASSES.items() if cls.__init__ is object.__init__}  # without any arguments


@pytest.mark.parametrize("name", sorted(set(CLASSES) - OPEN))
def test_a_misspelt_argument_of_any_class_is_guessed(name):
    cls = CLASSES[name]
    for argument in arguments(cls):
        if len(argument) < 3:
            continue
        wrong = f"{argument}x"
        given = required(cls) if "callbacks.TensorBoard" not in name else {}
        given.pop(argument, None)
        with pytest.raises(TypeError, match=rf"^\w+\(\) has no argument '{wrong}'\. Did you mean '\w+'\?$") as error:
            cls(**given, **{wrong: 1})
        assert f"'{argument}'" in str(error.value) or sum(argument[:4] in other for other in arguments(cls)) > 1
    with pytest.raises(TypeError, match=r"has no argument 'qqqq'\. It takes "):
        cls(**required(cls), qqqq=1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cls", [gs.Sequential, gs.Model])
def test_a_misspelt_argument_of_a_model_is_guessed(cls, method):
    x = gs.Input((3,))
    model = gs.Sequential([x, gs.layers.Dense(1)]) if cls is gs.Sequential else gs.Model(x, gs.layers.Dense(1)(x))
    for argument in arguments(getattr(model, method)):
        if len(argument) >= 3:
            with pytest.raises(TypeError, match=rf"^{method}\(\) has no argument '{argument}x'\. Did you mean '"):
                getattr(model, method)(**{f"{argument}x": 1})


@pytest.mark.parametrize(
    ("call", "old", "new"),
    [
        (gs.optimizers.Adam, "lr", "'learning_rate'"),
        (gs.optimizers.SGD, "decay", "InverseTimeDecay"),
        (gs.optimizers.Adam, "eps", "'epsilon'"),
        (gs.optimizers.SGD, "momentun", "'momentum'"),
        (gs.layers.Dense, "init", "'kernel_initializer'"),
        (gs.layers.Dense, "output_dim", "'units'"),
        (gs.layers.Dense, "W_regularizer", "'kernel_regularizer'"),
        (gs.layers.Dropout, "p", "'rate'"),
        (gs.initializers.RandomNormal, "std", "'stddev'"),
        (gs.Model, "input", "'inputs'"),
        (classifier().fit, "nb_epoch", "'epochs'"),
        (classifier().fit, "lr", "It takes x, y, batch_size"),
        (gs.minimize, "max_iter", "'maxiter'"),
        (gs.minimize, "constraints", "bounds= alone"),
        (gs.minimize_many, "lr", "'learning_rate'"),
        (gs.check_grad, "direction", "'directions'"),
        (gs.fit_many, "n_epochs", "'epochs'"),
        (gs.callbacks.ModelCheckpoint, "period", "'save_freq'"),
        (gs.callbacks.TensorBoard, "histogram_frequency", "'histogram_freq'"),
    ],
)
def test_older_names_are_translated(call, old, new):
    with pytest.raises(TypeError, match=f"no argument {old!r}.*{new}"):
        call(**{old: 1})


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: gs.optimizers.get("adm"), "'adam'"),
        (lambda: gs.losses.get("mean_square_error"), "'mean_squared_error'"),
        (lambda: gs.metrics.get("acuracy"), "'accuracy'"),
        (lambda: gs.activations.get("rellu"), "'relu'"),
        (lambda: gs.initializers.get("he"), "'he_normal'"),
        (lambda: gs.regularizers.get("orthogonal"), "'orthogonal_regularizer'"),
        (lambda: gs.constraints.get("maxnorm"), "'max_norm'"),
        (lambda: classifier().compile("adam", "mse", metrics=["aucc"]), "'auc'"),
    ],
)
def test_names_in_place_of_objects_are_guessed(make, expected):
    with pytest.raises(ValueError, match=rf"Did you mean {expected}"):
        make()


@pytest.mark.parametrize("where", MODULES)
def test_a_wrong_name_in_a_module(where):
    module = MODULES[where]
    for name in module.__all__:
        if len(name) > 3:
            with pytest.raises(AttributeError, match=r"gradstep has no .*\. Did you mean '"):
                getattr(module, f"{name}q")
    with pytest.raises(AttributeError, match=r"^gradstep has no [a-z ]+ Fold9D yet\. dir\(gradstep"):
        module.Fold9D  # noqa: B018
    assert not hasattr(module, "__wrapped__")
    assert not hasattr(module, "_ipython_display_")


@pytest.mark.parametrize(
    "where", ["backend", "distribution", "minimizers", "plot", "problems", "scalers", "tune", "utils"]
)
def test_a_wrong_name_in_a_module_of_functions(where):
    module = getattr(gs, where)
    for name in module.__all__:
        with pytest.raises(AttributeError, match=rf"^gradstep has no [\w .]+ {name}q\. Did you mean '"):
            getattr(module, f"{name}q")
    with pytest.raises(AttributeError, match=rf"dir\(gradstep\.{where}\) lists what it has"):
        _ = module.np_utils
    assert sorted(module.__all__) == dir(module) or where in ("utils", "backend", "problems")


def test_what_keras_has_and_this_has_not():
    with pytest.raises(AttributeError, match=r"^gradstep has no layer MelSpectrogram yet\. dir\(gradstep\.layers\)"):
        gs.layers.MelSpectrogram  # noqa: B018
    with pytest.raises(AttributeError, match=r"gradstep has no module or class datasets: data are NumPy arrays"):
        gs.datasets  # noqa: B018


@pytest.mark.parametrize(
    ("module", "name", "where"),
    [
        (gs, "Adam", "optimizers.Adam"),
        (gs, "load_model", "models.load_model"),
        (gs, "set_random_seed", "utils.set_random_seed"),
        (gs, "Dense", "layers.Dense"),
        (gs.layers, "EarlyStopping", "callbacks.EarlyStopping"),
        (gs.optimizers, "LBFGSB", "minimizers.LBFGSB"),
        (gs.models, "Adam", "optimizers.Adam"),
        (gs.utils, "KFold", "tune.KFold"),
    ],
)
def test_a_name_of_another_module_is_found_there(module, name, where):
    assert gs.tune  # loaded when it is asked for
    with pytest.raises(AttributeError, match=rf"^gradstep has no [a-z ]+ {name}: it is gradstep\.{where}\.$"):
        getattr(module, name)


def test_a_name_that_differs_in_its_capitals_comes_first():
    with pytest.raises(AttributeError, match=r"no layer relu\. Did you mean 'ReLU'"):
        gs.layers.relu  # noqa: B018


def test_errors_of_one_s_own_are_left_as_they_are():
    class Own(gs.layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.units = int(units)

    with pytest.raises(TypeError, match="unexpected keyword argument 'unit'"):
        Own(unit=3)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'units'"):
        gs.layers.Dense()

    def callback(epoch, logs):
        raise TypeError("got an unexpected keyword argument 'mine'")

    with pytest.raises(TypeError, match="unexpected keyword argument 'mine'"):
        classifier().fit(*clusters(40), verbose=0, callbacks=[gs.callbacks.LambdaCallback(on_epoch_end=callback)])


def test_signatures_are_as_they_were():
    assert list(inspect.signature(gs.layers.Dense).parameters)[:2] == ["units", "activation"]
    assert list(inspect.signature(gs.Sequential.fit).parameters)[:3] == ["self", "x", "y"]


def test_warnings_are_at_the_line_that_called():
    x, y = clusters(40)
    with pytest.warns(UserWarning, match="mode must be one of") as seen:
        gs.callbacks.EarlyStopping(mode="least")
    assert [one.filename for one in seen] == [__file__]
    with pytest.warns(UserWarning, match=r"needs 'val_loss'") as seen:
        classifier().fit(x, y, verbose=0, callbacks=[gs.callbacks.EarlyStopping()])
    assert {one.filename for one in seen} == {__file__}
    with pytest.warns(UserWarning, match="ran out|ended") as seen:
        classifier().fit(iter([(x, y)]), steps_per_epoch=1, epochs=3, verbose=0)
    assert {one.filename for one in seen} == {__file__}
    assert np.isfinite(classifier().evaluate(x, y, verbose=0)).all()


def test_nothing_is_imported_for_it():
    program = "import sys, gradstep; sys.exit('difflib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("cls", [cls for cls in CLASSES.values() if issubclass(cls, gs.Optimizer) and not wraps(cls)])
def test_an_attribute_that_would_change_nothing_is_refused(cls):
    """Of an optimizer: another library's name of a hyperparameter, or one without its underscores."""
    optimizer = cls()
    for wrong, meant in (("lr", "learning_rate"), ("learningrate", "learning_rate"), ("wd", "weight_decay")):
        with pytest.raises(AttributeError, match=rf"has no hyperparameter '{wrong}'\. Did you mean '{meant}'\?"):
            setattr(optimizer, wrong, 0.5)
    optimizer.mine = 3  # an attribute of the program's own
    assert optimizer.mine == 3
    with pytest.raises(AttributeError, match="Did you mean 'learning_rate'"):
        _ = optimizer.lr
    with pytest.raises(AttributeError, match="none is kept"):
        optimizer.zero_grad()


@pytest.mark.parametrize("name", ELSEWHERE)
def test_methods_of_other_libraries_are_known(name):
    model = classifier()
    assert not hasattr(type(model), name)
    with pytest.raises(AttributeError, match=f"has no attribute '{name}': "):
        getattr(model, name)


def test_misspelt_methods_and_private_names():
    model = classifier()
    with pytest.raises(AttributeError, match="Did you mean 'predict'"):
        _ = model.predictt
    with pytest.raises(AttributeError, match=r"no attribute '_repr_png_'$"):
        _ = model._repr_png_
    assert not hasattr(gs.Sequential([gs.layers.Dense(2)]), "__array__")

    class Failing(gs.Sequential):
        @property
        def width(self):
            return self.missing_part

    with pytest.raises(AttributeError, match="missing_part"):
        _ = Failing().width


def test_names_are_listed_once():
    with pytest.raises(TypeError) as error:
        gs.optimizers.AdamW(qqqq=1)
    listed = str(error.value).partition("It takes ")[2].rstrip(".").split(", ")
    assert len(listed) == len(set(listed)) > 10


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "got None."),
        ("0.1", "got '0.1', a str."),
        (np.ones(1), "got one array."),
        ([0.1], "got a list of 1."),
        (gs.optimizers.Adam, "got the class Adam."),
    ],
)
def test_a_value_that_is_no_number_is_named_once(value, said):
    for call in (lambda: gs.optimizers.SGD(value), lambda: gs.layers.Dense(value)):
        with pytest.raises(TypeError, match=r"must be a (real|whole) number") as error:
            call()
        assert str(error.value).endswith(said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "got None.$"),
        (np.array(["a", "b"]), "got one array of dtype .* become numbers by numpy.unique"),
        (np.array(["a", "b"], object), "got one array of dtype .* become numbers by numpy.unique"),
        (lambda: 0, "got a function: call it.$"),
        (np.array([1 + 2j]), "got one array of dtype complex128.$"),
    ],
)
def test_data_that_are_no_numbers(value, said):
    with pytest.raises(TypeError, match=f"^y must be an array of real numbers; {said}"):
        classifier().fit(np.ones((2, 20)), value)


def minimize_by(method):
    return gs.minimize(lambda x: x @ x, np.ones(2), method=method)


@pytest.mark.parametrize(
    ("choose", "given", "meant"),
    [
        (gs.config.set_device, "gpu", "cuda"),
        (gs.config.set_device, "GPU:0", "cuda"),
        (gs.config.set_floatx, "double", "float64"),
        (gs.layers.Activation, "identity", "linear"),
        (gs.layers.Activation, "lrelu", "leaky_relu"),
        (gs.losses.get, "l2", "mean_squared_error"),
        (gs.losses.get, "log_loss", "binary_crossentropy"),
        (gs.losses.get, "CrossEntropyLoss", "sparse_categorical_crossentropy"),
        (gs.metrics.get, "acc", "accuracy"),
        (gs.metrics.get, "rmse", "root_mean_squared_error"),
        (gs.optimizers.get, "amsgrad", "adam"),
        (minimize_by, "steepest-descent", "gd"),
        (minimize_by, "conjugate-gradient", "cg"),
        (minimize_by, "quasi-newton", "bfgs"),
        (minimize_by, "Newton-Raphson", "newton-cg"),
        (gs.initializers.get, "xavier_uniform", "glorot_uniform"),
        (gs.initializers.get, "kaiming_normal", "he_normal"),
        (gs.regularizers.get, "elasticnet", "l1l2"),
    ],
)
def test_what_other_libraries_call_a_choice_is_known(choose, given, meant):
    with pytest.raises(ValueError, match=f"got '{given}'. Did you mean '{meant}'"):
        choose(given)


@pytest.mark.parametrize("given", ["mps", "tpu"])
def test_a_device_that_is_not_there_is_not_taken_for_the_cpu(given):
    with pytest.raises(ValueError, match=f"got '{given}'\\.$"):
        gs.config.set_device(given)


@pytest.mark.parametrize("cls", [gs.Model, gs.Sequential, gs.layers.Layer])
def test_a_constructor_that_leaves_out_that_of_its_base_is_named(cls):
    class Mine(cls):
        def __init__(self):
            self.inner = gs.layers.Dense(3)

        def call(self, x):
            return self.inner(x)

    with pytest.raises(AttributeError, match=r"Mine must call super\(\).__init__\(\) first in its constructor"):
        Mine()(np.ones((2, 4)))


@pytest.mark.parametrize(("wrong", "meant"), [("untis", "units"), ("kernal", "kernel"), ("weight", "weights")])
def test_a_misspelt_attribute_of_a_layer_is_guessed(wrong, meant):
    layer = gs.layers.Dense(3)
    layer.build((None, 4))
    with pytest.raises(AttributeError, match=f"'Dense' object has no attribute {wrong!r}. Did you mean {meant!r}"):
        getattr(layer, wrong)
