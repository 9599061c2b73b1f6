// Steps of an optimizer against the gradient of the whole function, taken as they are.
#pragma once

#include "minimize/function.hpp"

namespace gs::minimize {

/// What steps: an optimizer with the array that it updates.
class Mover {
 public:
  virtual ~Mover() = default;
  /// One step against g; x: where that leads.
  virtual void step(const Vector& g, const Vector& x) = 0;
  /// Goes on from x, after a step that led elsewhere.
  virtual void place(const Vector& x) = 0;
  /// The learning rate of the last step.
  virtual double rate() = 0;
};

class Descent : public Method {
 public:
  Descent(Mover& mover, double first) : mover_(mover), first_(first) {}

  Point step(Function& function, const Point& point) override {
    Point next;
    next.x = function.vectors.make();
    mover_.step(point.g, next.x);
    if (function.lower) {
      function.round(next.x);
      mover_.place(next.x);
    }
    next.alpha = mover_.rate();
    function.value(next);
    if (!std::isfinite(next.f))
      throw Stop(point.f <= first_ ? "nan" : "diverged", text("f is %g after a step with rate %g", next.f, next.alpha));
    if (!next.g) function.gradient(next);
    return next;
  }

 private:
  Mover& mover_;
  const double first_;  // the value at the start
};

}  // namespace gs::minimize
