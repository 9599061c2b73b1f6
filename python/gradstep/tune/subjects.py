"""What a search trains: models made by a function, or estimators with scikit-learn's methods."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import seeds
from ..callbacks.base import Callback, Logs
from ..callbacks.callback_list import as_callbacks
from ..callbacks.history import History
from ..checks import check_choice, describe
from ..hints import closest

__all__ = [
    *("Diverged", "EstimatorSubject", "ModelSubject", "Scored", "State", "Subject", "Watch", "WrongCall"),
    *("rows_taken", "subject_of"),
]

MODES = {"auto": None, "min": False, "max": True}
# Arguments of `fit` that a search gives itself.
# Those of scikit-learn's searches, and what they are here.
ELSEWHERE = {
    "scoring": "metric=",
    "n_jobs": "workers=",
    "param_grid": "space=",
    "param_distributions": "space=",
    "n_iter": "n= of gradstep.tune.random",
    "random_state": "seeds=",
    "refit": "a fit of the best setting after the search",
    "return_train_score": "history of each run",
}
GIVEN = {"x", "y", "epochs", "initial_epoch", "verbose", "callbacks", "sample_weight", "validation_data", "seed"}


class Diverged(Exception):
    """Training came to a loss that is no number."""


class WrongCall(Exception):
    """An argument of the search is wrong: nothing that belongs into a table."""


@dataclass
class State:
    """A model or estimator in training, with all that the next epoch depends on."""

    trained: Any
    draws: seeds.Sequence
    callbacks: list[Callback] = field(default_factory=list)
    epochs: int = 0
    is_over: bool = False  # a callback ended it
    history: dict[str, list[float]] = field(default_factory=dict)
    carried: Any = None  # what goes on in place of what is scored, if they differ

    def model(self) -> Any:
        """The model that goes on in training."""
        self.trained = self.carried or self.trained
        return self.trained

    def take(self, watch: Watch, history: History, until: int) -> None:
        """What training to an epoch has done.

        Raises
        ------
        Diverged
            It ended there.
        """
        self.epochs, self.is_over = watch.done or self.epochs, watch.done < until
        for name, values in history.history.items():
            self.history.setdefault(name, []).extend(values)
        if watch.diverged:
            raise Diverged(watch.diverged)
        self.carried = watch.carried

    @property
    def steps(self) -> int | None:
        """Steps of the optimizer so far, if it is known."""
        steps = getattr(getattr(self.trained, "optimizer", None), "iterations", None)
        return None if steps is None else int(steps)


@dataclass(frozen=True)
class Scored:
    """A score and which way is better."""

    value: float
    larger_is_better: bool


def rows_taken(x: Any, rows: np.ndarray) -> Any:
    """Some rows of an array, a table, a sparse matrix, or of each in a list or dict."""
    if isinstance(x, Mapping):
        return {name: rows_taken(one, rows) for name, one in x.items()}
    if isinstance(x, (list, tuple)) and x and hasattr(x[0], "shape") and np.ndim(x[0]):
        return [rows_taken(one, rows) for one in x]
    if hasattr(x, "iloc"):
        return x.iloc[rows]
    if hasattr(x, "tocsr"):
        return x.tocsr()[rows]
    return np.asarray(x)[rows]


class Watch(Callback):
    """Ends training that diverged, or that nobody waits for any more."""

    def __init__(self, is_cancelled: Callable[[], bool], last: int | None) -> None:
        super().__init__()
        self._is_cancelled, self._last = is_cancelled, last
        self.diverged: str | None = None
        self.done = 0
        self.carried: Any = None  # the model as it goes on, if that is not as it ends

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Count the epoch, and stop."""
        self.done = epoch + 1
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            self.diverged = f"diverged: the loss was {loss} after {epoch + 1} epochs"
        if self.diverged or self._is_cancelled():
            self.model.stop_training = True

    def _after_epoch(self, epoch: int) -> None:
        # The end of fit puts averages in the place of weights, from which no training goes on.
        if epoch + 1 == self._last and any(leaf.use_ema for leaf in self.model.optimizer._leaves()):
            self.carried = copy.deepcopy(self.model)


class ModelSubject:
    """Models that a function makes.

    Parameters
    ----------
    build : function
        Makes a compiled model of settings.
    metric : str or function
    mode : {"auto", "min", "max"}
    fit : dict
        Arguments of `fit` of all runs.
    callbacks : sequence of Callback
        Of which each run gets copies.
    """

    def __init__(
        self, build: Callable[..., Any], metric: Any, mode: str, fit: Mapping[str, Any], callbacks: Sequence[Callback]
    ) -> None:
        self.build, self.metric, self.mode, self.fit, self.callbacks = build, metric, mode, dict(fit), callbacks
        wrong = sorted(GIVEN & set(self.fit))
        if wrong:
            raise TypeError(f"{wrong[0]} cannot be an argument of fit here: the search gives it.")
        wrong = [name for name in self.fit if name in ELSEWHERE]
        if wrong:
            raise TypeError(_unknown(wrong[0]))

    def check(self, settings: Mapping[str, Any]) -> None:
        """Refuse settings that the function does not take."""
        try:
            inspect.signature(self.build).bind(**settings)
        except ValueError:  # a function of C has no signature
            return
        except TypeError as error:
            raise TypeError(f"build must take the settings {', '.join(settings) or 'none'} by name: {error}.") from None

    def begin(self, settings: Mapping[str, Any], seed: int) -> State:
        """A new model."""
        draws = seeds.Sequence(seed)
        with seeds.within(draws):
            model = self.build(**settings)
        if not hasattr(model, "fit") or getattr(model, "optimizer", None) is None:
            raise WrongCall(f"build must give a compiled model; it gave {describe(model)}.")
        wrong = _unknown_argument(self.fit, model)
        if wrong:
            raise WrongCall(wrong)
        return State(model, draws, [copy.deepcopy(one) for one in self.callbacks])

    def train(
        self, state: State, x: Any, y: Any, weights: Any, epochs: int, goes_on: bool, is_cancelled: Callable[[], bool]
    ) -> None:
        """Train to an epoch; goes_on: whether it is to be trained further."""
        watch = Watch(is_cancelled, epochs if goes_on else None)
        if state.epochs:
            for one in state.callbacks:
                one.load_state_dict(one.state_dict())  # they go on, too, instead of beginning anew
        model = state.model()
        with seeds.within(state.draws):
            history = model.fit(
                x,
                y,
                initial_epoch=state.epochs,
                epochs=epochs,
                verbose=0,
                callbacks=[*state.callbacks, watch],
                sample_weight=weights,
                **self.fit,
            )
        state.take(watch, history, epochs)

    def score(self, state: State, x: Any, y: Any) -> Scored:
        """The metric on held-out rows."""
        model, metric = state.trained, self.metric
        if callable(metric):
            mode = check_choice("mode", self.mode, MODES)
            if mode is None:
                raise WrongCall("mode must be 'min' or 'max' where metric is a function.")
            return Scored(float(metric(y, model.predict(x, verbose=0))), mode)
        scores = model.evaluate(x, y, verbose=0, return_dict=True)
        if metric not in scores:
            raise WrongCall(f"metric must be one of {', '.join(scores)}, or a function; got {metric!r}.")
        return Scored(float(scores[metric]), self._larger(model, metric))

    def _larger(self, model: Any, metric: str) -> bool:
        mode = check_choice("mode", self.mode, MODES)
        found = False if metric == "loss" else model._directions.get(metric)
        if mode is None and found is None:
            raise WrongCall(f"mode='auto' cannot tell whether {metric!r} is better larger: give 'min' or 'max'.")
        return bool(found) if mode is None else mode


class EstimatorSubject:
    """Estimators with scikit-learn's methods.

    Parameters
    ----------
    estimator : object
        With ``fit``, ``get_params`` and ``set_params``; each run trains a clone.
    metric : None, str, scorer or function
        ``score`` of the estimator, a scorer of scikit-learn's or its name, or a function of targets and predictions.
    mode : {"auto", "min", "max"}
        For a function.
    fit : dict
        Arguments of `fit` of all runs.
    """

    def __init__(self, estimator: Any, metric: Any, mode: str, fit: Mapping[str, Any]) -> None:
        self.estimator, self.metric, self.mode, self.fit = estimator, metric, mode, dict(fit)
        wrong = _unknown_argument(self.fit, estimator)
        if wrong:
            raise TypeError(wrong)

    def check(self, settings: Mapping[str, Any]) -> None:
        """Refuse settings that the estimator does not have."""
        known = self.estimator.get_params(deep=True)
        for name in settings:
            if name not in known:
                raise TypeError(f"{type(self.estimator).__name__} has no parameter {name!r}.{closest(name, known)}")

    def begin(self, settings: Mapping[str, Any], seed: int) -> State:
        """A new estimator; its ``random_state``, if it has one that is None, is the seed."""
        from sklearn.base import clone

        made = clone(self.estimator).set_params(**settings)
        unset = {name: seed for name, value in made.get_params(deep=True).items() if _draws(name) and value is None}
        return State(made.set_params(**unset), seeds.Sequence(seed))

    def options(self, made: Any, weights: Any) -> dict[str, Any]:
        """Arguments of the estimator's `fit`."""
        return dict(self.fit) if weights is None else {**self.fit, _weights_name(made): weights}

    def train(
        self,
        state: State,
        x: Any,
        y: Any,
        weights: Any,
        epochs: int | None,
        goes_on: bool,
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Train: ``fit`` once, or with epochs ``partial_fit`` so many times."""
        made = state.trained
        options = self.options(made, weights)
        with seeds.within(state.draws):
            if epochs is None:
                made.fit(x, y, **options)
                return
            if "classes" in inspect.signature(made.partial_fit).parameters:
                options["classes"] = np.unique(np.asarray(y))
            while state.epochs < epochs and not is_cancelled():
                made.partial_fit(x, y, **options)
                state.epochs += 1

    def score(self, state: State, x: Any, y: Any) -> Scored:
        """The metric on held-out rows."""
        made, metric = state.trained, self.metric
        if metric is None:
            return Scored(float(made.score(x, y)), True)
        if hasattr(metric, "_score_func"):  # of sklearn.metrics.make_scorer
            return Scored(float(metric(made, x, y)), True)
        if callable(metric):
            mode = check_choice("mode", self.mode, MODES)
            if mode is None:
                raise WrongCall("mode must be 'min' or 'max' where metric is a function.")
            return Scored(float(metric(y, made.predict(x))), mode)
        from sklearn.metrics import get_scorer

        try:
            scorer = get_scorer(metric)
        except ValueError as error:
            raise WrongCall(str(error)) from None
        return Scored(float(scorer(made, x, y)), True)


def _unknown(name: str) -> str:
    return f"a search has no argument {name!r}: {ELSEWHERE[name]} is in its place."


def _unknown_argument(given: Mapping[str, Any], trained: Any) -> str:
    """What is wrong with these arguments of its `fit`; "" if nothing is."""
    parameters = inspect.signature(trained.fit).parameters
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    for name in given:
        if name in parameters:
            continue
        if name in ELSEWHERE:
            return _unknown(name)
        if not takes_any:
            owner = type(trained).__name__
            return f"neither the search nor fit of {owner} has an argument {name!r}.{closest(name, parameters)}"
    return ""


def _weights_name(estimator: Any) -> str:
    """What `fit` calls the weights of rows: a pipeline hands them to its last step."""
    from sklearn import get_config

    steps = getattr(estimator, "steps", None)
    if not steps or get_config().get("enable_metadata_routing"):
        return "sample_weight"
    return f"{steps[-1][0]}__sample_weight"


def _draws(name: str) -> bool:
    return name == "random_state" or name.endswith("__random_state")


Subject = ModelSubject | EstimatorSubject


def subject_of(
    build: Any, metric: Any, mode: Any, fit: Mapping[str, Any], callbacks: Any, epochs: Any, by_epochs: bool
) -> Subject:
    """What the first argument of a search is; by_epochs: whether it is trained a part of its epochs at a time."""
    check_choice("mode", mode, MODES)
    if isinstance(build, type) and hasattr(build, "fit"):
        raise TypeError(f"build must be an estimator, not its class: {build.__name__}().")
    if hasattr(build, "fit") and hasattr(build, "get_params"):
        if callbacks:
            raise TypeError("callbacks must be those of the estimator's own parameters; the search has none for it.")
        if by_epochs and not hasattr(build, "partial_fit"):
            raise TypeError(f"halving trains on: {type(build).__name__} must have partial_fit; it has not.")
        if epochs is not None and not by_epochs:
            raise TypeError(
                f"epochs must be a parameter of {type(build).__name__} itself, as max_iter; got {epochs!r}."
            )
        return EstimatorSubject(build, metric, mode, fit)
    if not callable(build):
        raise TypeError(
            f"build must be a function that makes a compiled model, or an estimator; got {describe(build)}."
        )
    return ModelSubject(build, "loss" if metric is None else metric, mode, fit, as_callbacks(callbacks))
