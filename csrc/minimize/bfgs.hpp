// BFGS: the inverse Hessian, learned from the gradients along the path.
//
// Nocedal and Wright 2006, "Numerical Optimization", chapter 6.
#pragma once

#include "minimize/function.hpp"
#include "minimize/symmetric.hpp"

namespace gs::minimize {

class BFGS : public Method {
 public:
  BFGS(std::size_t n, double c1, double c2) : H(n), c1_(c1), c2_(c2) {}
  Point step(Function& function, const Point& point) override;
  double left(Function& function, const Point& point) override;

  Symmetric H;           // the inverse Hessian
  bool is_fresh = true;  // whether H is the identity

 private:
  void reset();
  void update(Function& function, const Vector& s, const Vector& y, const Change& moved);

  const double c1_, c2_;
};

}  // namespace gs::minimize
