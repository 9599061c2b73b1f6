// A function whose calls are counted, within limits, and whose best point is kept.
#pragma once

#include <cstdint>

#include "minimize/function.hpp"
#include "minimize/loop.hpp"
#include "runtime/cancel.hpp"

namespace gs::minimize {

class Counted : public Function {
 public:
  using Function::Function;
  double lowest() override { return best.f; }

  double maxfev = inf, maxtime = inf, target = -inf;
  double begin = 0;  // when `maxtime` began
  std::int64_t nfev = 0, njev = 0;
  Point best;  // its f is infinite at first

 protected:
  /// Before a call. Throws Stop where a limit is reached, Cancelled where a signal's handler raised an exception.
  void spend() {
    if (double(nfev + 1) > maxfev) throw Stop("maxfev");
    if (--wait_ <= 0) look();
    ++nfev;
  }
  void look() {
    CancelPoll* const poll = CancelPoll::current();
    if (maxtime == inf && !poll) {
      wait_ = INT64_MAX;
      return;
    }
    // Calls that are quick are looked at now and then.
    const double now = seconds();
    wait_ = stride_ = (now - looked_) < 1e-4 * double(stride_) ? 16 : 1;
    looked_ = now;
    if (now - begin > maxtime) throw Stop("maxtime");
    if (poll && (*poll)()) throw Cancelled();
  }
  /// After a call.
  void saw(const Point& point) {
    if (!(point.f < best.f)) return;
    best = point;
    if (point.f == -inf) throw Stop("nan", "f is -inf: it has no minimum");
    if (point.f <= target) throw Stop("target");
  }
  /// After a gradient that came later.
  void saw_gradient(const Point& point) {
    if (point.x == best.x) best.g = point.g;
  }

 private:
  std::int64_t wait_ = 0, stride_ = 1;
  double looked_ = 0;
};

}  // namespace gs::minimize
