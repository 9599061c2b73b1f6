#include "bindings/arrays/released.hpp"

#include <atomic>

namespace gs {
namespace {

std::atomic<unsigned long> main_thread{0};  // 0: not known yet
std::atomic<bool> polling{false};           // on that thread

void find_main_thread() {
  const auto ident = pybind11::module_::import("threading").attr("main_thread")().attr("ident");
  main_thread.store(ident.cast<unsigned long>());
}

}  // namespace

void prepare_signals() {
  const pybind11::cpp_function forget([] { main_thread.store(0); });
  pybind11::module_::import("os").attr("register_at_fork")(pybind11::arg("after_in_child") = forget);
}

bool handles_signals() {
  if (main_thread.load(std::memory_order_relaxed) == 0) find_main_thread();
  return main_thread.load(std::memory_order_relaxed) == PyThread_get_thread_ident();
}

bool check_signals() {
  const pybind11::gil_scoped_acquire held;
  const struct Polling {
    const bool before = polling.exchange(true);
    ~Polling() { polling.store(before); }
  } now;
  return PyErr_CheckSignals() != 0;
}

bool is_polling() { return polling.load(); }

}  // namespace gs
