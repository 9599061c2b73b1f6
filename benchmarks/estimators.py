"""Estimators, searches and many models beside scikit-learn: every figure that is asked of them, in one run.

``python benchmarks/estimators.py`` measures all parts, or those that are named: ``checks same epochs convex many rates
halving reviews memory``. Rivals take turns within a round, in this process and on one thread unless a row says
otherwise; a figure is the ratio of their medians. ``--reviews`` is the archive of the movie reviews (Pang & Lee 2004),
without which that part is left out; ``--json`` writes the table, ``--quick`` tries it out on small sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import gradstep as gs
import numpy as np
import scipy.sparse as sp
from gradstep import sklearn as ours
from sklearn import linear_model, neural_network, svm
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator
from threadpoolctl import threadpool_limits

PINS = "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"  # some machines hold OpenBLAS to an old kernel by them
CLASSES = [
    *("SGDClassifier", "SGDRegressor", "SGDOneClassSVM", "Perceptron", "PassiveAggressiveClassifier"),
    *(
        "PassiveAggressiveRegressor",
        "LogisticRegression",
        "LinearSVC",
        "LinearSVR",
        "Ridge",
        "RidgeClassifier",
        "Lasso",
    ),
    *("ElasticNet", "HuberRegressor", "LinearRegression", "MLPClassifier", "MLPRegressor"),
]
# What was measured, what was asked, and whether larger is better.
Row = tuple[str, float, str, float | None, bool]


def turns(rounds: int, works: dict[str, Callable[[], Any]], cpu: bool = False) -> dict[str, float]:
    """Median seconds of each, which take turns; the first round does not count."""
    clock = time.process_time if cpu else time.perf_counter
    taken: dict[str, list[float]] = {name: [] for name in works}
    for k in range(rounds + 1):
        for name, work in works.items():
            begin = clock()
            work()
            if k:
                taken[name].append(clock() - begin)
    return {name: median(each) for name, each in taken.items()}


def rows_of(count: int, features: int = 100) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(15)
    X = rng.standard_normal((count, features))
    return X, (X @ rng.standard_normal(features) / features**0.5 + 0.3 * rng.standard_normal(count) > 0).astype(int)


def sparse_rows(count: int, features: int = 10_000, stored: int = 50) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(16)
    step = features // stored
    indices = (rng.integers(0, step, (count, stored)) + step * np.arange(stored)).astype(np.int32)
    starts = np.arange(0, count * stored + 1, stored, dtype=np.int32)
    X = sp.csr_matrix((rng.standard_normal(count * stored), indices.ravel(), starts), shape=(count, features))
    return X, (X @ rng.standard_normal(features) / stored**0.5 + 0.3 * rng.standard_normal(count) > 0).astype(int)


def checks(quick: bool, _: Any) -> Iterator[Row]:
    """scikit-learn's own checks of all classes; its classes fail some of them, too."""

    def failures(model: Any) -> set[str]:
        found = check_estimator(model, on_fail=None)
        return {one["check_name"] for one in found if one["status"] == "failed"}

    seconds, others = 0.0, []
    for name in CLASSES[: 2 if quick else None]:
        begin = time.perf_counter()
        failed = failures(getattr(ours, name)())
        seconds += time.perf_counter() - begin
        theirs = failures(getattr(neural_network if name.startswith("MLP") else _module(name), name)())
        others += [f"{name}: {check}" for check in sorted(failed - theirs)]
    yield "check_estimator of 17 classes", seconds, "s", 60, False
    title = f"checks that scikit-learn's class passes and ours does not: {', '.join(others) or 'none'}"
    yield title, len(others), "", None, False


def _module(name: str) -> Any:
    return svm if name.startswith("LinearSV") else linear_model


def same(quick: bool, _: Any) -> Iterator[Row]:
    """Coefficients of 96 settings of SGD, of the same random_state."""
    X, y = rows_of(120, 8)
    X[np.random.default_rng(1).random(X.shape) < 0.5] = 0
    worst = 0.0
    for loss in ("log_loss", "hinge", "squared_error"):
        for penalty in ("l2", "l1", "elasticnet"):
            for schedule in ("optimal", "constant", "invscaling"):
                if loss == "squared_error" and schedule == "optimal":
                    continue  # steps of 5: rounding decides
                for shuffle in (False, True):
                    for rows in (X, sp.csr_matrix(X)):
                        given = {"loss": loss, "penalty": penalty, "alpha": 1e-3, "l1_ratio": 0.3, "eta0": 0.01}
                        given |= {"learning_rate": schedule, "power_t": 0.25, "max_iter": 3, "tol": None}
                        name = "SGDRegressor" if loss == "squared_error" else "SGDClassifier"
                        pair = [
                            getattr(module, name)(**given, shuffle=shuffle, random_state=7).fit(rows, y)
                            for module in (ours, linear_model)
                        ]
                        a, b = (np.r_[one.coef_.ravel(), one.intercept_] for one in pair)
                        worst = max(worst, float(np.abs(a - b).max() / np.abs(b).max()))
    yield "SGD's coefficients over scikit-learn's, 96 settings", worst, "relative", 1e-9, False


def epochs(quick: bool, _: Any) -> Iterator[Row]:
    """Epochs of SGD: those of a fit of six less those of a fit of one."""
    count, rounds = (3_000, 2) if quick else (100_000, 7)
    dense, sparse = rows_of(count), sparse_rows(count)
    asked = [
        ("log loss", "log_loss", "l2", dense, 7.5),
        ("hinge", "hinge", "l2", dense, 9.0),
        ("log loss, l1", "log_loss", "l1", dense, 8.0),
        ("log loss, CSR", "log_loss", "l2", sparse, 3.0),
        ("log loss, l1, CSR", "log_loss", "l1", sparse, 3.0),
    ]
    given: dict[str, Any] = {"learning_rate": "constant", "tol": None, "random_state": 0}

    def work(module: Any, loss: str, penalty: str, data: Any, epochs: int, **more: Any) -> Callable[[], Any]:
        return lambda: module.SGDClassifier(loss=loss, penalty=penalty, max_iter=epochs, **given, **more).fit(*data)

    for name, loss, penalty, data, least in asked:
        works = {
            f"{library} {n}": work(module, loss, penalty, data, n)
            for library, module in (("ours", ours), ("theirs", linear_model))
            for n in (1, 6)
        }
        gs.set_num_threads(1)
        taken = turns(rounds, works)
        epoch = {library: (taken[f"{library} 6"] - taken[f"{library} 1"]) / 5 for library in ("ours", "theirs")}
        yield f"epoch of SGD, {name}", epoch["ours"] * 1e3, "ms", None, False
        yield f"epoch of SGD, {name}: scikit-learn over ours", epoch["theirs"] / epoch["ours"], "x", least, True
    for name, loss in (("log loss", "log_loss"), ("hinge", "hinge")):

        def on(threads: int, n: int, loss: str = loss) -> Callable[[], Any]:
            batches = work(ours, loss, "l2", dense, n, batch_size=1024)

            def fit() -> None:
                gs.set_num_threads(threads)
                batches()

            return fit

        taken = turns(rounds, {f"{t} {n}": on(t, n) for t in (1, 2) for n in (1, 6)})
        one, two = ((taken[f"{t} 6"] - taken[f"{t} 1"]) / 5 for t in (1, 2))
        yield f"batches of 1024, {name}: one thread over two", one / two, "x", 1.7, True
    gs.set_num_threads(1)


def convex(quick: bool, _: Any) -> Iterator[Row]:
    """Fits to convex optima, on one thread."""
    count, rounds = (2_000, 1) if quick else (100_000, 5)
    (X, y), sparse = rows_of(count), sparse_rows(count)
    few = X[: count // 5], y[: count // 5]
    gs.set_num_threads(1)
    asked: list[tuple[str, Any, Any, Any, float | None, float | None]] = [
        ("LogisticRegression, dense", ours.LogisticRegression, linear_model.LogisticRegression, (X, y), 80, 4.5),
        ("LogisticRegression, CSR", ours.LogisticRegression, linear_model.LogisticRegression, sparse, 120, 4.5),
        ("LinearSVC, a fifth of the rows", ours.LinearSVC, svm.LinearSVC, few, 40, None),
        ("Ridge", ours.Ridge, linear_model.Ridge, (X, y.astype(float)), 40, None),
    ]
    for name, mine, theirs, data, most, least in asked:
        taken = turns(rounds, {"ours": lambda: mine().fit(*data), "theirs": lambda: theirs().fit(*data)})  # noqa: B023
        yield name, taken["ours"] * 1e3, "ms", most, False
        yield f"{name}: scikit-learn over ours", taken["theirs"] / taken["ours"], "x", least, True
        if hasattr(mine(), "C") and "CSR" not in name:
            tight = {"tol": 1e-10, "max_iter": 100_000}
            a, b = (_objective(one(**tight).fit(*few), *few) for one in (mine, theirs))
            yield f"{name}: objective over scikit-learn's, both with tol=1e-10", max(0.0, a / b - 1), "", 1e-8, False


def _objective(one: Any, X: Any, y: np.ndarray) -> float:
    z = np.where(y == 1, 1.0, -1.0) * one.decision_function(X)
    is_svm = type(one).__name__ == "LinearSVC"
    losses = np.maximum(0, 1 - z) ** 2 if is_svm else np.logaddexp(0, -z)
    w = np.r_[one.coef_.ravel(), one.intercept_ if is_svm else 0.0]
    return float(one.C * losses.sum() + 0.5 * w @ w)


def many(quick: bool, _: Any) -> Iterator[Row]:
    """Models of one architecture together, one after another, and in scikit-learn's grid."""
    for layers, K, rows, epochs, most, grid in (
        ((20, 64, 32, 2), 32, 2_048, 20, 6.0, 50.0),
        ((784, 256, 128, 64, 10), 8, 3_200, 2, None, None),
    ):
        if quick:
            K, rows, epochs = 4, 128, 1
        rng = np.random.default_rng(2)
        y = rng.integers(0, layers[-1], rows)
        x = rng.standard_normal((layers[-1], layers[0]), np.float32)[y] + rng.standard_normal((rows, layers[0]), "f4")
        hidden = [gs.layers.Dense(n, "relu") for n in layers[1:-1]]
        model = gs.Sequential([gs.Input((layers[0],)), *hidden, gs.layers.Dense(layers[-1], "softmax")], seed=0)
        model.compile("adam", "sparse_categorical_crossentropy")
        steps = epochs * -(-rows // 32)

        def together(model: Any = model, K: int = K, x: Any = x, y: Any = y, n: int = epochs) -> None:
            gs.fit_many(model, K, x, y, seeds=range(K), epochs=n)

        def with_models(model: Any = model, K: int = K, x: Any = x, y: Any = y, n: int = epochs) -> None:
            assert len(gs.fit_many(model, K, x, y, seeds=range(K), epochs=n).models) == K

        def alone(model: Any = model, K: int = K, x: Any = x, y: Any = y, n: int = epochs) -> None:
            for _ in range(K):
                one = gs.models.clone_model(model)
                one.compile_from_config(model.get_compile_config())
                one.fit(x, y, epochs=n, verbose=0)

        def single(model: Any = model, x: Any = x, y: Any = y, n: int = epochs) -> None:
            model.fit(x, y, epochs=n, verbose=0)

        def theirs(layers: Any = layers, x: Any = x, y: Any = y) -> None:
            mlp = neural_network.MLPClassifier(layers[1:-1], batch_size=32, alpha=0.0, max_iter=2, tol=0.0)
            GridSearchCV(mlp, {"learning_rate_init": [1e-4, 1e-3]}, cv=4, refit=False).fit(x, y)

        gs.set_num_threads(2)
        works = {"together": together, "with models": with_models, "alone": alone, "single": single}
        works |= {"grid": theirs} if grid else {}
        taken = turns(1 if quick else 3, works)
        name, each = "-".join(map(str, layers)), taken["together"] / (K * steps)
        yield f"fit_many, {name}, {K} models, two threads", each * 1e6, "us/model-step", most, False
        made = taken["with models"] / (K * steps)
        yield f"{name}: and the models made of the members", made * 1e6, "us/model-step", None, False
        yield (
            f"{name}: single fits in a loop over it",
            taken["alone"] / taken["together"],
            "x",
            2 if most else None,
            True,
        )
        one = taken["single"] / steps
        yield f"{name}: it over a single model's step", each / one, "x", None if most else 0.75, False
        if grid:
            of_grid = taken["grid"] / (8 * 2 * -(-rows * 3 // 4 // 32))
            yield f"{name}: scikit-learn's grid over it", of_grid / each, "x", grid, True


def rates(quick: bool, _: Any) -> Iterator[Row]:
    """Rates of a linear model in one pass, and in a grid of SGD."""
    gs.set_num_threads(1)
    X, y = rows_of(2_000 if quick else 100_000)
    x, sides = X.astype(np.float32), y.astype(np.float32)
    model = gs.Sequential([gs.Input((100,)), gs.layers.Dense(1, "sigmoid")], seed=0)
    for batch in (1, 32, 256):
        model.compile(gs.optimizers.SGD(0.01), "binary_crossentropy")
        given = {"batch_size": batch, "epochs": 2}
        works = {
            "one": lambda: model.fit(x, sides, verbose=0, **given),  # noqa: B023
            "eight": lambda: gs.fit_many(model, 8, x, sides, learning_rate=np.geomspace(1e-4, 1, 8), **given),  # noqa: B023
        }
        taken = turns(1 if quick else 5, works)
        ratio = taken["eight"] / taken["one"]
        yield f"8 rates of a linear model, batches of {batch}, over one", ratio, "x", 1.6, False
    few, classes = rows_of(1_600, 20)
    space = {"alpha": np.geomspace(1e-6, 1e-2, 8).tolist()}

    def base(module: Any) -> Any:
        return module.SGDClassifier(max_iter=20, tol=None, random_state=0)

    works = {
        "ours": lambda: gs.tune.grid(base(ours), space, few, classes, cv=5),
        "theirs": lambda: GridSearchCV(base(linear_model), space, cv=5, refit=False).fit(few, classes),
        "mixed": lambda: GridSearchCV(base(ours), space, cv=5, refit=False).fit(few, classes),
    }
    taken = turns(1 if quick else 3, works)
    yield "tune.grid, 8 settings x 5 folds of SGD, 1600 x 20, 20 epochs", taken["ours"] * 1e3, "ms", 25, False
    yield "GridSearchCV over scikit-learn's, over it", taken["theirs"] / taken["ours"], "x", None, True
    yield "GridSearchCV over ours", taken["mixed"] * 1e3, "ms", None, False


def halving(quick: bool, _: Any) -> Iterator[Row]:
    """27 settings of a small network: steps over those of a grid, and whether the winner is the grid's."""
    rng, seeds = np.random.default_rng(0), 2 if quick else 10
    x = rng.normal(size=(130, 4)).astype("float32")
    y = np.sin(x @ [1.0, -1.0, 0.5, 0.2]) + 0.1 * rng.normal(size=130)
    space = {"rate": [0.001, 0.01, 0.1], "momentum": [0.0, 0.5, 0.9], "decay": [0.0, 0.01, 0.1]}

    def build(rate: float, momentum: float, decay: float) -> Any:
        hidden = gs.layers.Dense(8, "tanh", kernel_regularizer=gs.regularizers.L2(decay))
        model = gs.Sequential([gs.Input((4,)), hidden, gs.layers.Dense(1)])
        model.compile(gs.optimizers.SGD(rate, momentum), "mse", metrics=["mse"])
        return model

    given: dict[str, Any] = {"epochs": 27, "cv": 2, "batch_size": 16, "metric": "mse"}
    hits, share = 0, 0.0
    for seed in range(seeds):
        whole = gs.tune.grid(build, space, x, y, seeds=[seed], **given)
        rungs = gs.tune.halving(build, space, x, y, seeds=[seed], **given)
        hits += whole.best_index_ == rungs.best_index_
        share = max(share, (rungs.steps or 0) / (whole.steps or 1))
    yield "halving of 27 settings: steps over the grid's", share, "", 0.25, False
    yield f"and the grid's winner, of {seeds} seeds", hits, "", 0.8 * seeds, True


def reviews(quick: bool, archive: str | None) -> Iterator[Row]:
    """The example of movie reviews, from raw text to test accuracy, run in a separate process."""
    if archive is None:
        return
    script = Path(__file__).parent.parent / "examples" / "sparse_text.py"
    command = [sys.executable, str(script), archive]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    matrix, best = (float(re.search(pattern, said)[1]) for pattern in ("to matrix: ([0-9.]+)", "accuracy ([0-9.]+)"))
    fit = float(re.search(r"SGDClassifier: accuracy [0-9.]+, ([0-9.]+) s", said)[1])
    yield "movie reviews: test accuracy of SGDClassifier", best, "", 0.84, True
    yield "movie reviews: from raw text to that", matrix + fit, "s", 3, False
    yield (
        "movie reviews: a network's test accuracy",
        float(re.search(r"network: accuracy ([0-9.]+)", said)[1]),
        "",
        0.84,
        True,
    )


MEMORY = """
import sys, numpy as np, gradstep as gs
x = np.memmap(sys.argv[1], np.float32, "r", shape=(int(sys.argv[2]), 1024))
y = np.zeros(len(x), np.float32)
model = gs.Sequential([gs.Input((1024,)), gs.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, y, batch_size=1024, shuffle="blocks", verbose=0)
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def memory(quick: bool, _: Any) -> Iterator[Row]:
    """The peak of a process that fits over a memmap, its modules and the pages of the file that it holds included."""
    rows = 4_096 if quick else 2**20
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.bin"
        with path.open("wb") as file:
            file.truncate(rows * 4096)
        command = [sys.executable, "-c", MEMORY, str(path), str(rows)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    yield "peak memory of a process that fits over a memmap of 4 GB", int(said) / 1024, "MB", 300, False


PARTS: dict[str, Callable[[bool, Any], Iterator[Row]]] = {
    part.__name__: part for part in (checks, same, epochs, convex, many, rates, halving, reviews, memory)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all by default")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--reviews")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if any(pin in os.environ for pin in PINS):
        environment = {name: value for name, value in os.environ.items() if name not in PINS}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # the library has read them by now
    warnings.simplefilter("ignore")  # few epochs
    table = []
    print("| figure | measured | asked |\n|---|---:|---:|", flush=True)
    with threadpool_limits(1):
        for name in arguments.parts or PARTS:
            for title, value, unit, asked, larger in PARTS[name](arguments.quick, arguments.reviews):
                met = asked is None or (value >= asked if larger else value <= asked)
                wanted = "" if asked is None else f"{'>=' if larger else '<='} {asked:g}"
                shown = f"{value:.3g} {unit}".strip()
                print(f"| {title} | {shown if met else f'**{shown}**'} | {wanted} |", flush=True)
                table.append({"figure": title, "value": value, "unit": unit, "asked": wanted, "met": met})
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
