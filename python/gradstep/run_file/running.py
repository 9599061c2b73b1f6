"""Train, evaluate and predict by a run file."""

from __future__ import annotations

import csv
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import callbacks, saving, utils
from ..console import show
from ..models import Sequential
from .building import callbacks_of, compile_model, loss_of, model_of, target_kind
from .preparation import SCALERS, Feature, Preparation, Target
from .section import RunFileError, Section, read
from .source import Table, array, table

__all__ = ["evaluate", "predict", "train"]

MODEL, PREPARATION, UNFINISHED, BACKUP = "model.gradstep", "preparation.json", "training.unfinished", "backup"
MISSING = ("error", "drop", "mean", "median")


@dataclass
class Rows:
    """Inputs and targets of a run, divided; None where a share is 0."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray] | None
    test: tuple[np.ndarray, np.ndarray] | None


class Run:
    """A run file, read and checked as far as it can be without its data."""

    def __init__(self, path: str) -> None:
        self.root = read(path)
        self.home = os.path.dirname(os.path.abspath(path))
        self.data, self.model = self.root.table("data"), self.root.table("model")
        self.compile, self.fit = self.root.table("compile"), self.root.table("fit", required=False)
        self.callbacks = self.root.tables("callbacks", required=False)
        output = self.root.table("output", required=False)
        stem = os.path.splitext(os.path.basename(path))[0]
        self.folder = os.path.join(self.home, output.text("folder", "the name of a folder", f"{stem}-output"))
        output.done()
        self.root.done()
        self.seed = self.fit.integer("seed", 0, 0)

    def path(self, name: str) -> str:
        """A file of the output folder."""
        return os.path.join(self.folder, name)

    def input(self, key: str, expected: str) -> str:
        """A file of [data], which lies beside the run file if its path is relative."""
        path = os.path.join(self.home, os.path.expanduser(self.data.text(key, expected)))
        if not os.path.isfile(path):
            self.data.error(key, f"must be a file; there is none at {path}.")
        return path

    def identity(self) -> dict[str, Any]:
        """What must stay the same for a training to be resumed."""
        return {"data": self.data.values, "model": self.model.values, "compile": self.compile.values}


def _delimiter(section: Section) -> str:
    found = str(section.text("delimiter", "one character", ","))
    if len(found) != 1:
        section.error("delimiter", f"must be one character; got {found!r}.")
    return found


def _table(run: Run, path: str) -> Table:
    header = run.data.any("header", (bool,), "true or false", None)
    return table(path, _delimiter(run.data), header)


def _split(run: Run, classes: np.ndarray | None, rows: int) -> list[np.ndarray]:
    """Row numbers for training, validation and test."""
    split = run.data.table("split", required=False)
    shares = [split.share("validation", 0.15), split.share("test", 0.15)]
    seed, stratify = split.integer("seed", 0, 0), split.flag("stratify", classes is not None)
    split.done()
    if sum(shares) >= 1:
        split.error("test", f"and validation must leave rows to train on; they sum to {sum(shares):g}.")
    if stratify and classes is None:
        split.error("stratify", "is for targets that are classes.")
    used = [1 - sum(shares), *(share for share in shares if share)]
    numbers = np.arange(rows)
    try:
        parts = utils.split(numbers, numbers, used, stratify=classes if stratify else None, seed=seed)
    except ValueError as error:
        split.error(None, f"cannot be made: {error}")
    found = iter(part for part, _ in parts)
    return [next(found) if share else np.zeros(0, int) for share in (1, *shares)]


def _from_table(run: Run, kind: str) -> tuple[Rows, Preparation]:
    """Rows of a CSV file."""
    data = run.data
    path = run.input("file", "a CSV, npy or npz file")
    target = data.any("target", (str, int), "the name of a column, or its number from 1")
    features, ignored, words = data.columns("features"), data.columns("ignore") or [], data.columns("categories") or []
    missing = data.choice("missing", MISSING, "error")
    scaling = data.choice("scaling", list(SCALERS), "standard")
    target_scaling = data.choice("target_scaling", list(SCALERS), "none")
    cells = _table(run, path)

    def index(key: str, column: str | int) -> int:
        try:
            return cells.index(column)
        except ValueError as error:
            data.error(key, str(error))

    goal = index("target", target)
    left_out = {goal, *(index("ignore", column) for column in ignored)}
    chosen = range(len(cells.names)) if features is None else [index("features", column) for column in features]
    if features is not None and goal in chosen:
        data.error("features", f"must not hold the target, {cells.names[goal]!r}.")
    worded = {index("categories", column) for column in words}
    if target_scaling != "none" and kind != "number":
        data.error("target_scaling", "is for targets that are numbers; the loss takes classes.")
    columns = [i for i in chosen if i not in left_out]
    if not columns:
        data.error("features" if features is not None else None, "leaves no column to learn from.")
    prepared = Preparation(
        [Feature(cells.names[i], [] if i in worded else None) for i in columns],
        Target(cells.names[goal], kind),
        cells.has_header,
    )
    if missing == "drop":
        cells = _without_gaps(cells, [*columns, goal])
    classes = None if kind == "number" else np.array(cells.cells(goal))
    parts = _split(run, classes, len(cells.rows))
    data.done()
    prepared.fit(cells, parts[0], missing, scaling, target_scaling)
    if kind == "two classes" and len(prepared.target.values) != 2:
        found = ", ".join(prepared.target.values[:8])
        data.error("target", f"must have two classes for this loss; {prepared.target.column!r} has {found}.")
    x, unknown = prepared.inputs(cells)
    y = prepared.targets(cells)
    if unknown:
        show(f"{unknown} rows have words that no training row has; they count as none of the known ones")
    divided = [(x[part], y[part]) if part.size else None for part in parts]
    assert divided[0] is not None
    return Rows(divided[0], divided[1], divided[2]), prepared


def _without_gaps(cells: Table, columns: list[int]) -> Table:
    """The rows that have a value in every one of these columns."""
    whole = np.array([all(column) for column in zip(*(cells.cells(i) for i in columns), strict=True)])
    if not whole.any():
        raise ValueError(f'{cells.file} has no row without a gap: missing = "drop" leaves none.')
    if not whole.all():
        show(f"{int((~whole).sum())} of {len(whole)} rows have gaps and are left out")
    kept = np.flatnonzero(whole)
    return Table(
        cells.file, cells.names, cells.has_header, [cells.rows[i] for i in kept], [cells.lines[i] for i in kept]
    )


def _from_arrays(run: Run, kind: str) -> tuple[Rows, Preparation]:
    """Rows of an npz file with x and y, or of two npy files."""
    data = run.data
    if data.has("file"):
        found = array(run.input("file", "an npz file"), ("x", "y"))
        x, y = found["x"], found["y"]
    else:
        x = array(run.input("x", "an npy file"))["x"]
        y = array(run.input("y", "an npy file"))["x"]
    if len(x) != len(y):
        data.error(None, f"x and y must have the same number of rows; they have {len(x)} and {len(y)}.")
    parts = _split(run, None if kind == "number" else np.asarray(y).reshape(len(y), -1)[:, 0], len(x))
    data.done()
    divided = [(x[part], y[part]) if part.size else None for part in parts]
    assert divided[0] is not None
    return Rows(divided[0], divided[1], divided[2]), Preparation([], Target("y", kind), False)


def _is_table(run: Run) -> bool:
    """Whether the data are a CSV file, and not arrays."""
    if run.data.has("x") or run.data.has("y"):
        return False
    return not str(run.data.text("file", "a CSV, npy or npz file")).lower().endswith((".npz", ".npy"))


def _data(run: Run, kind: str) -> tuple[Rows, Preparation]:
    return _from_table(run, kind) if _is_table(run) else _from_arrays(run, kind)


def _check_output(run: Run, model: Sequential, prepared: Preparation) -> None:
    """That the last layer fits the target."""
    expected = {"two classes": 1, "number": 1}.get(prepared.target.kind, len(prepared.target.values))
    units = model.output_shape[-1]
    if prepared.features and units != expected:
        last = run.model.tables("layers")[-1]
        why = "one for each class" if expected > 1 else "for one number"
        last.error(None, f"is the last layer and must have {expected} outputs, {why}; it has {units}.")


def train(path: str, resume: bool = False, restart: bool = False) -> None:
    """Train the model of a run file, and save it with all that `predict` needs."""
    run = Run(path)
    loss = loss_of(run.compile)
    rows, prepared = _data(run, target_kind(loss))
    utils.set_random_seed(run.seed)
    model = model_of(run.model, rows.train[0].shape[1:], prepared)
    _check_output(run, model, prepared)
    compile_model(run.compile, model, loss)
    epochs = run.fit.integer("epochs", 1, 10)
    batch = run.fit.integer("batch_size", 1, 32)
    run.fit.done()
    extra = callbacks_of(run.callbacks, run.folder)
    _begin(run, prepared, resume, restart)

    counts = [len(part[0]) if part is not None else 0 for part in (rows.train, rows.validation, rows.test)]
    show(f"{counts[0]} rows to train on, {counts[1]} to validate, {counts[2]} to test")
    model.summary()
    backup = callbacks.BackupAndRestore(run.path(BACKUP), delete_checkpoint=False)
    log = callbacks.CSVLogger(run.path("history.csv"), append=resume)
    history = model.fit(
        *rows.train,
        batch_size=batch,
        epochs=epochs,
        validation_data=rows.validation,
        callbacks=[log, *extra, backup],
        seed=run.seed,
    )
    if resume:
        _once_an_epoch(run.path("history.csv"))
    model.save(run.path(MODEL))
    os.unlink(run.path(UNFINISHED))
    scores = {} if rows.test is None else _scores(model, rows.test, prepared)
    if scores:
        show("test: " + ", ".join(f"{name} {value:.4g}" for name, value in scores.items()))
        with open(run.path("scores.json"), "w", encoding="utf-8") as file:
            json.dump(scores, file, indent=1)
    show(f"model: {run.path(MODEL)}")
    if history.epoch:
        try:
            history.plot(run.path("curves.png"))
        except ImportError as error:
            show(error)
        else:
            show(f"curves: {run.path('curves.png')}")


def _begin(run: Run, prepared: Preparation, resume: bool, restart: bool) -> None:
    """Make the output folder ready; refuse to lose an unfinished training, or to resume another one."""
    notes = run.path(PREPARATION)
    unfinished = os.path.isfile(run.path(UNFINISHED))
    if resume:
        if not os.path.isfile(notes) or not os.path.isdir(run.path(BACKUP)):
            raise ValueError(f"there is no training to resume in {run.folder}; leave out --resume.")
        with open(notes, encoding="utf-8") as file:
            before = json.load(file)["run"]
        for key, value in run.identity().items():
            if value != before[key]:
                raise RunFileError(
                    f"{run.root.file}: [{key}] has changed since the training that is to be resumed. Put it back, or "
                    "begin anew with --restart."
                )
    elif unfinished and not restart:
        raise ValueError(
            f"an unfinished training lies in {run.folder}: go on with it by --resume, or begin anew by --restart."
        )
    else:
        with suppress(FileNotFoundError):
            shutil.rmtree(run.path(BACKUP))
    os.makedirs(run.folder, exist_ok=True)
    with open(notes, "w", encoding="utf-8") as file:
        json.dump({"run": run.identity(), "preparation": prepared.to_dict()}, file, indent=1)
    with open(run.path(UNFINISHED), "w", encoding="utf-8"):
        pass


def _once_an_epoch(path: str) -> None:
    """Keep the later line of an epoch that was logged, but not yet in the backup, when a training was interrupted."""
    with open(path, encoding="utf-8") as file:
        header, *lines = file.read().splitlines()
    by_epoch = {line.partition(",")[0]: line for line in lines}
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([header, *by_epoch.values()]) + "\n")


def _scores(model: Any, rows: tuple[np.ndarray, np.ndarray], prepared: Preparation) -> dict[str, float]:
    """Loss and metrics; of scaled targets the mean error in their own unit too."""
    found = model.evaluate(*rows, verbose=0, return_dict=True)
    scores = {name: float(value) for name, value in found.items()}
    if prepared.target.kind == "number" and prepared.target.scale != 1:
        outputs = model.predict(rows[0], verbose=0).reshape(-1)
        off = np.abs(outputs - np.asarray(rows[1]).reshape(-1)).mean()
        scores[f"mean error of {prepared.target.column}"] = float(off * prepared.target.scale)
    return scores


def _trained(run: Run) -> tuple[Any, Preparation]:
    """The model that `train` saved, and how its rows are made."""
    if not os.path.isfile(run.path(MODEL)):
        raise FileNotFoundError(f"there is no trained model in {run.folder}; run `gradstep train` first.")
    with open(run.path(PREPARATION), encoding="utf-8") as file:
        prepared = Preparation.from_dict(json.load(file)["preparation"])
    return saving.load_model(run.path(MODEL)), prepared


def _inputs(run: Run, prepared: Preparation, path: str) -> tuple[np.ndarray, Table | None]:
    """Rows of another file; the target's column may be missing there."""
    if not prepared.features:
        return array(path)["x"], None
    cells = _table(run, path)
    if not prepared.has_header and not cells.has_header:
        known = [int(feature.column.removeprefix("column ")) for feature in prepared.features]
        goal = int(prepared.target.column.removeprefix("column "))
        if len(cells.names) == max(*known, goal) - 1:  # without the target: what stands behind it moves up
            names = [f"column {i + (i >= goal)}" for i in range(1, len(cells.names) + 1)]
            cells = Table(cells.file, names, False, cells.rows, cells.lines)
    x, unknown = prepared.inputs(cells)
    if unknown:
        show(f"{unknown} rows have words that training had not; they count as none of the known ones")
    return x, cells


def evaluate(path: str, data: str | None = None) -> dict[str, float]:
    """Score the trained model on the test rows of the run file, or on another file; prints and gives the scores."""
    run = Run(path)
    model, prepared = _trained(run)
    if data is None:
        rows, _ = _data(run, prepared.target.kind)
        if rows.test is None:
            raise ValueError("the run file leaves no rows to test on; give a file with --data.")
        given = rows.test
    elif prepared.features:
        x, cells = _inputs(run, prepared, data)
        assert cells is not None
        given = x, prepared.targets(cells)
    else:
        found = array(data, ("x", "y"))
        given = found["x"], found["y"]
    scores = _scores(model, given, prepared)
    show(f"{len(given[0])} rows: " + ", ".join(f"{name} {value:.4g}" for name, value in scores.items()))
    return scores


def predict(path: str, data: str, output: str | None = None) -> None:
    """Write what the trained model says of the rows of a file, as CSV; to standard output without `output`."""
    run = Run(path)
    model, prepared = _trained(run)
    x, _ = _inputs(run, prepared, data)
    names, rows = prepared.answers(np.asarray(model.predict(x, verbose=0)))
    if output is None:
        for row in [names, *rows]:
            show(",".join(f'"{cell}"' if "," in cell else cell for cell in row))
        return
    with open(output, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    show(f"{len(rows)} predictions: {output}")
