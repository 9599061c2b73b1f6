// The loop around every method: iterations, the conditions that end them, and what is kept of them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "minimize/function.hpp"

namespace gs::minimize {

/// Seconds of a clock that only goes forward, as Python's time.perf_counter.
double seconds();

/// When a run ends, beside the limits that the function itself watches.
struct Rules {
  double gtol, ftol, xtol, maxiter, patience;
};

/// Numbers of an iteration.
struct Iteration {
  double fun, gnorm, step, alpha, time;
};

/// What a run leaves behind.
struct Record {
  std::vector<Iteration> iterations;  // the start first
  std::vector<Vector> points;         // if they are kept
  bool keeps_points = false;
  double begin = 0;
  std::int64_t turns = 0;    // iterations in a row in which the gradient pointed against the one before
  std::int64_t rises = 0;    // iterations in a row in which f rose
  std::int64_t unmoved = 0;  // iterations in a row in which x stayed as it was
};

/// Iterates until something ends the run, and says what. point: where it begins, with its gradient if the method uses
/// one; then the last one. callback: after each iteration, whether to stop; or none.
Stop run(Function& function, Method& method, Point& point, const Rules& rules, Record& record,
         const std::function<bool(const Point&, std::int64_t)>& callback);

}  // namespace gs::minimize
