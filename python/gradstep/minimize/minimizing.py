"""`minimize`: arguments, the choice of the method, the result."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from ..checks import check_bool, describe
from ..hints import names_arguments
from ..seeds import key_of
from .arguments import Arguments, default_method, derivative, limits_of, map_of, optional, rules_of
from .checking import check_grad as compare
from .diagnosis import Diagnosis, diagnose
from .ending import Best, Ending, ending
from .loop import Rules, callback_of, run
from .methods.base import Method, free, largest
from .methods.minibatch import with_data, without_data
from .methods.registry import is_name, method_of
from .objectives.batches import BatchObjective, data_of
from .objectives.bounds import Bounds
from .objectives.compiled import machine_code
from .objectives.layout import Layout
from .objectives.objective import Objective
from .objectives.residuals import Residuals
from .point import Point
from .record import Record
from .result import OptimizeResult
from .stop import STATUS, Stop

__all__ = ["minimize"]


@names_arguments
def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    jac: Any = None,
    method: Any = None,
    *,
    hess: Callable[..., Any] | None = None,
    hessp: Callable[..., Any] | None = None,
    residual: bool = False,
    bounds: Any = None,
    seed: int | None = None,
    learning_rate: Any = None,
    line_search: str | None = None,
    tol: float | None = None,
    gtol: float | None = None,
    ftol: float = 0.0,
    xtol: float = 0.0,
    target: float | None = None,
    maxiter: int | None = None,
    maxfev: int | None = None,
    maxtime: float | None = None,
    patience: int | None = None,
    callback: Callable[..., Any] | None = None,
    batched: bool = False,
    workers: Any = None,
    data: Any = None,
    batch_size: int | str | None = None,
    epochs: int | None = None,
    return_path: bool = False,
    check_grad: bool = False,
    options: dict[str, Any] | None = None,
) -> OptimizeResult:
    """Minimize a function of one or more variables.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) -> float``, x in the structure of `x0`; a copy, which may be written. Or machine code, which is
        called without Python: a Numba ``cfunc``, SciPy's ``LowLevelCallable``, a function pointer of ctypes or cffi, or
        Cython's capsule of ``double f(intptr n, const double *x, double *grad_or_NULL, void *user)``, or the same with
        float. It writes the gradient unless that pointer is null, so ``jac=True`` goes without saying. With `data`,
        ``fun(x, *rows, *args) -> (value, gradient)``: the mean loss of these rows.
    x0 : float, array_like, or list, tuple or dict of arrays
        The start. Arrays of float32 or float64, of any shapes; it is not changed.
    args : tuple
        Further arguments of fun, jac, hess and hessp.
    jac : callable, True, "2-point", "3-point" or "cs"
        The gradient, ``jac(x, *args)`` in the structure of `x0`; True if `fun` gives a pair of value and gradient; or
        how it is found by finite differences, ``"cs"`` with complex steps; by default ``"2-point"``, and ``"3-point"``
        from where that is too rough.
    method : str, Optimizer or a method's object
        See Notes. By default ``"levenberg-marquardt"`` for residuals, ``"l-bfgs-b"`` with bounds, ``"trust-exact"``
        with `hess`, ``"trust-ncg"`` with `hessp`, ``"bfgs"`` up to 200 variables, ``"l-bfgs"`` beyond.
    hess, hessp : callable
        The Hessian, ``hess(x, *args)`` of shape (n, n), an array, or a sparse matrix or LinearOperator of SciPy; or its
        products, ``hessp(x, p, *args)``.
    residual : bool, default False
        Whether `fun` gives residuals, shape (m,), half of whose sum of squares is minimized, and `jac` their Jacobian,
        shape (m, n); the option ``loss`` (``"huber"``, ``"soft_l1"``, ``"cauchy"``) and its ``loss_scale`` make large
        ones count less.
    bounds : sequence of pairs, or an object with ``lb`` and ``ub``
        Lower and upper bound of each variable, None where there is none. A pair (lower, upper) for an x0 that is no
        vector: numbers, None, or the structure of `x0`. A start outside is moved onto them.
    seed : int, optional
        Of methods that draw random numbers: the same seed, the same path.
    learning_rate : float or LearningRateSchedule, optional
        Of first-order methods.
    line_search : {"armijo", "strong-wolfe", "barzilai-borwein"}, optional
        Of first-order methods, in place of taking their steps as they are.
    tol : float, optional
        Sets `gtol`, or for methods without gradients `ftol` and `xtol`.
    gtol : float, optional
        Solved where no component of the gradient is larger. By default 1e-6; 1e-10 for methods of residuals, which they
        reach an iteration or two later.
    ftol : float, default 0
        Stop where an iteration changes f by no more, relative to the larger of ``|f|`` and 1; 0 for never.
    xtol : float, default 0
        Stop where an iteration changes x by no more, relative to the larger of its length and 1; 0 for never.
    target : float, optional
        Stop at a value this low.
    maxiter, maxfev : int, optional
        At most so many iterations, by default max(10,000, 200 n); and calls of `fun`.
    maxtime : float, optional
        Stop after so many seconds.
    patience : int, optional
        Stop where so many iterations in a row found no lower value.
    callback : callable, optional
        ``callback(xk)``, or ``callback(intermediate_result)`` by that name, after each iteration; True or
        StopIteration end the run.
    batched : bool, default False
        Whether `fun` takes many points, shape (P, n), and gives as many values, (P,): for populations.
    workers : int or callable, optional
        So many threads, or a map such as ``pool.map``, evaluate the points of a population or of finite differences.
        Threads call machine code at the same time; functions of Python take turns, except in what releases the GIL.
    data : array or tuple of arrays, optional
        Arrays, or SciPy sparse matrices, of the same number of rows, over which `fun` is a mean. Optimizers, ``"svrg"``
        and ``"sarah"`` step after each batch of rows, others after all rows. See Notes.
    batch_size : int or "full", optional
        Rows of a batch, by default 32; "full" is all of them.
    epochs : int, optional
        At most so many passes over `data`, by default 100 for methods that take batches; the `maxiter` of others.
    return_path : bool
        Whether ``res.path`` and ``res.path_fun`` keep every point.
    check_grad : bool, default False
        Whether the gradient is compared with differences of `fun` first; if they differ, ValueError names the worst
        component.
    options : dict, optional
        Arguments of the method, such as ``{"m": 20}``, and SciPy's options by their names.

    Returns
    -------
    OptimizeResult
        x, fun, jac, nit, nfev, success, reason, message, ... `x` is the best point that was seen.

    Raises
    ------
    TypeError, ValueError
        An argument is not as said above, or fun or jac gives something else than a number or a gradient.

    Notes
    -----
    ``"gd"`` (without a learning rate by the steps of Barzilai and Borwein), ``"momentum"``, ``"nesterov"`` and every
    optimizer of the package, by name (``"adam"``) or as an object, go along the gradient. ``"cg"``, ``"bfgs"`` and
    ``"l-bfgs"`` search along directions that they learn from gradients.

    ``"cma-es"``, ``"differential-evolution"``, ``"ga"``, ``"openai-es"`` and ``"simulated-annealing"`` compare values
    only. `gradstep.minimizers` has all methods as classes, `minimizers.Sequence` of several and `multistart`.

    A run never ends silently: ``res.reason`` is a word, ``res.message`` a sentence with numbers. ``success`` is True
    only if the gradient is small, or what is left is below rounding, or `target` or the callback said so. Exceptions of
    `fun` pass through. Ctrl-C ends the run with the best point so far.

    ``"trust-exact"`` (or ``"newton"``), ``"trust-ncg"`` and ``"newton-cg"`` use second derivatives, given or from
    differences of the gradient. ``"levenberg-marquardt"``, ``"gauss-newton"`` and ``"natural-gradient"`` are of
    residuals. ``"owl-qn"`` adds its option ``l1`` times the sum of magnitudes, with exact zeros.

    With `data`, batches come as in `Model.fit`: in a new order each epoch, which follows from `seed` and the number of
    the epoch; what `fun` gets are copies. An iteration is an epoch, after which value and gradient over all rows are
    computed, in calls of at most 4,096 rows: by them stops are decided, and `res.x` is the end of the best epoch.
    ``res.history["loss"]`` has the mean of the batches as they went by, what `fit` calls loss.

    Examples
    --------
    >>> import numpy as np, gradstep as gs
    >>> res = gs.minimize(lambda x: 3 * x**2 - 2 * x - 3, 8.0, jac=lambda x: 6 * x - 2, method="gd",
    ...                   learning_rate=0.001, xtol=1e-5, maxiter=500)
    >>> res.success, res.reason
    (False, 'maxiter')
    >>> print(res.message.split(". ")[0])
    maxiter = 500 iterations are used up: the largest gradient component is 2.3; gtol is 1e-06
    >>> def rosenbrock(x):
    ...     a, b = 1 - x[0], x[1] - x[0] ** 2
    ...     return a * a + 100 * b * b, np.array([-2 * a - 400 * x[0] * b, 200 * b])
    >>> res = gs.minimize(rosenbrock, [-1.2, 1], jac=True, method="l-bfgs")
    >>> res.x.round(6), res.success
    (array([1., 1.]), True)
    """
    if isinstance(jac, str) and is_name(jac):
        raise TypeError(f"jac={jac!r} is a method: by position jac comes before method; give both by name.")
    layout = Layout(x0)
    code = machine_code(fun)
    if code is not None:
        fun, jac = code, _checked_code(code, jac, args, residual, layout)
    if not callable(fun):
        raise TypeError(f"fun must be callable; got {describe(fun)}.")
    merged = Arguments(
        options, gtol=gtol, ftol=ftol, xtol=xtol, maxiter=maxiter, maxfev=maxfev, return_path=return_path
    )
    first_order = {
        name: value
        for name, value in (("learning_rate", learning_rate), ("line_search", line_search))
        if value is not None
    }
    limits = limits_of(merged["maxfev"], maxtime, target)
    box = Bounds.of(bounds, layout)
    squares = check_bool("residual", residual)
    if method is None:
        method = default_method(squares, box, hess, hessp, layout.size)
    if squares:
        merged.of_loss = {name: merged.rest.pop(name) for name in ("loss", "loss_scale") if name in merged.rest}
    chosen = method_of(method, merged.rest, first_order)
    rows = data_of(data) if data is not None else None
    if rows is None:
        without_data(chosen, batch_size=batch_size, epochs=epochs)
    else:
        other = {"hess": hess, "hessp": hessp, "workers": workers, "batched": batched, "residual": residual}
        chosen = with_data(chosen, batch_size, {name: value for name, value in other.items() if value})
        merged.take_epochs(epochs)
    if box is not None and not chosen.takes_bounds:
        raise ValueError(f'method "{chosen.name}" takes no bounds; "l-bfgs-b" and first-order methods do.')
    if chosen.needs == "residual" and not residual:
        raise ValueError(f'method "{chosen.name}" needs residual=True, and a fun that gives the residuals.')
    if check_bool("batched", batched) and (chosen.needs != "value" or not layout.is_vector):
        raise ValueError("batched=True is for methods of populations, and an x0 that is a vector.")
    mapped, pool, threads = map_of(workers, code is not None)
    common: dict[str, Any] = {
        "hess": optional("hess", hess),
        "hessp": optional("hessp", hessp),
        "args": args if isinstance(args, tuple) else (args,),
        "bounds": box,
        "limits": limits,
        "step": merged.step,
        "mapped": mapped,
        "threads": threads,
        "batched": batched,
    }
    objective: Objective
    if rows is not None:
        objective = BatchObjective(fun, jac, layout, rows, batch_size, **common)
    else:
        kind = Residuals if residual else Objective
        objective = kind(fun, derivative(jac), layout, **merged.of_loss, **common)
        objective.refines = (jac is None or jac is False) and merged.step is None
    if seed is not None:
        key_of(seed)
    rules = rules_of(merged, chosen, layout.size, tol, patience)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable; got {describe(callback)}.")
    chosen._rules = rules
    record = Record(check_bool("return_path", merged["return_path"]), limits.begin)
    if check_bool("check_grad", check_grad) and not objective.is_differences and not residual:
        sample = objective.first_rows() if isinstance(objective, BatchObjective) else ()
        checked = compare(fun, objective.jac, layout.restore(layout.x0), (*sample, *objective.args))
        if not checked.success:
            raise ValueError(checked.message)
    try:
        result = _run(objective, chosen, rules, record, callback, seed)
    finally:
        if pool is not None:
            pool.shutdown()
    if merged.disp:
        print(result.message)
    return result


def _checked_code(code: Any, jac: Any, args: Any, residual: Any, layout: Layout) -> bool:
    """Whether fun in machine code fits the other arguments; its gradient comes with its value."""
    if jac not in (None, True):
        raise TypeError(
            f"jac must be True or left out: fun in machine code fills in the gradient; got {describe(jac)}."
        )
    if args or residual:
        raise TypeError(
            "fun in machine code takes no args, and gives no residuals: its last argument points to its data."
        )
    if not layout.is_array:
        raise TypeError("x0 must be one array where fun is machine code.")
    if code.is_single and layout.dtype != np.float32:
        raise TypeError(f"x0 must have dtype float32 where fun takes float; got {layout.dtype}.")
    return True


def _run(
    objective: Objective, method: Method, rules: Rules, record: Record, callback: Any, seed: int | None
) -> OptimizeResult:
    layout = objective.layout

    def describe_point(point: Point, n: int) -> OptimizeResult:
        return OptimizeResult(x=layout.restore(point.x), fun=point.f, nit=n, nfev=objective.nfev, njev=objective.njev)

    called = callback_of(callback, describe_point, layout.restore)
    method._prepare(objective)
    x = objective.bounds.clip(layout.x0) if objective.bounds is not None else layout.x0
    try:
        try:
            point = Point(x, objective.value(x))
            if not math.isfinite(point.f):
                objective.best_x, objective.best_f = x, point.f
                raise Stop("nan", f"the start is not finite: fun(x0) is {point.f}")
            if method.needs != "value":
                point.g = objective.gradient(x)
                wrong = np.flatnonzero(~np.isfinite(point.g))
                if len(wrong):
                    name = layout.name(int(wrong[0])).replace("x0", "jac(x0)", 1)
                    raise Stop("nan", f"the start is not finite: {name} is {point.g[wrong[0]]}")
        except Stop as stop:
            end = stop
        except KeyboardInterrupt:
            end = Stop("interrupted")
        else:
            end, point = run(objective, method, point, rules, record, called, seed)
    except Exception as error:
        if objective.best_f < math.inf and hasattr(error, "add_note"):
            error.add_note(
                f"gradstep.minimize: the best value until then was {objective.best_f:.17g}, after {objective.nfev} "
                f"calls of fun, at x = {layout.restore(objective.best_x)!r}"
            )
        raise
    return _result(objective, method, rules, record, end, point if len(record) else Point(x, objective.best_f))


def _status(stop: Stop, success: bool) -> int:
    if success and stop.reason != "callback":
        return 0
    return STATUS[stop.reason] or STATUS["stalled"]


def _result(
    objective: Objective, method: Method, rules: Rules, record: Record, stop: Stop, point: Point
) -> OptimizeResult:
    layout, x, f = objective.layout, objective.best_x, objective.best_f
    if stop.reason in ("maxfev", "maxtime") and method._settled is not None and method._settled_at <= f:
        # The lowest point is where a run had converged; those that followed it have spent the rest.
        stop = Stop(method._settled.reason, f"{method._settled.detail}, and {stop.reason} is used up since")
    # As low, to rounding: the point with the small gradient.
    if stop.reason == "gtol" and point.f <= f + 1e-10 * abs(f):
        x, f = point.x, point.f
    g = point.g if point.x is x else objective.best_g
    if g is None and method.needs != "value" and stop.reason not in ("maxfev", "maxtime", "interrupted", "nan"):
        g = objective.gradient(x)
    if g is None:
        gnorm = math.nan
    elif len(record):
        gnorm = method._optimality(point if stop.reason == "gtol" else Point(x, f, g))
    else:  # the run ended before the method began, which knows nothing of it
        gnorm = largest(free(objective, x, g))
    n = max(len(record) - 1, 0)
    best, first = (
        Best(x, f, None if g is None else free(objective, x, g), gnorm),
        float(record.fun[0]) if len(record) else f,
    )
    found = ending(stop, best, objective, n, rules.gtol, first)
    seen = Diagnosis()
    if len(record) or stop.reason == "nan":
        with suppress(Stop):  # a limit came first
            seen = diagnose(stop, found.success, objective, method, record, x, g)
    if found.success and "plateau" in seen.sentences:
        found = Ending(False, f"after {n} iterations {seen.sentences['plateau']}")
    if "saddle" in seen.sentences:
        found = Ending(False, f"after {n} iterations the gradient is small, but {seen.sentences['saddle']}")
    sentences = [
        found.message,
        *(method._sentences() if len(record) else ()),
        *objective.sentences(method.needs != "value"),
    ]
    result = OptimizeResult(
        x=layout.restore(x),
        fun=f,
        success=found.success,
        status=_status(stop, found.success),
        reason=stop.reason,
        message=" ".join(sentences),
        nit=n,
        nfev=objective.nfev,
        njev=objective.njev,
        nhev=objective.nhev,
    )
    if g is not None:
        result.jac = layout.restore(g)
    if len(record):
        result.update(method._extras(point))
        result.update(objective.extras(x))
    if seen.escape is not None:
        result.escape = layout.restore(seen.escape)
    result.diagnosis = seen.sentences
    result.history = record.history() | (method._history() if len(record) else {})
    if record.points is not None:
        result.path = [layout.restore(one) for one in record.points]
        result.path_fun = result.history["fun"].copy()
    return result
