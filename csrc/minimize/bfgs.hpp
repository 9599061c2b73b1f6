// BFGS: the inverse Hessian, learned from the gradients along the path.
//
// Nocedal and Wright 2006, "Numerical Optimization", chapter 6.
#pragma once

#include "minimize/function.hpp"
#include "minimize/symmetric.hpp"

namespace gs::minimize {

class BFGS : public Method {
 public:
  BFGS(std::size_t n, double c1, double c2) : H(n), c1_(c1), c2_(c2), vectors_(n) {}
  Point step(Function& function, const Point& point) override;
  double left(Function& function, const Point& point) override;

  Symmetric H;           // the inverse Hessian
  bool is_fresh = true;  // whether H is the identity

  /// The direction -H g where an update of H has given it, and its gradient; both or none.
  const Vector& direction() const { return direction_; }
  const Vector& gradient() const { return gradient_; }
  /// Sets them, each of n numbers; null: none.
  void set_direction(const double* g, const double* d);
  void forget_direction() { direction_ = gradient_ = {}; }

 private:
  void reset();
  /// d = -H g, with its slope g . d
  Vector descent(Function& function, const Vector& g, double& slope);
  void update(Function& function, const Vector& g, const Vector& s, const Vector& y, const Change& moved);

  const double c1_, c2_;
  Vectors vectors_;
  Vector direction_, gradient_;
};

}  // namespace gs::minimize
