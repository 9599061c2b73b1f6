#include "bindings/arrays/guard.hpp"

#include <algorithm>
#include <iterator>

#include "bindings/module.hpp"
#include "bindings/turns.hpp"

namespace py = pybind11;

namespace gs {
namespace {

constexpr std::chrono::milliseconds patience{50};  // how long a thread waits before it looks for signals

void wait(Guard& guard, Use use) {
  Guard::Waiter waiter{use};
  guard.queue(waiter);
  for (;;) {
    bool granted;
    {
      const py::gil_scoped_release release;
      granted = guard.wait(waiter, patience);
    }
    if (granted) return;
    if (PyErr_CheckSignals() == 0) continue;
    guard.give_up(waiter);
    throw py::error_already_set();
  }
}

using Owned = std::shared_ptr<PyGuard>;

Owned root(const Owned& guard) { return std::static_pointer_cast<PyGuard>(Guard::root(guard)); }

}  // namespace

void PyGuard::exit() {
  const auto last = std::find_if(held_.rbegin(), held_.rend(),
                                 [](const auto& one) { return one.first == PyThread_get_thread_ident(); });
  const std::shared_ptr<Guard> guard = last->second;
  held_.erase(std::next(last).base());
  guard->leave();
}

Hold::Hold(const std::shared_ptr<Guard>& guard, Use use) : guard_(take(guard, use)) {}

std::shared_ptr<Guard> Hold::take(const std::shared_ptr<Guard>& guard, Use use) {
  for (;;) {
    std::shared_ptr<Guard> now = Guard::root(guard);
    if (!now->enter(use)) wait(*now, use);
    if (!now->joined()) return now;
    now->leave();  // it was joined with another while we waited
  }
}

void bind_guard(py::module_& m) {
  SharedClass<PyGuard, Owned>(m, "Guard", "A lock of weights.")
      .def(py::init<>())
      .def(py::init([](const Owned& other) {
        auto made = std::make_shared<PyGuard>();
        Guard::join(other, made);
        return made;
      }))
      .def("join", [](const Owned& self, const Owned& other) { Guard::join(self, other); })
      .def("__enter__", [](const Owned& self) { self->enter(self); })
      .def("__exit__", [](PyGuard& self, const py::args&) { self.exit(); })
      // A copy is a lock of its own, and copies of joined locks are joined: their roots are copied once.
      .def("__reduce__", [](const Owned& self) {
        const Owned to = root(self);
        return py::make_tuple(py::type::of<PyGuard>(), to == self ? py::tuple() : py::make_tuple(to));
      });
}

}  // namespace gs
