// CMA-ES: an evolution strategy that learns the covariance of the steps that help.
//
// Hansen 2016, "The CMA evolution strategy: a tutorial", arXiv:1604.00772. Ros and Hansen 2008, "A simple modification
// in CMA-ES achieving linear time and space complexity", PPSN: the diagonal form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "minimize/function.hpp"

namespace gs::minimize {

/// One run after another, each of generations of `size` points, in variables that are divided by `width`.
class Cma {
 public:
  /// bounded: whether widths are those of bounds.
  Cma(std::vector<double> width, bool is_diagonal, bool bounded);

  /// Begins a run. known: the lowest value of the runs before.
  void begin(const std::vector<double>& mean, double sigma, std::size_t size, double known);
  /// What follows from the number of variables and of points.
  void set_constants();

  /// Draws the points of a generation by its number; those outside of the bounds, which are null where there are none,
  /// again, a few times.
  void draw(std::uint64_t key, std::uint64_t generation, const double* lower, const double* upper);
  /// The i-th of them, within the bounds.
  void place(std::size_t i, const double* lower, const double* upper, double* x) const;
  /// Takes their values, of which none is NaN. What then ends the run, as a part of a sentence; empty if nothing does.
  std::string learn(const std::vector<double>& values);

  const std::size_t n;
  const bool is_diagonal, bounded;
  const std::vector<double> width;

  // The state between generations. C and the axes B, a row each, are (n, n); C has n numbers in the diagonal form.
  std::vector<double> mean, C, B, D, path_c, path_s;
  double sigma = 0, first_sigma = 0, best = inf, known = inf;
  std::size_t size = 0;
  std::int64_t since = 0, decomposed = 0;  // generations of this run, and at which of them B and D were made
  std::vector<double> bests, medians;      // of the last generations

 private:
  /// The j-th variable of the i-th point, where bounds do not matter.
  double variable(std::size_t i, std::size_t j) const { return (mean[j] + sigma * y_[i * n + j]) * width[j]; }
  void decompose();
  std::string why(const std::vector<double>& values, const std::vector<std::size_t>& order);

  std::vector<double> weights_, y_, square_;  // the steps (size, n) of a generation, and the squares of their draws
  std::size_t half_ = 0;
  double mu_ = 0, c_s_ = 0, damping_ = 0, c_c_ = 0, c_1_ = 0, c_mu_ = 0, chi_ = 0;
};

/// Generations of a Cma as steps of a method, and its best point.
class CmaMethod : public Method {
 public:
  explicit CmaMethod(Cma& cma, std::uint64_t key) : cma(cma), key(key) { has_gradients = false; }
  Point step(Function& function, const Point& point) override;
  double optimality(Function&, const Point&) override { return nan; }

  Cma& cma;
  const std::uint64_t key;
  std::uint64_t generation = 0;
  std::vector<double> x;
  double fun = inf;
  /// What follows a run that has ended, and why it has: either it begins another one, or it gives the reason of a Stop.
  std::function<std::string(const std::string&)> ended;

 private:
  std::string reason_, detail_;
  std::vector<double> values_;
};

}  // namespace gs::minimize
