// Work without the interpreter's lock.
#pragma once

#include <pybind11/pybind11.h>

#include "runtime/cancel.hpp"

namespace gs {

/// Steps of fewer elements take less time than handing the interpreter's lock over and back; or, in a free-threaded
/// interpreter, a turn (bindings/turns.hpp).
#if defined(Py_GIL_DISABLED)
constexpr std::size_t release_size = 1 << 11;
#else
constexpr std::size_t release_size = 1 << 14;
#endif

/// Once, when the module is imported: what forks is the main thread of the child, whichever it was, and is looked up
/// there again.
void prepare_signals();

/// Whether signals are handled on this thread. The interpreter's lock must be held.
bool handles_signals();

/// Handles the signals that came; whether one raised an exception, which is then set.
bool check_signals();
/// Whether it is at that now: what is asked by a signal's handler.
bool is_polling();

/// work() without the interpreter's lock; where it can be left, a signal whose handler raises ends it, and that is
/// thrown: Ctrl-C, mostly.
template <class Work> auto released(Work work) {
  try {
    const CancelPoll poll(handles_signals() ? &check_signals : nullptr);
    const pybind11::gil_scoped_release release;
    return work();
  } catch (const Cancelled&) {
    throw pybind11::error_already_set();
  }
}

}  // namespace gs
