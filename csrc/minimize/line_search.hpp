// Line searches: how far to go along a direction.
//
// More and Thuente 1994, "Line search algorithms with guaranteed sufficient decrease", ACM TOMS 20.
// Nocedal and Wright 2006, "Numerical Optimization", sections 3.1 and 3.5.
// Hager and Zhang 2005, "A new conjugate gradient method with guaranteed descent and an efficient line search", SIAM J.
// Optim. 16: the approximate Wolfe conditions, which slopes alone decide where f no longer resolves a change.
#pragma once

#include "minimize/function.hpp"

namespace gs::minimize {

inline constexpr int most_trials = 30;

/// f along point.x + alpha * d.
class Line {
 public:
  Line(Function& function, const Point& from, const Vector& d, double slope)
      : f0(from.f), slope(slope), function_(function), from_(from), d_(d) {}

  /// Makes a trial point at alpha, within the bounds; whether it is another one than that at 0.
  bool place(double alpha);
  /// f at the trial point; infinity where it is NaN.
  double value();
  /// The slope at the trial point, whose gradient it then has.
  double derivative();
  /// Changes of f below this are rounding.
  double noise() const { return 4 * function_.eps * std::fabs(from_.f); }
  bool is_pair() const { return function_.is_pair; }

  double f0;
  const double slope;
  Point trial;
  int calls = 0;

 private:
  Function& function_;
  const Point& from_;
  const Vector& d_;
};

/// The first of ever smaller alphas at which f is lower by -c1 * alpha * slope; whether there is one, in line.trial.
bool armijo(Line& line, double alpha = 1, double c1 = 1e-4, int limit = most_trials);

/// A point where f is lower by -c1 * alpha * slope and the slope's magnitude at most c2 times that at 0.
///
/// Trials first go outwards until two of them bracket such a point, then the bracket shrinks by cubic interpolation.
/// Where f no longer resolves a change, the approximate Wolfe conditions accept a point by its slope. longest: the
/// largest alpha, which need not fulfil the condition on the slope. limit: of calls of f. Whether one was found; if
/// not, `found` is the lowest trial, without x if none was lower.
bool strong_wolfe(Line& line, Point& found, double alpha = 1, double c1 = 1e-4, double c2 = 0.9, double longest = inf,
                  int limit = most_trials);

}  // namespace gs::minimize
