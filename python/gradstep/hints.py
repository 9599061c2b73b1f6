"""Hints for wrong names: of arguments, of members of modules, of what is chosen by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar

__all__ = [
    "argument_hint",
    "closest",
    "complete",
    "hint_arguments",
    "hinted",
    "missing",
    "names_arguments",
    "no_attribute",
    "no_such",
    "renamed",
    "unknown_argument",
    "warn",
]

Function = TypeVar("Function", bound=Callable[..., Any])
OURS = __name__.partition(".")[0]
# Names of older Keras, of PyTorch and scikit-learn, and what they are here, where a function takes it.
RENAMED: dict[str, tuple[str, ...]] = {
    "lr": ("learning_rate", "initial_learning_rate"),
    "betas": ("beta_1",),
    "wd": ("weight_decay",),
    "l2": ("weight_decay",),
    "beta1": ("beta_1",),
    "beta2": ("beta_2",),
    "eps": ("epsilon",),
    "nb_epoch": ("epochs",),
    "n_epochs": ("epochs",),
    "max_iter": ("maxiter", "epochs"),
    "maxfun": ("maxfev",),
    "max_nfev": ("maxfev",),
    "n_iter": ("maxiter", "epochs"),
    "samples_per_epoch": ("steps_per_epoch",),
    "nb_val_samples": ("validation_steps",),
    "nb_worker": ("workers",),
    "init": ("kernel_initializer", "initializer"),
    "weight_initializer": ("kernel_initializer",),
    "W_regularizer": ("kernel_regularizer",),
    "b_regularizer": ("bias_regularizer",),
    "W_constraint": ("kernel_constraint",),
    "b_constraint": ("bias_constraint",),
    "bias": ("use_bias",),
    "output_dim": ("units",),
    "out_features": ("units",),
    "in_features": ("input_shape",),
    "affine": ("scale",),
    "p": ("rate",),
    "alpha": ("negative_slope",),
    "std": ("stddev",),
    "input": ("inputs",),
    "output": ("outputs",),
    "period": ("save_freq",),
    "criterion": ("loss",),
    "size_average": ("reduction",),
    "num_classes": ("classes",),
    "history_size": ("m",),
}
# What is chosen by name, under the names of other libraries and of users, in small letters without "_" and "-": what
# it is called here, where there is such a choice.
VALUES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("gpu", "nvidia"), ("cuda",)),
    **dict.fromkeys(("mps", "tpu", "xpu"), ()),
    **dict.fromkeys(("double", "fp64", "f64"), ("float64",)),
    **dict.fromkeys(("single", "fp32", "f32"), ("float32",)),
    "logistic": ("sigmoid",),
    **dict.fromkeys(("identity", "none"), ("linear",)),
    "lrelu": ("leaky_relu",),
    "step": ("threshold",),
    **dict.fromkeys(("l1", "l1loss", "absoluteerror"), ("mean_absolute_error",)),
    **dict.fromkeys(("l2", "mseloss", "squarederror"), ("mean_squared_error",)),
    **dict.fromkeys(("smoothl1", "smoothl1loss", "huberloss"), ("huber",)),
    **dict.fromkeys(
        ("ce", "crossentropy", "crossentropyloss", "nll", "nllloss"),
        ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"),
    ),
    **dict.fromkeys(("categorical", "softmax"), ("categorical_crossentropy",)),
    **dict.fromkeys(("logloss", "bceloss", "bcewithlogitsloss"), ("binary_crossentropy",)),
    **dict.fromkeys(("kl", "kldivloss"), ("kl_divergence",)),
    **dict.fromkeys(("rmse", "rootmeansquarederror"), ("root_mean_squared_error",)),
    "acc": ("accuracy",),
    **dict.fromkeys(("top5", "topk"), ("top_k_categorical_accuracy",)),
    **dict.fromkeys(("momentum", "nesterov", "gd", "gradientdescent"), ("sgd",)),
    "amsgrad": ("adam",),
    **dict.fromkeys(("steepestdescent", "gradient"), ("gd", "sgd")),
    "conjugategradient": ("cg",),
    "quasinewton": ("bfgs",),
    "newtonraphson": ("newton-cg",),
    **dict.fromkeys(("xavier", "xavieruniform", "glorot"), ("glorot_uniform",)),
    "xaviernormal": ("glorot_normal",),
    **dict.fromkeys(("kaiming", "kaiminguniform"), ("he_uniform",)),
    "kaimingnormal": ("he_normal",),
    "gaussian": ("random_normal",),
    **dict.fromkeys(("elasticnet", "l1l2"), ("l1l2",)),
    **dict.fromkeys(("ridge", "weightdecay"), ("l2",)),
    "lasso": ("l1",),
}
# Optimizers of PyTorch and others that are methods of minimization here, by their names in small letters.
METHODS = {
    "lbfgs": "LBFGS",
    "bfgs": "BFGS",
    "cg": "ConjugateGradient",
    "conjugategradient": "ConjugateGradient",
    "owlqn": "OWLQN",
    "sequence": "Sequence",
}
# Modules and classes of Keras and its companions that have no one name in their place.
ABSENT = {
    "applications": "a trained model's .keras file or weights are read by gradstep.models.load_model and load_weights.",
    "datasets": "data are NumPy arrays from anywhere, as of sklearn.datasets or numpy.load.",
    "legacy": "the optimizers of gradstep.optimizers are those of Keras 3.",
    "mixed_precision": "models compute in float32 or float64.",
    "ops": "tensors have operators and layers in their place, arrays NumPy's functions.",
    "random": "numpy.random and the classes that draw take seeds, as gradstep.utils.set_random_seed does.",
    "KerasClassifier": "it is gradstep.sklearn.ModelClassifier.",
    "KerasRegressor": "it is gradstep.sklearn.ModelRegressor.",
    "GridSearchCV": "it is gradstep.tune.grid for models; scikit-learn's takes the estimators of gradstep.sklearn.",
    "RandomizedSearchCV": "it is gradstep.tune.random for models; scikit-learn's takes those of gradstep.sklearn.",
    "wrappers": "they are gradstep.sklearn.ModelClassifier and ModelRegressor.",
}
# What has no single argument in its place.
INSTEAD = {
    "decay": "learning_rate=gradstep.optimizers.schedules.InverseTimeDecay(...) lowers the rate as it did; "
    "weight_decay= shrinks the weights.",
    "constraints": "Of constraints it takes bounds= alone; scipy.optimize.minimize has methods for the others.",
    "show_accuracy": 'compile(metrics=["accuracy"]) is in its place.',
}


def closest(word: str, words: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the word most like a mistaken one, in any case of letters; empty if none is."""
    from difflib import get_close_matches

    small, there = word.lower(), list(words)
    known_as = VALUES.get(small.partition(":")[0].replace("_", "").replace("-", ""))
    if known_as is not None:
        found = [name for name in known_as if name in there]
        if found or not known_as:
            return f" Did you mean {found[0]!r}?" if found else ""
    # Words in small letters for one in small letters, if there are any like it.
    for some in ([known for known in there if known.islower() == word.islower()], there):
        by_small = {known.lower(): known for known in reversed(some)}
        found = [
            known for known in get_close_matches(small, by_small) if get_close_matches(_stem(small), [_stem(known)])
        ]
        if not found and len(small) > 1:
            found = [known.lower() for known in some if known.lower().startswith(small)]
        if not found and len(small) > 3:  # history for plot_history, grid_search for grid
            found = [known for known in by_small if small in known.split("_") or known in small.split("_")]
        if found:
            return f" Did you mean {by_small[found[0]]!r}?"
    return ""


def _stem(name: str) -> str:
    """Without the number of axes: Pooling2D is no more like Cropping2D than Pooling is like Cropping."""
    return name[:-2] if len(name) > 2 and name[-2].isdigit() and name[-1] == "d" else name


def argument_hint(name: str, known: Iterable[str]) -> str:
    """A sentence about an argument that a function of these arguments does not have, with a blank before it."""
    there = list(dict.fromkeys(known))
    new = renamed(name, there)
    if new is not None:
        return f" Did you mean {new!r}?"
    if name in INSTEAD and any(word in there for word in ("learning_rate", "epochs")):
        return f" {INSTEAD[name]}"
    return closest(name, there) or (f" It takes {', '.join(there)}." if there else " It takes no arguments.")


def renamed(name: str, known: Iterable[str]) -> str | None:
    """What one of these names is called elsewhere, or spelt without its underscores; None: no such name."""
    there = list(known)
    found = [new for new in RENAMED.get(name, ()) if new in there]
    plain = name.lower().replace("_", "")
    found += [new for new in there if new != name and new.replace("_", "") == plain]
    return found[0] if found else None


def no_attribute(thing: object, name: str, elsewhere: Mapping[str, str]) -> AttributeError:
    """An error about an attribute that an object does not have, for its class's ``__getattr__``.

    elsewhere: a sentence about each name that other libraries have, after the name.
    """
    cls = type(thing)
    if hasattr(cls, name):  # a property whose code failed: its error
        object.__getattribute__(thing, name)
    said = f"{cls.__name__!r} object has no attribute {name!r}"
    if name.startswith("_"):  # which Python, IPython and others ask for
        return AttributeError(said, name=name, obj=thing)
    if name in elsewhere:
        return AttributeError(f"{said}: {elsewhere[name]}")
    there = [known for known in (*dir(cls), *getattr(thing, "__dict__", ())) if not known.startswith("_")]
    new = renamed(name, there)
    return AttributeError(f"{said}." + (f" Did you mean {new!r}?" if new else closest(name, there)))


def unknown_argument(owner: type, name: str, others: Iterable[str] = ()) -> TypeError:
    """An error about an argument that a class does not have; others: what it takes beside those in its signature."""
    return TypeError(f"{owner.__name__}() has no argument {name!r}.{argument_hint(name, [*_names(owner), *others])}")


def _names(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments of a function or class."""
    import inspect

    parameters = inspect.signature(function).parameters.values()
    named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    return [one.name for one in named if one.name != "self"]


def names_arguments(function: Function) -> Function:
    """Decorator of a public function: `hinted` under its name."""
    return hinted(function, function.__name__)


def hinted(function: Function, owner: str) -> Function:
    """A function whose errors of unknown arguments say what was meant; owner: what it is called in them."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            trace = error.__traceback__
            if trace is None or trace.tb_next is not None:  # the function was entered: its error
                raise
            better = _unknown(function, owner, kwargs)
            if better is None:
                raise
        raise TypeError(better)

    call._is_hinted = True  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def _unknown(function: Callable[..., Any], owner: str, kwargs: dict[str, Any]) -> str | None:
    known = _names(function)
    unknown = [name for name in kwargs if name not in known]
    return f"{owner}() has no argument {unknown[0]!r}.{argument_hint(unknown[0], known)}" if unknown else None


def hint_arguments(cls: type, names: Iterable[str] = ("__init__",)) -> None:
    """Give hints for wrong arguments of a class's methods, its bases' in this package too."""
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] != OURS:
            continue
        for name in names:
            method = vars(base).get(name)
            if callable(method) and "_is_hinted" not in vars(method):
                owner = base.__name__ if name == "__init__" else name
                setattr(base, name, hinted(method, owner))


def complete(
    module: str, members: dict[str, Any], kind: str, second_names: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """Give hints for wrong arguments of the classes of a module; gives its ``__getattr__``, for wrong names.

    ``dir()`` of it then lists what it is for, without the modules that it is made of.

    members: its globals; kind: what it is a module of, in errors; second_names: other names of what it has, which
    Keras has too, with those that it has here.
    """
    names: list[str] = members["__all__"]
    for name in names:
        if isinstance(members.get(name), type):
            hint_arguments(members[name])

    members["__dir__"] = lambda: sorted(names)
    return missing(module, names, kind, {new: members[name] for new, name in (second_names or {}).items()})


def missing(
    module: str, names: Iterable[str], kind: str, others: Mapping[str, Any] | None = None
) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module of these names.

    kind: what it is a module of, in errors; others: what it has besides, by its names, of which ``dir()`` says nothing.
    """

    def find(name: str) -> Any:
        if others and name in others:
            return others[name]
        raise no_such(module, names, kind, name)

    return find


def no_such(module: str, names: Iterable[str], kind: str, name: str) -> AttributeError | ImportError:
    """An error about a name that a module does not have, to be raised by its ``__getattr__`` at once.

    It is an ImportError for ``from module import name``, where Python drops what an AttributeError says.
    """
    if name.startswith("_"):  # which Python, IPython and others ask for
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    said = _said_of(module, names, kind, name)
    # The error names what is missing itself, so Python adds no second guess.
    return ImportError(said, name=module) if _is_from_import() else AttributeError(said, name=name)


def _is_from_import() -> bool:
    """Whether the ``__getattr__`` two calls up was called by a statement ``from ... import ...``."""
    import sys
    from opcode import opmap

    caller = sys._getframe(2).f_back
    return caller is not None and caller.f_code.co_code[caller.f_lasti] == opmap["IMPORT_FROM"]


def _said_of(module: str, names: Iterable[str], kind: str, name: str) -> str:
    if kind == "optimizer" and name.lower() in METHODS:
        return (
            f"gradstep has {name} among its methods of minimization, which compile() takes as well: "
            f"gradstep.minimizers.{METHODS[name.lower()]}."
        )
    if name in ABSENT:
        return f"gradstep has no {kind} {name}: {ABSENT[name]}"
    hint = closest(name, names)
    there = _elsewhere(name)
    if there and f"'{name.lower()}'" not in hint.lower():
        return f"gradstep has no {kind} {name}: it is {there}."
    yet = "." if hint else " yet."
    return f"gradstep has no {kind} {name}{yet}{hint} dir({module}) lists what it has."


def _elsewhere(name: str) -> str:
    """Where in this package a public name is; empty if it is nowhere."""
    import sys

    for member in sys.modules[OURS].__all__:
        module = sys.modules.get(f"{OURS}.{member}")
        if module is not None and name in getattr(module, "__all__", ()):
            return f"{OURS}.{member}.{name}"
    return ""


def warn(message: str) -> None:
    """Warn at the line of the user's that called this package."""
    import sys
    import warnings

    depth, frame = 2, sys._getframe(1)  # 1 is this function
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == OURS:
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, stacklevel=depth)
