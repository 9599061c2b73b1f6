// What takes the training steps of a network, as Python gives it: optimizers, and what is around them.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <list>
#include <utility>
#include <vector>

#include "bindings/arrays/arrays.hpp"
#include "bindings/optimizers/optimizers.hpp"
#include "update/stepper.hpp"

namespace gs {

class PyStepper {
 public:
  using Place = std::pair<std::size_t, std::size_t>;  // which optimizer, and the number of the weight there
  /// places (weight). around: none, or what gives what is around the optimizers:
  ///   ([(optimizers whose steps count, the one that knows the arrays, slow arrays, period, part)], those inside first,
  ///    (the one that knows the arrays, rho, adaptive) or None).
  PyStepper(const std::vector<py::object>& optimizers, const std::vector<Place>& places, py::object around);

  Stepper& engine() { return engine_; }
  /// Throws unless the weights of each optimizer lie here, in order.
  void check_weights(const std::vector<const std::byte*>& weights) const;
  void check_idle() const;
  /// Raises FloatingPointError for the step that was refused.
  [[noreturn]] void throw_refused() const;

  /// While one lives, this thread alone steps.
  class Busy {
   public:
    /// Makes ready for so many steps, with all settings as they are now.
    Busy(PyStepper& stepper, std::size_t steps);
    ~Busy();
    Busy(const Busy&) = delete;

   private:
    PyStepper& stepper_;
    std::list<PyOptimizer::Busy> busy_;
  };

 private:
  void read_around(std::list<PyOptimizer::Busy>& busy);
  void read_lookahead(const py::tuple& words, std::list<PyOptimizer::Busy>& busy);
  /// The numbers of the weights in the order in which an optimizer knows them.
  std::vector<std::size_t> order_of(const PyOptimizer& known) const;

  std::vector<py::object> owners_;
  std::vector<PyOptimizer*> optimizers_;
  std::vector<Places> places_;  // (optimizer)
  const py::object around_;
  Stepper engine_;
  std::vector<py::object> held_;  // while busy
};

}  // namespace gs
