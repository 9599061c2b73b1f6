#include "bindings/released.hpp"

#include <atomic>

#include <pthread.h>

namespace gs {
namespace {

std::atomic<unsigned long> main_thread{0};  // 0: not known yet
bool polling = false;                       // on that thread

// What forks is the main thread of the child, whichever it was.
void find_main_thread() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { main_thread.store(PyThread_get_thread_ident()); });
  (void)registered;
  const auto ident = pybind11::module_::import("threading").attr("main_thread")().attr("ident");
  main_thread.store(ident.cast<unsigned long>());
}

}  // namespace

bool handles_signals() {
  if (main_thread.load(std::memory_order_relaxed) == 0) find_main_thread();
  return main_thread.load(std::memory_order_relaxed) == PyThread_get_thread_ident();
}

bool check_signals() {
  const pybind11::gil_scoped_acquire held;
  const struct Polling {
    const bool before = polling;
    Polling() { polling = true; }
    ~Polling() { polling = before; }
  } now;
  return PyErr_CheckSignals() != 0;
}

bool is_polling() { return polling; }

}  // namespace gs
