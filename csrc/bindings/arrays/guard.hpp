// Locks of weights, as Python takes them.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <utility>
#include <vector>

#include "runtime/guard.hpp"

namespace gs {

/// Holds a lock while it lives. It is made and ended with the interpreter's lock, and waits without: raises
/// KeyboardInterrupt where a signal came meanwhile.
class Hold {
 public:
  Hold(const std::shared_ptr<Guard>& guard, Use use);
  ~Hold() { guard_->leave(); }
  Hold(const Hold&) = delete;

  const Guard& guard() const { return *guard_; }

  /// The two halves: the lock that was taken, to be left.
  static std::shared_ptr<Guard> take(const std::shared_ptr<Guard>& guard, Use use);

 private:
  const std::shared_ptr<Guard> guard_;
};

/// What Python has: a lock that is held with `with`, and again by the thread that holds it.
class PyGuard : public Guard {
 public:
  void enter(const std::shared_ptr<Guard>& self) {
    held_.emplace_back(PyThread_get_thread_ident(), Hold::take(self, Use::change));
  }
  void exit();

 private:
  // What was taken, by whom: joined with another lock meanwhile, the one that was taken is the one that is left.
  std::vector<std::pair<unsigned long, std::shared_ptr<Guard>>> held_;
};

}  // namespace gs
