# cython: language_level=3, embedsignature=True, freethreading_compatible=True
"""The fused steps as C functions without the GIL, as ``scipy.linalg.cython_blas`` is for BLAS.

For loops that Cython or Numba compiles. The same kernels, and the same bits, as `gradstep.optimizers`::

    int find_rule(const char* name)
    int step_float32(int rule, const double* values, int64_t t, float* w, const float* g, float* state, size_t n)
    int step_float64(int rule, const double* values, int64_t t, double* w, const double* g, double* state, size_t n)

``find_rule`` gives the number of an update rule, or -1 if there is none of that name. It holds for this version only:
ask once per process. The steps update ``w (n,)`` and ``state (slots, n)`` in place from the gradient ``g (n,)``, in one
thread, and return 0; or they return -1, and write nothing, for an unknown rule, a step ``t`` below 1, or a value out of
bounds. Rules that need sums over a whole parameter before they move it (Lamb, Lars, NovoGrad, Prodigy) are not among
them.

``values`` are the hyperparameters in the order of ``fields(name)``. ``state`` holds the slots one after another in the
order of ``slots(name)``; each starts at its number of ``starts(name, values)``, nearly always 0; it may be NULL where
there are no slots. The arrays must not overlap.

Examples
--------
Cython, ``cimport`` and call::

    from gradstep.cython.optimizers cimport find_rule, step_float64

    def descend(double[::1] w, double[::1] g, double[:, ::1] m_and_v, int steps):
        cdef double[4] values = [0.001, 0.9, 0.999, 1e-7]
        cdef int rule = find_rule(b"Adam"), t
        with nogil:
            for t in range(1, steps + 1):
                step_float64(rule, values, t, &w[0], &g[0], &m_and_v[0, 0], w.shape[0])

Numba, by address::

    import ctypes
    from numba import njit
    from numba.extending import get_cython_function_address

    double_p = ctypes.POINTER(ctypes.c_double)
    signature = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, double_p, ctypes.c_int64,
                                 double_p, double_p, double_p, ctypes.c_size_t)
    step = signature(get_cython_function_address("gradstep.cython.optimizers", "step_float64"))
    rule = gradstep.cython.optimizers.rule_index("Adam")

    @njit
    def descend(w, g, m_and_v, values, steps):
        for t in range(1, steps + 1):
            step(rule, values.ctypes, t, w.ctypes, g.ctypes, m_and_v.ctypes, w.size)
"""

from cpython.pycapsule cimport PyCapsule_GetPointer

from gradstep import _core

__all__ = ["fields", "rule_index", "slots", "starts"]


# csrc/bindings/c_api.hpp
ctypedef struct StepApi:
    int (*find_rule)(const char* name) noexcept nogil
    int (*step_float32)(
        int rule, const double* values, int64_t t, float* w, const float* g, float* state, size_t n
    ) noexcept nogil
    int (*step_float64)(
        int rule, const double* values, int64_t t, double* w, const double* g, double* state, size_t n
    ) noexcept nogil


_capsule = _core.step_api()
cdef StepApi* api = <StepApi*>PyCapsule_GetPointer(_capsule, b"gradstep.step_api")


cdef int find_rule(const char* name) noexcept nogil:
    return api.find_rule(name)


cdef int step_float32(
    int rule, const double* values, int64_t t, float* w, const float* g, float* state, size_t n
) noexcept nogil:
    return api.step_float32(rule, values, t, w, g, state, n)


cdef int step_float64(
    int rule, const double* values, int64_t t, double* w, const double* g, double* state, size_t n
) noexcept nogil:
    return api.step_float64(rule, values, t, w, g, state, n)


def rule_index(str name):
    """The number of an update rule, as `find_rule` gives it; ValueError for an unknown name."""
    _rule(name)
    return find_rule(name.encode())


def fields(str name):
    """The hyperparameters of an update rule, in the order of ``values``: a dict of name to default."""
    return {field[0]: field[1] for field in _rule(name)["fields"]}


def slots(str name):
    """The names of an update rule's state arrays, in the order of the rows of ``state``."""
    return tuple(_rule(name)["slots"])


def starts(str name, values):
    """What every slot holds before the first step, with these ``values``: a dict of slot to number."""
    names = fields(name)
    if len(values) != len(names):
        raise ValueError(f"values must be {len(names)} numbers, as fields({name!r}); got {len(values)}.")
    return _core.Optimizer(name, dict(zip(names, values))).starts()


def _rule(name):
    rules = {known: rule for known, rule in _core.rules().items() if not rule["measures"]}
    if name not in rules:
        raise ValueError(f"name must be one of {', '.join(rules)}; got {name!r}.")
    return rules[name]
