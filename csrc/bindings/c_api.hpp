// The C functions behind gradstep.cython, handed over in a capsule. All may be called without the interpreter's lock.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

/// Of the rules without a first pass. Steps return 0, or -1 if there is no such rule, t < 1, or a value is out of its
/// range; then nothing is written. values: in the order of the rule's fields; w, g (n); state (slots, n). One thread.
typedef struct {
  int (*find_rule)(const char* name);  // -1 if there is none
  int (*step_float32)(int rule, const double* values, int64_t t, float* w, const float* g, float* state, size_t n);
  int (*step_float64)(int rule, const double* values, int64_t t, double* w, const double* g, double* state, size_t n);
} gradstep_step_api;
}
