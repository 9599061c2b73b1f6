"""Functions in machine code: the same runs as with the function in Python, and clear refusals."""

from __future__ import annotations

import ctypes
import signal
import threading
import time

import gradstep as gs
import numpy as np
import pytest

C = ctypes
REAL = C.POINTER(C.c_double)
SINGLE = C.POINTER(C.c_float)
DOUBLE_CODE = C.CFUNCTYPE(C.c_double, C.c_ssize_t, REAL, REAL, C.c_void_p)
FLOAT_CODE = C.CFUNCTYPE(C.c_float, C.c_ssize_t, SINGLE, SINGLE, C.c_void_p)
START = [-1.2, 1.0]
NAMES = []
NAME = b"double (Py_ssize_t, double const *, double *, void *)"


def pair(x):
    a, b = 1 - x[0], x[1] - x[0] * x[0]
    return a * a + 100 * b * b, np.array([-2 * a - 400 * x[0] * b, 200 * b], x.dtype)


def written(n, x, g, user):
    value, slopes = pair(np.ctypeslib.as_array(x, (n,)))
    if g:
        np.ctypeslib.as_array(g, (n,))[:] = slopes
    return float(value)


code, single = DOUBLE_CODE(written), FLOAT_CODE(written)


def capsule(name, function=code):
    NAMES.append(name)  # a capsule does not copy it
    new = C.pythonapi.PyCapsule_New
    new.restype, new.argtypes = C.py_object, [C.c_void_p, C.c_char_p, C.c_void_p]
    return new(C.cast(function, C.c_void_p), name, None)


@pytest.mark.parametrize("method", ["l-bfgs", "bfgs", "adam", "momentum", "gd", "cg", "trust-exact", "cma-es"])
def test_same_bits_as_in_python(method):
    rates = {"adam": 0.05, "momentum": 1e-4}
    given = {"method": method, "learning_rate": rates.get(method), "maxiter": 200, "seed": 0}
    python = {"fun": lambda x: pair(x)[0]} if method == "cma-es" else {"fun": pair, "jac": True}
    res, same = gs.minimize(code, START, **given), gs.minimize(x0=START, **python, **given)
    assert res.x.tobytes() == same.x.tobytes()
    assert (res.fun, res.nit, res.reason) == (same.fun, same.nit, same.reason)
    assert (res.history["fun"] == same.history["fun"]).all()
    assert res.nfev == same.nfev
    assert res.fun == pair(res.x)[0]


def test_float():
    res = gs.minimize(single, np.array(START, np.float32), method="l-bfgs")
    assert res.x.dtype == np.float32
    np.testing.assert_allclose(res.x, 1, atol=1e-2)
    assert res.fun == written(2, res.x.ctypes.data_as(SINGLE), None, None)
    with pytest.raises(TypeError, match="x0 must have dtype float32 where fun takes float; got float64"):
        gs.minimize(single, START)


def test_bounds_and_shapes():
    bounds = (None, np.array([[0.5], [2.0]]))
    res = gs.minimize(code, np.array([[-1.2], [1.0]]), bounds=bounds)
    assert res.x.shape == (2, 1)
    np.testing.assert_allclose(res.x.ravel(), [0.5, 0.25], atol=1e-5)


@pytest.mark.parametrize(
    "name",
    [NAME, b"double (intptr_t, const double *, double *, void *)", b"double (long, double *x, double *g, void *user)"],
)
def test_capsules(name):
    res = gs.minimize(capsule(name), START)
    assert res.success
    assert res.x.tobytes() == gs.minimize(code, START).x.tobytes()


@pytest.mark.parametrize(
    "fun",
    [
        C.CFUNCTYPE(C.c_double, C.c_int, REAL, REAL, C.c_void_p)(written),
        C.CFUNCTYPE(C.c_float, C.c_ssize_t, REAL, REAL, C.c_void_p)(lambda *_: 0.0),
        C.CFUNCTYPE(C.c_double, C.c_ssize_t, REAL)(lambda *_: 0.0),
        C.CFUNCTYPE(None, C.c_ssize_t, REAL, REAL, C.c_void_p)(lambda *_: None),
        capsule(b"double (int, double *)"),
        capsule(b"double (Py_ssize_t, float *, double *, void *)"),
        capsule(None),
    ],
)
def test_other_signatures_are_refused(fun):
    with pytest.raises(TypeError, match="fun in machine code must be double f"):
        gs.minimize(fun, START)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"jac": lambda x: x}, "jac must be True or left out"),
        ({"args": (3,)}, "takes no args"),
        ({"residual": True}, "gives no residuals"),
        ({"x0": [np.zeros(2), np.zeros(1)]}, "x0 must be one array"),
        ({"workers": map, "method": "cma-es"}, "workers must be a number of threads"),
    ],
)
def test_what_does_not_go_with_machine_code(given, said):
    with pytest.raises(TypeError, match=said):
        gs.minimize(code, **{"x0": START, **given})


def test_limits():
    assert gs.minimize(code, START, maxfev=7).nfev == 7
    assert gs.minimize(code, START, target=1.0).reason == "target"
    begin = time.perf_counter()
    res = gs.minimize(code, START, method="gd", learning_rate=1e-9, maxiter=10**9, maxtime=0.05)
    assert res.reason == "maxtime"
    assert time.perf_counter() - begin < 5
    seen = []
    res = gs.minimize(code, START, callback=lambda x: seen.append(x) or len(seen) == 3)
    assert res.reason == "callback"
    assert res.nit == 3


def test_populations_on_threads():
    given = {"method": "differential-evolution", "bounds": [(-2, 2)] * 2, "seed": 1, "maxiter": 20}
    res = gs.minimize(code, START, **given)
    assert res.x.tobytes() == gs.minimize(code, START, workers=3, **given).x.tobytes()
    assert res.x.tobytes() == gs.minimize(lambda x: pair(x)[0], START, **given).x.tobytes()


# -- many problems ----


@pytest.fixture
def as_many_threads():
    before = gs.get_num_threads()
    yield
    gs.set_num_threads(before)


STARTS = np.random.default_rng(0).uniform(-2, 2, (150, 2))


def rows_of(X, rows):
    a, b = 1 - X[:, 0], X[:, 1] - X[:, 0] * X[:, 0]
    return a * a + 100 * b * b, np.stack([-2 * a - 400 * X[:, 0] * b, 200 * b], axis=1)


@pytest.mark.parametrize("method", ["bfgs", "l-bfgs", "adam"])
def test_many_in_machine_code(method, as_many_threads):
    given = {"method": method, "learning_rate": 0.05 if method == "adam" else None, "maxiter": 60}
    same = gs.minimize_many(rows_of, STARTS, jac=True, **given)
    for count in (1, 2, 7):
        gs.set_num_threads(count)
        res = gs.minimize_many(code, STARTS, **given)
        assert res.x.tobytes() == same.x.tobytes()
        assert (res.nit == same.nit).all()
        assert (res.reason == same.reason).all()


def test_each_problem_has_its_data():
    def shifted(n, x, g, user):
        centre = C.cast(user, REAL)[0]
        if g:
            g[0] = 2 * (x[0] - centre)
        return (x[0] - centre) ** 2

    centres = np.linspace(-3, 3, 20).reshape(20, 1)
    res = gs.minimize_many(DOUBLE_CODE(shifted), np.zeros((20, 1)), data=centres)
    assert res.success.all()
    np.testing.assert_allclose(res.x, centres, atol=1e-6)
    with pytest.raises(ValueError, match="data must have 20 rows"):
        gs.minimize_many(code, np.zeros((20, 2)), data=np.zeros((3, 1)))
    with pytest.raises(TypeError, match="for fun in machine code"):
        gs.minimize_many(rows_of, np.zeros((20, 2)), jac=True, data=np.zeros((20, 1)))


# -- the makers of machine code ----


@pytest.mark.peers
def test_numba_and_scipy():
    numba = pytest.importorskip("numba")
    scipy = pytest.importorskip("scipy")
    from numba import types

    real = types.CPointer(types.float64)

    @numba.cfunc(types.float64(types.intp, real, real, types.voidptr))
    def fun(n, x, g, user):
        a, b = 1 - x[0], x[1] - x[0] * x[0]
        if numba.carray(g, n).ctypes.data != 0:
            g[0], g[1] = -2 * a - 400 * x[0] * b, 200 * b
        return a * a + 100 * b * b

    res = gs.minimize(fun, START, method="bfgs")
    assert res.success
    assert res.x.tobytes() == gs.minimize(code, START, method="bfgs").x.tobytes()
    assert gs.minimize(fun, START, method="cma-es", seed=0, maxiter=5).nfev > 6
    low = scipy.LowLevelCallable(fun.ctypes, user_data=C.c_void_p(7))
    assert gs.minimize(low, START, method="bfgs").x.tobytes() == res.x.tobytes()

    # Where tests run in the background, as a shell's jobs, the signal is ignored by itself.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
        begin = time.perf_counter()
        stopped = gs.minimize(fun, START, method="gd", learning_rate=1e-12, maxiter=10**9)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert stopped.reason == "interrupted"
    assert time.perf_counter() - begin < 2

    @numba.cfunc(types.float64(types.int32, real, real, types.voidptr))
    def narrow(n, x, g, user):
        return 0.0

    with pytest.raises(TypeError, match=r"its signature is float64 \(int32"):
        gs.minimize(narrow, START)


@pytest.mark.peers
def test_cffi():
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    kind = "double(*)(intptr_t, double *, double *, void *)"
    fun = ffi.cast(kind, C.cast(code, C.c_void_p).value)
    assert gs.minimize(fun, START).x.tobytes() == gs.minimize(code, START).x.tobytes()
    with pytest.raises(TypeError, match="machine code must be"):
        gs.minimize(ffi.cast("double(*)(int, double *)", 1), START)
