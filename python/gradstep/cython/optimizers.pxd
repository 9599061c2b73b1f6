# One step of an update rule over memory of the caller, in the calling thread. See optimizers.pyx.
from libc.stdint cimport int64_t

cdef int find_rule(const char* name) noexcept nogil

cdef int step_float32(
    int rule, const double* values, int64_t t, float* w, const float* g, float* state, size_t n
) noexcept nogil

cdef int step_float64(
    int rule, const double* values, int64_t t, double* w, const double* g, double* state, size_t n
) noexcept nogil
